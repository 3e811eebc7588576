"""What an account's owner may switch on and off."""

from __future__ import annotations

from paper_exchange.api.endpoint import Call, Reply, reply
from paper_exchange.api.routes import Path, trading
from paper_exchange.venue.venue import Venue
from paper_exchange.wire.configurations import configuration, patched


class Configurations:
    """The configuration path of the trading host."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    def paths(self) -> tuple[Path, ...]:
        """Return the route."""
        return (trading("/v2/account/configurations", GET=self.show, PATCH=self.change),)

    async def show(self, call: Call) -> Reply:
        """Answer GET /v2/account/configurations."""
        view = await self._venue.account(call.account)
        multiplier = view.figures.multiplier
        return reply(
            configuration(view.configuration, level=view.options_level, multiplier=multiplier)
        )

    async def change(self, call: Call) -> Reply:
        """Answer PATCH /v2/account/configurations once the change is durable."""
        view = await self._venue.account(call.account)
        multiplier = view.figures.multiplier
        after = patched(call.body, view.configuration, multiplier=multiplier)
        await self._venue.configure(call.account, after)
        return reply(configuration(after, level=view.options_level, multiplier=multiplier))
