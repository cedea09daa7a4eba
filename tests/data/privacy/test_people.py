"""The data's own people, however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.people import full_names, own_values
from pipelines.data.privacy.screen import mask
from pipelines.data.privacy.spellings import plain_letters, spellings


def masked(text, *values):
    return mask(text, Detector(), [own for value in values for own in own_values("NAME", value)])[0]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("王小明", "请联系王小明先生", "请联系[NAME]先生"),
        ("李明", "李明说，好的", "[NAME]说，好的"),
        ("山田太郎", "山田太郎さん", "[NAME]さん"),
        ("한지민", "한지민이 왔다", "[NAME]이 왔다"),
        ("สมชาย ใจดี", "คุณสมชายโทรมา", "คุณ[NAME]โทรมา"),
        ("Weiß", "Frau WEISS rief an", "Frau [NAME] rief an"),
        ("Weiss", "Frau Weiß rief an", "Frau [NAME] rief an"),
        ("Müller, Jörg", "Joerg Mueller", "[NAME] [NAME]"),
        ("Joerg Mueller", "Jörg Müller", "[NAME]"),
        ("Søren Ångström", "SOREN ANGSTROM", "[NAME]"),
        ("Søren Ångström", "Soeren", "[NAME]"),
        ("Nguyễn", "Nguyen", "[NAME]"),
        ("Anna Okafor", "Annas Karte und Okafors Konto", "[NAME]s Karte und [NAME]s Konto"),
        ("Anna Okafor", "Annasita", "Annasita"),
        ("Bill Okafor", "two bills", "two bills"),
    ],
)
def test_a_persons_name_is_found_in_other_scripts_spellings_and_endings(name, text, expected):
    assert masked(text, name) == expected


def test_everybodys_names_are_found_in_other_spellings():
    detector = Detector(everybody=full_names(["Jörg Weiß", "Anna Okafor"]))
    assert mask("Joerg Weiss, jorg weiß and Anna Okafors card", detector)[0] == "[NAME], [NAME] and [NAME] card"


@given(st.text())
def test_plain_letters_keep_their_places(text):
    folded = text.lower()
    assert len(plain_letters(folded)) == len(folded)
    assert plain_letters(plain_letters(folded)) == plain_letters(folded)
    assert spellings(folded)[0] == plain_letters(folded)
