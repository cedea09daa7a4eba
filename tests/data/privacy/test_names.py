import pytest

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.names import find_names


def found(text):
    return [(text[span.start : span.end], span.kind) for span in find_names(text)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Hello,\nmy order is late.\nKind regards\nGrace Okafor", "Grace Okafor"),
        ("please ask tomasz kowalski about it", "tomasz kowalski"),
        ("Dear Mr. Lindqvist, thank you for waiting.", "Lindqvist"),
    ],
)
def test_a_person_is_found(text, name):
    assert found(text) == [(name, "NAME")]


def test_an_address_is_found_whole_over_its_lines():
    [(address, kind)] = found("Send it to\n221 Harbour Street\nLeeds LS1 4AP\nplease")
    assert kind == "ADDRESS"
    assert address.startswith("221 Harbour Street\nLeeds")


@pytest.mark.parametrize(
    "text",
    ["", "\n\n", "I tried 3 times, waited 20 minutes and paid 12 euros.", "XXXX XXXX called me on XX/XX/2019 about it.",
     "Parcel lost\nThe parcel did not come and nobody answers.", "The app keeps crashing since the update.",
     "My order is OR-86996066, for the hall.",
     "| table_06.html | 211ee5c4363c1e3c716d78a9f04091e7442a76e147647afe36d139a864beb797 |",
     "Lng9XyB0pRae26a2Ep2yT6fyrlGkkkHgY2NfU7xC8IXvw9HGgeAtS1S41u40TTrWwk1G8YtcXb28SxmeZiSTJIV3OSTy"],
)  # fmt: skip
def test_ordinary_text_holds_nobody(text):
    assert found(text) == []


def test_an_address_does_not_swallow_what_a_rule_has_found_in_it():
    text = "call 555-0147 on 2024-05-01 from 8.8.8.8, key AKIAIOSFODNN7EXAMPLE"
    spans = Detector(frozenset({"IP", "NAME", "ADDRESS"}), names=find_names).find(text)
    assert [(text[span.start : span.end], span.kind) for span in spans] == [
        ("8.8.8.8", "IP"),
        ("AKIAIOSFODNN7EXAMPLE", "aws_access_key"),
    ]
