"""What a contract says of the personal data in a column: whether it is any, of which kind, and what its text holds.

The standard has a field for the first, `classification`; the others are custom properties of the column, `piiType`,
`containsPii` and `subjectId`. Kinds are understood however they are written, as dateOfBirth or date_of_birth. What is
not understood would protect nobody, so it is a mistake.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args

from pipelines.data.contracts.rules import Mistake
from pipelines.recipe import Entity
from pipelines.recipe_reader import did_you_mean
from pipelines.strict_yaml import Field

PII_TYPE, CONTAINS_PII, SUBJECT_ID = PROPERTIES = ("piiType", "containsPii", "subjectId")
UNSAID = "personal"
# The kinds that can be found in free text; a recipe has an action for each.
IN_TEXT = get_args(Entity)
_CLASSIFICATIONS = ("pii", "personal", "restricted", "sensitive")
_ALL_CLASSIFICATIONS = (*_CLASSIFICATIONS, "public", "internal", "confidential")
_TYPES_OF_IDS = ("string", "integer")
_TAGS = ("pii", "personal")
_PEOPLE = (
    *("customer", "client", "contact", "user", "owner", "author", "sender", "recipient", "requester", "assignee"),
    *("agent", "employee", "patient", "member"),
)
# Each kind with what else it is called, Presidio's words for it among them, in small letters without signs. Whatever
# ends with `name` (surname, customerName) is a name, too.
_KINDS = {
    "name": ("names", "person", "persons", "people", "individual", "contactperson", *_PEOPLE),
    "address": (
        *("addresses", "street", "streetaddress", "postaladdress", "city", "zip", "zipcode", "postcode", "postalcode"),
        "location",
    ),
    "email": ("emails", "mail", "emailaddress"),
    "phone": ("phones", "telephone", "tel", "mobile", "cell", "fax", "phonenumber", "telephonenumber", "mobilenumber"),
    "card": ("cardnumber", "creditcard", "creditcardnumber"),
    "iban": ("ibancode",),
    "ssn": ("usssn", "socialsecuritynumber"),
    "driver_license": ("driverslicense", "drivinglicence", "drivinglicense", "usdriverlicense"),
    "crypto": ("bitcoin", "wallet", "cryptoaddress"),
    "ip": ("ipaddress",),
    "url": (),
    "date": ("datetime",),
    "age": (),
    "birth_date": ("birthday", "dateofbirth", "dob"),
    "id_number": (
        *("id", "nationalid", "passport", "passportnumber", "taxid", "customerid", "userid", "accountnumber", "itin"),
        *("usitin", "uspassport", "usbanknumber", "bankaccount"),
    ),
    UNSAID: ("pii", "other"),
}
_KIND_OF = {word.replace("_", ""): kind for kind, others in _KINDS.items() for word in (kind, *others)}
# Words in the name of a column that tell its kind.
_TELLING_WORDS = {
    "email": {"email", "mail"},
    "phone": {"phone", "telephone", "tel", "mobile", "cell", "fax"},
    "name": {"firstname", "lastname", "fullname", "surname", "forename", "username", "nickname", "signature"},
    "address": {"address", "street", "city", "postcode", "zip", "zipcode", "postal"},
    "birth_date": {"birth", "birthday", "birthdate", "dob"},
    "id_number": {"ssn", "passport", "iban"},
}
_WHOSE_NAME = frozenset((*_PEOPLE, "first", "last", "full", "given", "family", "middle", "maiden", "person"))
_MEANT = {"piitype": PII_TYPE, "pii": PII_TYPE, "ispii": PII_TYPE, "haspii": CONTAINS_PII, "containspii": CONTAINS_PII}
_MEANT["subjectid"] = SUBJECT_ID
# From this likeness on one of those is meant: `subject` may be the company's own property, `subjectIds` is not.
_LIKENESS = 0.88


def personal_kind(given: dict[str, Any]) -> str | None:
    """The kind of personal data that a column is, None for none.

    Where the contract does not say which, the column's name may tell; else it is `personal`.
    """
    custom = _custom(given)
    if PII_TYPE in custom:
        return _kind(custom[PII_TYPE])
    if given.get("classification", "").lower() in _CLASSIFICATIONS or _tagged(given):
        return kind_by_name(given["name"]) or UNSAID
    return None


def kind_by_name(name: str) -> str | None:
    """The kind of personal data that a column of this name seems to be, as customerName and e-mail, or None."""
    words = set(words_of(name))
    for kind, telling in _TELLING_WORDS.items():
        if words & telling:
            return kind
    # A product's name is nobody's; a column that is just called name is taken for a person's.
    return "name" if "name" in words and (words == {"name"} or words & _WHOSE_NAME) else None


def words_of(name: str) -> list[str]:
    """The words of a column's name in small letters."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[\W_]+", apart.lower()) if word]


def contained_kinds(given: dict[str, Any]) -> tuple[str, ...]:
    """The kinds that stand within a column's free text."""
    kinds = map(_kind, _listed(_custom(given).get(CONTAINS_PII, [])))
    return tuple(dict.fromkeys(kind for kind in kinds if kind))


def names_subject(given: dict[str, Any]) -> bool:
    """Whether a column tells whom the row is about."""
    return _custom(given).get(SUBJECT_ID) is True


def personal_mistakes(given: dict[str, Any], field: Field) -> Iterator[Mistake]:
    """What a column says of personal data that is not understood, or that a near word would have passed over."""
    # The standard leaves the words open; one that is not known would protect nothing.
    classification = given.get("classification", "public")
    if classification.lower() not in _ALL_CLASSIFICATIONS:
        near = did_you_mean(classification, _ALL_CLASSIFICATIONS)
        yield (*field, "classification"), f"{classification} is not known {near}"
    seen = set()
    for index, item in enumerate(given.get("customProperties", [])):
        spot: Field = (*field, "customProperties", index)
        name, value = item["property"], item["value"]
        if name not in PROPERTIES:
            if meant := _meant(name):
                yield (*spot, "property"), f"{name} would be passed over (did you mean {meant}?)"
            continue
        if name in seen:
            yield spot, f"{name} is given twice; keep one"
        seen.add(name)
        if mistake := _value_mistake(name, value) or _subject_mistake(name, value, given["logicalType"]):
            yield (*spot, "value"), mistake


def misplaced(given: dict[str, Any], field: Field) -> Iterator[Mistake]:
    """Properties that belong to a column and stand at something else, where nothing would read them."""
    for index, item in enumerate(given.get("customProperties", [])):
        if meant := _meant(item["property"]):
            yield (*field, "customProperties", index, "property"), f"{meant} belongs to a column; move it there"


def misplaced_tags(given: dict[str, Any], field: Field) -> Iterator[Mistake]:
    """A tag that calls personal what is part of a column, or made of columns: nothing would read it."""
    if _tagged(given):
        yield (*field, "tags"), "only a column or a field can be tagged personal; move the tag there"


def _value_mistake(name: str, value: Any) -> str | None:
    if name == SUBJECT_ID:
        return None if isinstance(value, bool) else "must be true or false, without quotes"
    if name == PII_TYPE:
        return None if _kind(value) else f"{value} is not known {_near(value, _KINDS)}"
    unknown = [word for word in _listed(value) if _kind(word) not in IN_TEXT]
    return f"{unknown[0]} is nothing to be found in free text {_near(unknown[0], IN_TEXT)}" if unknown else None


def _subject_mistake(name: str, value: Any, logical_type: str) -> str | None:
    """Why a column cannot tell whom a row is about; the persons are told apart by the text of their id."""
    if name != SUBJECT_ID or not value or logical_type in _TYPES_OF_IDS:
        return None
    return f"a {logical_type} is written in several ways, and a person's id in one; make the column string or integer"


def _near(word: Any, allowed: Iterable[str]) -> str:
    return did_you_mean(str(word).lower(), allowed)


def _meant(name: str) -> str | None:
    """The property that a name was meant for, if any."""
    near = difflib.get_close_matches(_plain(name), _MEANT, n=1, cutoff=_LIKENESS)
    return _MEANT[near[0]] if near else None


def _kind(word: Any) -> str | None:
    plain = _plain(word) if isinstance(word, str) else ""
    return _KIND_OF.get(plain) or ("name" if plain.endswith("name") else None)


def _plain(word: str) -> str:
    return "".join(filter(str.isalpha, word.lower()))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _tagged(given: dict[str, Any]) -> bool:
    return any(tag.lower() in _TAGS for tag in given.get("tags", []))


def _custom(given: dict[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in given.get("customProperties", [])}
