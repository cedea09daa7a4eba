from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Questions
from pipelines.scoring.own_lengths import in_own_tokens
from tests.scoring.stub_server import replying


def tokenizing(asked):
    """llama-server of a model with a token for each character, whose template writes five around a chat."""

    def reply(request, body):
        asked.append(request.path)
        if request.path == "/apply-template":
            return {"prompt": "<" + "".join(turn["content"] for turn in body["messages"]) + ">...\n"}
        return {"tokens": list(range(len(body["content"]) + body["add_special"]))}

    return replying(reply)


def questions(max_tokens):
    return Questions("model", [[{"role": "user", "content": text}] for text in ("a" * 9, "b" * 40)], max_tokens)


def test_a_model_has_room_for_what_is_asked_and_expected_in_its_own_tokens(tmp_path):
    asked = []
    found, context = in_own_tokens(questions(20), ["x" * 70, "y"], tmp_path, lambda: tokenizing(asked), "champion")
    assert found.max_tokens == 70 + ANSWER_MARGIN_TOKENS
    # The longest prompt with what the template and the server add, and the longest answer.
    assert context == 40 + 6 + 1 + found.max_tokens
    assert found.prompts == questions(20).prompts

    def no_server():
        raise AssertionError("a server was started")

    # Lengths are kept, and an answer never has less room than the recipe's own base would give it.
    assert in_own_tokens(questions(20), ["x" * 70, "y"], tmp_path, no_server, "champion") == (found, context)
    assert in_own_tokens(questions(500), ["x" * 70, "y"], tmp_path, no_server, "champion")[0] == questions(500)
