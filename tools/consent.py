"""Asking the person at the host, where the host can ask: a yes that no model can give.

The question is put by the host to its user, in both eras of the protocol, before the tool
runs. It is built of numbers and contract names alone, and is the same however often it is
asked. Where the host cannot ask, the order waits for the approval page or a terminal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from mcp.server.elicitation import AcceptedElicitation, DeclinedElicitation, ElicitationResult
from mcp.server.mcpserver import Context, Elicit, Resolve
from pydantic import BaseModel, Field

from common.ids import ConfirmToken, Principal
from common.orders import Side
from services.execution.clerk import Shown
from services.execution.preview import Preview
from services.execution.share_preview import SharePreview
from services.runtime import Services
from tools.views import dollars, new_york_text, price, quantity
from tools.wants import Caller

ASKED_WITHIN_THE_CALL = "2026-07-28"  # from this revision on the question rides on the call


class Agreement(BaseModel):
    """What the user answers."""

    approve: bool = Field(default=False, description="Send this order?")


class NotAsked(BaseModel):
    """Nothing was to be asked, or nobody could be."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who calls a tool that trades, and what their user said: None where nobody was asked."""

    principal: Principal
    answer: bool | None = None


async def _ask(
    ctx: Context[Services], by: Caller, preview: bool, confirm_token: str | None
) -> Elicit[Agreement] | NotAsked:
    if preview or not confirm_token or not _can_ask(ctx):
        return NotAsked()
    desk = ctx.request_context.lifespan_context
    token = ConfirmToken(confirm_token)
    told = desk.instructions.question(token, by)
    if told is not None:
        return Elicit(told, Agreement)
    approval = desk.trading.question(token, by) or desk.shares.question(token, by)
    return NotAsked() if approval is None else Elicit(question(approval.preview), Agreement)


async def _trader(
    by: Caller, said: Annotated[ElicitationResult[Agreement], Resolve(_ask)]
) -> Asking:
    match said:
        case AcceptedElicitation(data=Agreement(approve=answer)):
            return Asking(by, answer)
        case DeclinedElicitation():
            return Asking(by, answer=False)
        case _:  # not asked, or put aside: it may still be answered elsewhere
            return Asking(by)


Trader = Annotated[Asking, Resolve(_trader)]


def question(preview: Shown) -> str:
    """Return what a person is asked: the whole order and what it may cost, in one paragraph."""
    return _of_shares(preview) if isinstance(preview, SharePreview) else _of_options(preview)


def _of_shares(preview: SharePreview) -> str:
    intent, loss = preview.intent, dollars(preview.max_loss)
    effect = (
        f"It closes of {quantity(preview.held)} held."
        if not intent.opens
        else f"It {'opens' if intent.side is Side.BUY else 'sells short'}; a stress move of the "
        f"session would lose ${loss}, fees included, and no exit of the desk watches it."
    )
    return (
        f"{preview.mode.value.upper()} ORDER, {intent.strategy}: {intent}, worth about "
        f"${dollars(preview.value)} at {price(preview.reference)}. {effect} Send it?"
    )


def _of_options(preview: Preview) -> str:
    found, intent = preview.analysis, preview.intent
    legs = ", ".join(f"{leg.intent.value} {leg.ratio} {leg.contract.symbol}" for leg in intent.legs)
    amount = dollars(abs(intent.net_cost))
    paid = f"pays at most ${amount}" if intent.net_cost > 0 else f"receives at least ${amount}"
    loss = dollars(found.max_loss)
    return (
        f"{preview.mode.value.upper()} ORDER, {preview.strategy.name}: {intent.qty} x ({legs}) "
        f"at a net limit of {price(intent.limit)} a share. It {paid} and loses "
        f"{'without bound' if loss is None else f'at most ${loss}'}, fees included. "
        f"Flat by {new_york_text(preview.flat_by)}. Send it?"
    )


def _can_ask(ctx: Context[Services]) -> bool:
    """Tell whether the host puts forms to its user, and can be reached to do so."""
    capabilities = ctx.client_capabilities
    asks = capabilities.elicitation if capabilities is not None else None
    if asks is None or (asks.form is None and asks.url is not None):
        return False
    within = (ctx.protocol_version or "") >= ASKED_WITHIN_THE_CALL
    return within or ctx.session.can_send_request
