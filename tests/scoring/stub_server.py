"""A server on loopback that replies as a test says, for faults and models that no real server has."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@contextmanager
def replying(reply: Callable[[BaseHTTPRequestHandler, Body], Body | tuple[int, bytes] | None]) -> Iterator[str]:
    """The URL of a server that answers each POST with what `reply` makes of the request and its JSON body: an object,
    or a status and bytes; None hangs up. `reply` may block, as long as the test lets it go on at last."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made = reply(self, json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if made is None:
                return
            status, text = (200, json.dumps(made).encode()) if isinstance(made, dict) else made
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            # A client may hang up on what is late or too long.
            with suppress(ConnectionError):
                super().handle()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
