"""The way from the desk to the broker, on which a stranger writes answers of his own.

    with Forger.to(exchange) as forger, Desk.start(folder, forger.exchange) as desk:
        forger.answers["/v1beta1/news"] = lambda body: {**body, "news": [...]}

What is not forged passes as it is; streams do not pass at all, and the desk polls.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.exchange import Exchange

Forgery = Callable[[Any], Any]


@dataclass
class Forger:
    """A proxy in front of an exchange. answers: by path, what becomes of a body."""

    beyond: Exchange
    exchange: Exchange  # the same, as the desk sees it
    answers: dict[str, Forgery] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def to(cls, exchange: Exchange) -> Iterator[Forger]:
        """Stand in front of an exchange until the block ends."""
        forger = cls(exchange, exchange)

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                forger._pass_on(self)

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads, server.block_on_close = True, False
        host, port = server.server_address[:2]
        forger.exchange = replace(exchange, url=f"http://{host!s}:{port}")
        serving = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        serving.start()
        try:
            yield forger
        finally:
            server.shutdown()
            server.server_close()

    def _pass_on(self, near: BaseHTTPRequestHandler) -> None:
        status, body = self._asked(near)
        forged = self.answers.get(urlsplit(near.path).path)
        if forged is not None and status == 200:
            body = json.dumps(forged(json.loads(body))).encode()
        near.send_response(status)
        near.send_header("Content-Type", "application/json")
        near.send_header("Content-Length", str(len(body)))
        near.end_headers()
        near.wfile.write(body)

    def _asked(self, near: BaseHTTPRequestHandler) -> tuple[int, bytes]:
        if near.headers.get("Upgrade"):
            return 503, b"{}"
        sent = near.rfile.read(int(near.headers.get("Content-Length") or 0))
        kept = {name: near.headers[name] for name in near.headers if name.lower() != "host"}
        far = HTTPConnection(urlsplit(self.beyond.url).netloc, timeout=30)
        try:
            far.request(near.command, near.path, sent or None, kept)
            answer = far.getresponse()
            return answer.status, answer.read()
        finally:
            far.close()
