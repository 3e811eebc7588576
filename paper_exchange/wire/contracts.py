"""Which option contracts a request asks for: the filters both hosts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from common.contracts import OptionContract, Right
from paper_exchange.wire.query import Query

_RIGHTS: Mapping[str, Right] = {"call": Right.CALL, "put": Right.PUT}


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractFilter:
    """Bounds on expiry and strike, both inclusive, and the right; None is no bound."""

    expiry: date | None
    expiry_from: date | None
    expiry_to: date | None
    strike_from: Decimal | None
    strike_to: Decimal | None
    right: Right | None
    root: str | None

    @classmethod
    def of(cls, query: Query, *, expiry_to: date | None = None) -> ContractFilter:
        """Read the filters; expiry_to holds when the query names no expiry at all."""
        day, first, last = (
            query.day(name)
            for name in ("expiration_date", "expiration_date_gte", "expiration_date_lte")
        )
        right = query.text("type")
        return cls(
            expiry=day,
            expiry_from=first,
            expiry_to=last if last or first or day else expiry_to,
            strike_from=query.decimal("strike_price_gte"),
            strike_to=query.decimal("strike_price_lte"),
            right=_RIGHTS[query.choice("type", tuple(_RIGHTS), "call")] if right else None,
            root=query.text("root_symbol"),
        )

    def admits(self, contract: OptionContract) -> bool:
        """Whether a contract passes every bound."""
        return (
            (self.expiry is None or contract.expiry == self.expiry)
            and (self.expiry_from is None or contract.expiry >= self.expiry_from)
            and (self.expiry_to is None or contract.expiry <= self.expiry_to)
            and (self.strike_from is None or contract.strike >= self.strike_from)
            and (self.strike_to is None or contract.strike <= self.strike_to)
            and (self.right is None or contract.right is self.right)
            and (self.root is None or contract.underlying == self.root.upper())
        )
