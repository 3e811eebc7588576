"""Closes holdings in stocks and coins at the market, as orders of ours that are followed."""

from __future__ import annotations

from datetime import date

from common.contracts import AssetClass, asset_class
from common.ids import Principal
from common.money import Qty
from common.orders import OrderType, Side, TimeInForce
from common.portfolio import Position
from common.shares import QTY_MAX, ShareIntent
from services.broker.reader import BrokerReader
from services.execution.follower import Follower
from services.execution.share_records import ShareRecord
from services.execution.share_sender import ShareSender, ShareTicket
from services.risk.manager import RiskManager


class ShareCloser:
    """Sends what reduces a holding to nothing, once: not again while an outcome is open."""

    def __init__(
        self,
        risk: RiskManager,
        reader: BrokerReader,
        sender: ShareSender,
        follower: Follower[ShareRecord],
    ) -> None:
        self._risk = risk
        self._reader = reader
        self._sender = sender
        self._follower = follower

    async def close(
        self, position: Position, by: Principal, day: date, qty: Qty | None = None
    ) -> ShareRecord | None:
        """Close what no other order has claimed; None while an order of ours closes it already.

        qty: so much of it, without sign.

        Raises LimitBreached where it is held no more, and what the send raises.
        """
        symbol = position.symbol
        working = self._follower.working()
        if any(one.intent.symbol == symbol and not one.intent.opens for one in working):
            return None
        coin = asset_class(symbol) is AssetClass.CRYPTO
        intent = ShareIntent(
            symbol=symbol,
            side=Side.SELL if position.qty > 0 else Side.BUY,
            qty=min(abs(position.qty_available) if qty is None else qty, QTY_MAX),
            type=OrderType.MARKET,
            tif=TimeInForce.GTC if coin else TimeInForce.DAY,
            opens=False,
        )
        # Read right before: what is held and not claimed now is all that may be closed.
        approved = self._risk.close_shares(intent, await self._reader.positions())
        price = position.current_price
        ticket = ShareTicket(
            principal=by,
            day=day,
            reference=position.avg_entry_price if price is None else price,
            mid=price,
            held=position.qty,
            basis=position.avg_entry_price,
        )
        return await self._sender.send(approved, ticket)
