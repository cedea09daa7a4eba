"""An OpenAI-compatible service that answers as a test says."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def service(reply):
    """An OpenAI-compatible service that says `reply(user's text) -> (status, text)`; gives its URL and the requests."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers["Authorization"], body))
            status, text = reply(body["messages"][-1]["content"])
            answer = json.dumps({"choices": [{"message": {"content": text}}]} if status == 200 else {"error": text})
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1", asked
        finally:
            server.shutdown()


def prefers(word):
    """A judge that prefers the answer with a word, the first where none or both have it."""

    def reply(text):
        first, second = text.split("Answer A:\n")[1].split("Answer B:\n")
        return 200, "B" if word in second and word not in first else "A"

    return reply
