"""The order stream /stream: one account's order events, from when a client listens.

JSON in binary frames, as on Alpaca's paper host. There is no snapshot and no replay.
"""

from __future__ import annotations

from typing import Final

PATH: Final = "/stream"
TRADE_UPDATES: Final = "trade_updates"
AUTH_TIMEOUT: Final = 10.0  # seconds a client has to say who it is

_AUTH_ACTIONS: Final = ("authenticate", "auth")
