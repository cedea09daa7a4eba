import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pipelines.scoring.answers import ANSWER_MARGIN_TOKENS, Questions
from pipelines.scoring.own_lengths import in_own_tokens


@contextmanager
def tokenizing(asked):
    """llama-server of a model with a token for each character, whose template writes five around a chat."""

    class Server(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(self.path)
            if self.path == "/apply-template":
                reply = {"prompt": "<" + "".join(turn["content"] for turn in body["messages"]) + ">...\n"}
            else:
                reply = {"tokens": list(range(len(body["content"]) + body["add_special"]))}
            text = json.dumps(reply).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


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
