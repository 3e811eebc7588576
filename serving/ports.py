"""The ports of a daemon: held from before anything starts, so that a failure is an answer."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from common.config import Settings
from common.errors import Misconfigured


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """The sockets a daemon serves on, bound before anything starts."""

    mcp: socket.socket
    metrics: socket.socket

    @property
    def url(self) -> str:
        """The MCP endpoint, as a client on this machine reaches it."""
        return f"{_root(self.mcp)}/mcp"

    @property
    def metrics_url(self) -> str:
        """Where scrapes go."""
        return f"{_root(self.metrics)}/metrics"


def listen(settings: Settings, *, any_port: bool) -> Listening:
    """Bind both ports; raise Misconfigured naming the one that is not to be had."""
    return Listening(
        mcp=_bound(settings.host, settings.port, "PORT", any_port=any_port),
        metrics=_bound(
            settings.host, settings.prometheus_port, "PROMETHEUS_PORT", any_port=any_port
        ),
    )


def _root(bound: socket.socket) -> str:
    """Return the root URL of a bound socket; one bound to every address is reached on loopback."""
    host, port = bound.getsockname()[:2]
    reachable = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 compared only
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"


def _bound(host: str, port: int, setting: str, *, any_port: bool) -> socket.socket:
    for wanted in (port, 0) if any_port else (port,):
        bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, wanted))
        except OSError as e:
            bound.close()
            failure = e
            continue
        bound.listen()  # now, or another process that starts could bind it beside us
        return bound
    raise Misconfigured(
        f"{setting}: cannot listen on {host}:{port}: {failure.strerror}",
        remedy=f"free the port, or set {setting} to another (0 takes any free one)",
    )
