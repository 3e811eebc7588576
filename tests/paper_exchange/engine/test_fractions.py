"""What may be traded by parts of a share, or by an amount of money, and when not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from common.orders import Side
from paper_exchange.engine.commands import CancelOrder
from paper_exchange.engine.refusals import Refused
from tests.paper_exchange.builders import Trader

NOT_FRACTIONABLE = "requested asset is not fractionable"
WAITING = "unable to open new notional orders while having open closing position orders"


@pytest.mark.parametrize(("qty", "notional"), [("0.5", None), (None, "500")])
def test_a_stock_that_is_not_fractionable_trades_whole(
    qty: str | None, notional: str | None
) -> None:
    trader = Trader()
    listed = replace(trader.market.listings["AAPL"], fractionable=False)
    trader.market = replace(trader.market, listings={**trader.market.listings, "AAPL": listed})
    with pytest.raises(Refused) as refused:
        trader.do(trader.simple("AAPL", qty=qty, notional=notional))
    assert (refused.value.http_status, refused.value.code) == (422, 42210000)
    assert refused.value.message == NOT_FRACTIONABLE
    assert trader.do(trader.simple("AAPL"))


def test_money_opens_nothing_while_a_closing_order_waits() -> None:
    trader = Trader()
    trader.do(trader.simple("AAPL", qty=2))
    closing = trader.simple("AAPL", Side.SELL, 1, limit="999")
    trader.do(closing)
    with pytest.raises(Refused) as refused:
        trader.do(trader.simple("AAPL", qty=None, notional="100"))
    assert (refused.value.http_status, refused.value.message) == (422, WAITING)
    assert trader.do(trader.simple("SPY", qty=None, notional="100")), "another stock may be opened"
    trader.do(CancelOrder(order_id=closing.order_id))
    assert trader.do(trader.simple("AAPL", qty=None, notional="100"))
