"""An OpenAI-compatible service that answers as a test says."""

import json
from contextlib import contextmanager

from tests.scoring.stub_server import replying


@contextmanager
def service(reply):
    """An OpenAI-compatible service that says `reply(user's text) -> (status, text)`; gives its URL and the requests."""
    asked = []

    def answer(request, body):
        asked.append((request.path, request.headers["Authorization"], body))
        status, text = reply(body["messages"][-1]["content"])
        said = {"choices": [{"message": {"content": text}}]} if status == 200 else {"error": text}
        return status, json.dumps(said).encode()

    with replying(answer) as url:
        yield f"{url}/v1", asked


def prefers(word):
    """A judge that prefers the answer with a word, the first where none or both have it."""

    def reply(text):
        first, second = text.split("Answer A:\n")[1].split("Answer B:\n")
        return 200, "B" if word in second and word not in first else "A"

    return reply
