"""Numbers that states, banks and chains give people; those here are made up, or published as examples."""

import pytest

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.screen import mask


def masked(text):
    return mask(text, Detector())[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("my passport number is C01234567, thanks", "my passport number is [ID_NUMBER], thanks"),
        ("Passport: 123456789", "Passport: [ID_NUMBER]"),
        ("ITIN 912-70-1234", "ITIN [ID_NUMBER]"),
        ("she wrote 912-70-1234 there", "she wrote [ID_NUMBER] there"),
        ("bank account number: 0123 4567 8901", "bank account number: [ID_NUMBER]"),
        ("QQ123456C is no prefix, AB 12 34 56 C is", "QQ123456C is no prefix, [ID_NUMBER] is"),
        ("NINO QQ 12 34 56 C", "NINO [ID_NUMBER]"),
        ("codice fiscale RSSMRA85T10A562S", "codice fiscale [ID_NUMBER]"),
        ("rssmra85t10a562s", "[ID_NUMBER]"),
        ("PESEL 44051401359", "PESEL [ID_NUMBER]"),
        ("Aadhaar no. 2345 6789 0124 please", "Aadhaar no. [ID_NUMBER] please"),
        ("DEA no: AB1234563", "DEA no: [ID_NUMBER]"),
        ("send to 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa now", "send to [CRYPTO] now"),
        (
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb has another check",
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb has another check",
        ),
        ("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "[CRYPTO]"),
        ("0x52908400098527886E0F7030069857D2E4169EE7", "[CRYPTO]"),
    ],
)
def test_numbers_of_persons_are_masked(text, expected):
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "My passport is needed for travel in 2024.",
        "The passport expires 2024.",
        "tax id missing, order 4711",
        "account number not found",
        "The account no longer works since March",
        "nie wieder 12 Monate",
        "It weighs 12 34 kg",
        "ID card or passport",
    ],
)
def test_what_only_speaks_of_them_is_left(text):
    assert masked(text) == text
