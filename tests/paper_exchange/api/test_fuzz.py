"""Whatever is posted as an order, the answer is an order or a refusal, never a failure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.exchange import Exchange
from tests.paper_exchange.api.test_bad_input import ORDER, leg


@pytest.fixture(scope="module")
def trader(exchange: Exchange) -> Exchange:
    return exchange.tenant()


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(
        ["1", "0.01", "-0", "1e9", "1e-9", "999999999.999999999", "AAPL", "BTC/USD", "buy", "sell",
         "market", "day", "gtc", "ioc", "mleg", "\ud800", "SPY261120C00670000", "buy_to_close"]
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
FIELDS = [*ORDER, "notional", "order_class", "position_intent", "client_order_id", "legs"]
LEGS = st.lists(
    st.fixed_dictionaries(
        {"symbol": st.sampled_from([leg(n, "buy")["symbol"] for n in (660, 661, 662, 1)])},
        optional={"ratio_qty": ODD, "side": ODD, "position_intent": ODD},
    ),
    max_size=5,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(change=st.dictionaries(st.sampled_from(FIELDS), ODD, max_size=4), legs=st.none() | LEGS)
def test_no_order_at_all_is_answered_by_a_failure(
    trader: Exchange, change: dict[str, Any], legs: list[Any] | None
) -> None:
    order = {**ORDER, **change}
    if legs is not None:
        order = {**order, "order_class": "mleg", "symbol": None, "side": None, "legs": legs}
    answer = trader.request("POST", "/v2/orders", order)
    assert answer.status in (200, 400, 403, 422), (order, answer.body)
    if answer.status == 200:
        trader.request("DELETE", "/v2/orders")
        trader.request("DELETE", "/v2/positions")
