"""What a holder of an option tells the broker to do with it: exercise it, or let it expire."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote as escaped

from common.errors import BrokerUnavailable, OrderUncertain
from services.broker.attempt import NoAnswer, Request, Unsent
from services.broker.channel import Channel, refused
from services.broker.fields import quoted, refusal_text

REMEDY = "get_positions and get_account_activities show what became of it; do not repeat it blind"


class HolderGateway:
    """Sends, once. The broker gives such an instruction no id: what is unclear is read back.

    Each method raises BrokerRefused for a clear no, BrokerUnavailable where nothing was sent,
    and OrderUncertain where no clear answer came.
    """

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def exercise(self, symbol: str, before_send: Callable[[], None]) -> None:
        """Exercise all that is held of an option, at once.

        before_send is called right before the first byte; what it raises stops it.
        """
        await self._send(symbol, "exercise", before_send)

    async def decline(self, symbol: str) -> None:
        """Have an option expire whatever it is worth. Saying it twice is saying it once."""
        await self._send(symbol, "do-not-exercise", None)

    async def _send(self, symbol: str, word: str, before_send: Callable[[], None] | None) -> None:
        path = f"/positions/{escaped(symbol, safe='')}/{word}"
        try:
            reply = await self._channel.send(Request(method="POST", path=path), before_send)
        except Unsent as e:
            raise BrokerUnavailable(f"the instruction was not sent ({quoted(e)})") from e
        except NoAnswer as e:
            raise _unclear(symbol, word, str(e)) from e
        if reply.ok:
            return
        if 400 <= reply.status < 500 and reply.status not in {408, 409, 429}:
            raise refused(reply)
        raise _unclear(symbol, word, f"{reply.status} {refusal_text(reply.body)}")


def _unclear(symbol: str, word: str, why: str) -> OrderUncertain:
    error = OrderUncertain(f"to {word} {symbol}", why)
    error.remedy = REMEDY
    return error
