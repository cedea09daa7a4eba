import pytest

from pipelines.data.privacy.detector import Detector
from pipelines.data.privacy.outputs import brought_up, told_by
from pipelines.data.privacy.people import full_names

DETECTOR = Detector(everybody=full_names(["Ann Okafor"]))


@pytest.mark.parametrize(
    ("answer", "given", "found"),
    [
        ("Write to ann@example.com.", ["Where do I write to?"], {"EMAIL": 1}),
        ("Write to ann@example.com.", ["I am ANN@example.com"], {}),
        ("Write to ann@example.com.", ["", '{"email": "ann@example.com"}'], {}),
        ("Call 555-0147.", ["my number is 555 0147"], {}),
        ("Call 555-0147.", ["my number is 555 0148"], {"PHONE": 1}),
        ("Ask Ann Okafor.", ["Who helps me?"], {"NAME": 1}),
        ("Ask Ann Okafor.", ["I wrote to ann okafor."], {}),
        ("Ask Ann Okafor.", ["Joann okaforson wrote"], {"NAME": 1}),
        ("key AKIAIOSFODNN7EXAMPLE", ["what is the key"], {"aws_access_key": 1}),
        ("Write to [EMAIL] or [NAME].", ["Where do I write to?"], {}),
        ("Nothing here.", ["Hello"], {}),
    ],
)
def test_what_the_row_itself_holds_is_not_brought_up(answer, given, found):
    assert brought_up(answer, given, DETECTOR) == found


def test_what_calls_and_tools_hold_is_not_brought_up():
    call = {"name": "send", "arguments": {"to": "ann@example.com", "note": "from\nAnn Okafor", "number": 3125550147}}
    chat = [
        [{"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": call}]}],
        [{"type": "function", "function": {"name": "send", "description": "Else call (312) 555-0148."}}],
    ]
    answer = "Sent to ann@example.com by Ann Okafor, 312-555-0147; call 312-555-0148."
    assert brought_up(answer, told_by(chat), DETECTOR) == {}
    assert sum(brought_up(answer, told_by(chat[:0]), DETECTOR).values()) == 4
