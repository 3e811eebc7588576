"""What is done with a holding: shown as a trade where an order does it, else as plain facts."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from common.ids import ConfirmToken
from services.execution.instructions import Instructed, Instruction, Kind
from services.runtime import Services
from services.strategies.base import Strategy
from tools.consent import Asking
from tools.orders_view import OrderView
from tools.trade_view import TradeView


class ActionView(TradeView):
    """A preview with its token, or what became of it.

    facts, warnings and limits are of what no option order does: preview is null then.
    """

    facts: dict[str, str] | None = None
    warnings: list[str] | None = None
    limits: dict[str, str] | None = None

    @classmethod
    async def of_either(
        cls, desk: Services, wanted: Strategy | Instruction, by: Asking, token: ConfirmToken | None
    ) -> ActionView:
        """Preview what is wanted, or confirm it when there is a token."""
        if not isinstance(wanted, Instruction):
            shown = await cls.of(desk, wanted, by, token)
            return cls.model_validate(shown.model_dump())
        if token is None:
            return cls.instructed(await desk.instructions.preview(wanted, by.principal))
        order = await desk.instructions.confirm(wanted, token, by.principal, by.answer)
        return cls(
            mode=desk.mode,
            status="sent",
            message=_DONE[wanted.kind],
            order=None if order is None else OrderView.of_share(order),
        )

    @classmethod
    def instructed(cls, shown: Instructed) -> ActionView:
        """Return the view of what is to be done."""
        seconds = shown.expires_in.total_seconds()
        return cls(
            mode=shown.mode.value,
            status="preview",
            message=(
                "Nothing was done. To do exactly this, repeat the call with preview=false and "
                f"confirm_token within {seconds:g} s."
            ),
            confirm_token=shown.token,
            seconds_left=seconds,
            facts=dict(shown.facts),
            warnings=list(shown.warnings),
            limits={one.name: f"{one.used}, limit {one.value}" for one in shown.limits},
        )


_DONE: Final = MappingProxyType(
    {
        Kind.CLOSE: "Sent as a market order; get_order_status tells when it is filled.",
        Kind.EXERCISE: "Exercised; get_positions shows the shares, the broker reports it tomorrow.",
        Kind.DECLINE: "The broker will let it expire unexercised.",
    }
)
