"""Rules for dates and ages; looked for only where a recipe names them."""

import re

from pipelines.data.privacy.rule import Rule

_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_MONTH_HINTS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = "mon|tues|wednes|thurs|fri|satur|sun"
_TIME = r"(?:[T ,]{1,2}[0-2]?[0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?(?: ?[ap]m\b)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"

DATE_RULES: tuple[Rule, ...] = (
    Rule(
        "DATE",
        re.compile(
            r"(?<![\w./-])(?P<value>(?:[0-9]{4}([./-])[0-9]{1,2}\2[0-9]{1,2}|[0-9]{1,2}([./-])[0-9]{1,2}\3(?:[0-9]{4}|[0-9]{2}))"
            rf"{_TIME})(?![\w/-]|\.[0-9])",
            re.I,
        ),
        ("0.0", "0/0", "0-0"),
    ),
    Rule(
        "DATE",
        re.compile(
            rf"\b(?P<value>(?:[0-3]?[0-9](?:st|nd|rd|th)?\.?(?: of)? (?:{_MONTHS})\b\.?(?:,? (?:1[89]|20)[0-9]{{2}})?"
            rf"|(?:{_MONTHS})\b\.? (?:[0-3]?[0-9](?:st|nd|rd|th)?(?:,? (?:1[89]|20)[0-9]{{2}})?"
            r"|(?:1[89]|20)[0-9]{2}))"
            rf"{_TIME})(?!\w)",
            re.I,
        ),
        _MONTH_HINTS,
        also=("0",),
    ),
    Rule("DATE", re.compile(rf"\b(?P<value>(?:{_DAYS})day)s?\b", re.I), ("day",)),
    Rule(
        "DATE",
        re.compile(r"(?<![\w.,/$€£#+-])(?P<value>(?:1[89]|20)[0-9]{2})s?(?![\w/]|[.,-][0-9])"),
        ("0000",),
    ),
    Rule(
        "AGE",
        re.compile(
            r"\b(?:aged?|turn(?:ed|s|ing)?|(?:is|am|was|were|be|'m|'s)(?: (?:a|an))?|age of|at)[ :]"
            r"(?P<value>1?[0-9]{1,2})"
            r"(?=[ -](?:years?|yrs?)[ -]old\b|[.,;!?]?(?:\s|\Z))(?!\s?(?:%|[ap]m\b))",
            re.I,
        ),
        ("0",),
    ),
    Rule(
        "AGE",
        re.compile(r"\b(?P<value>1?[0-9]{1,2})[ -](?:years?|yrs?)(?:[ -]old|[ -]of[ -]age)\b", re.I),
        ("year", "yr"),
        also=("0",),
    ),
)
