"""The account's money."""

from __future__ import annotations

from common.portfolio import Account
from tools.toolset import READS, Toolset
from tools.views import View, dollars
from tools.wants import Desk

account = Toolset("account")


class AccountView(View):
    """The broker's figures, dollars."""

    account: str
    equity: str
    last_equity: str
    cash: str
    buying_power: str
    options_buying_power: str
    initial_margin: str
    maintenance_margin: str
    options_level: int
    blocked: str | None

    @classmethod
    def of(cls, mode: str, found: Account) -> AccountView:
        """Return the view of an account."""
        return cls(
            mode=mode,
            account=found.number,
            equity=dollars(found.equity) or "",
            last_equity=dollars(found.last_equity) or "",
            cash=dollars(found.cash) or "",
            buying_power=dollars(found.buying_power) or "",
            options_buying_power=dollars(found.options_buying_power) or "",
            initial_margin=dollars(found.initial_margin) or "",
            maintenance_margin=dollars(found.maintenance_margin) or "",
            options_level=found.options_level,
            blocked=found.blocked,
        )


@account.tool(READS, basic=True)
async def get_account_info(desk: Desk) -> AccountView:
    """Show the account: equity, cash, buying power for options, margin, whether blocked."""
    return AccountView.of(desk.mode, await desk.reader.account())
