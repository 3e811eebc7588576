"""A trading status has the codes of the tape its stock is on."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from paper_exchange.wire.market_data import status


@pytest.mark.parametrize(
    ("kind", "exchange", "expected"),
    [
        ("halt", "NASDAQ", ("H", "Trading Halt", "", "", "C")),
        ("halt", "ARCA", ("2", "Trading Halt", "", "", "B")),
        (
            "luld",
            "NASDAQ",
            ("P", "Volatility Trading Pause", "LUDP", "Volatility Trading Pause", "C"),
        ),
        ("luld", "ARCA", ("2", "Trading Halt", "M", "Volatility Trading Pause", "B")),
        (None, "NASDAQ", ("T", "Trading Resumption", "", "", "C")),
        (None, "ARCA", ("3", "Resume", "", "", "B")),
    ],
)
def test_codes(kind: str | None, exchange: str, expected: tuple[str, ...]) -> None:
    shown = status(kind, exchange, datetime(2026, 8, 19, 14, 0, tzinfo=UTC))
    assert tuple(shown[name] for name in ("sc", "sm", "rc", "rm", "z")) == expected
    assert shown["t"] == "2026-08-19T14:00:00Z"
