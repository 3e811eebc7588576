"""The market of a simulation: prices drawn from the seed, gaps, missing sides and halts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from common.contracts import OptionContract, Right
from common.quotes import Quote
from common.session import Session
from paper_exchange.feed.source import HaltKind
from tests.paper_exchange.builders import Board, DayClock, occ

SHARES = ("SPY", "AAPL")
COIN = "BTC/USD"
STRIKES = tuple(range(590, 615, 5))
TICK = Decimal("0.01")
TICKS_A_MOVE = 40  # the largest ordinary one; a gap is GAP times as large
GAP = 40
FAULTY = 0.06  # of quotes: a side missing, crossed, or nothing at all
CURVE = 4  # dollars off the money over which time value falls by half


class Pit(Board):
    """A source moved by hand; the official close of a day is settled once and stays."""

    def __init__(self, rng: Random, clock: DayClock, days: Sequence[date]) -> None:
        self._rng, self._clock, self._days = rng, clock, days
        self._spots = {"SPY": Decimal(600), "AAPL": Decimal(200), COIN: Decimal(90_000)}
        self._official: dict[tuple[str, date], Decimal] = {}
        self._contracts = {
            symbol: OptionContract.from_occ(symbol)
            for day in days
            for strike in STRIKES
            for symbol in (occ(strike, "C", day), occ(strike, "P", day))
        }
        super().__init__({})
        self.move()

    @property
    def options(self) -> list[str]:
        """The contracts of the day in hand and of the next listed one."""
        days = self._listed(self._clock.session.day)
        return [symbol for symbol, c in self._contracts.items() if c.expiry in days]

    @property
    def asleep(self) -> bool:
        """Whether the day in hand has yet to open."""
        return self._clock.now() < self._clock.session.open

    def contracts(self, underlying: str, day: date) -> tuple[OptionContract, ...]:
        """Return what is listed on a day."""
        if underlying != "SPY":
            return ()
        return tuple(c for c in self._contracts.values() if c.expiry in self._listed(day))

    def move(self) -> None:
        """Draw the next prices and, now and then, a gap, a halt or a lifted one."""
        for symbol, spot in self._spots.items():
            gap = GAP if self._rng.random() < 0.05 else 1
            ticks = self._rng.randint(-TICKS_A_MOVE, TICKS_A_MOVE) * gap
            unit = TICK if symbol != COIN else Decimal(1)
            self._spots[symbol] = max(spot + ticks * unit, spot / 2)
        for symbol in SHARES:
            if self._rng.random() < 0.02 and self.halts.pop(symbol, None) is None:
                self.halts[symbol] = HaltKind.HALT
        now = self._clock.now()
        quotes: dict[str, Quote] = {}
        for symbol in (*SHARES, COIN):
            quotes[symbol] = self._quoted(self._spots[symbol], 2)
        spot = self._spots["SPY"]
        for symbol in self.options:
            contract = self._contracts[symbol]
            left = max((contract.expiry - now.date()) / timedelta(days=1), 0.0)
            quotes[symbol] = self._quoted(_worth(contract, spot, left), 3)
        self.standing = quotes

    def official_close(self, underlying: str, day: date) -> Decimal:
        """Return the last price of a day, the same however often it is asked."""
        return self._official.setdefault((underlying, day), self._spots[underlying])

    def trend(self, symbol: str) -> Decimal:
        """Return where a symbol is worth about now, whatever its quote says."""
        if symbol in self._spots:
            return self._spots[symbol]
        return _worth(self._contracts[symbol], self._spots["SPY"], 0.5)

    def shifted(self, ticks: int) -> dict[str, Quote | None]:
        """Return what the quotes would be, all of them moved by so many ticks."""
        by = ticks * TICK
        return {
            symbol: Quote(
                bid=max(quote.bid + by, Decimal(0)), ask=max(quote.ask + by, Decimal(0)),
                bid_size=quote.bid_size, ask_size=quote.ask_size, at=quote.at,
            )
            for symbol, quote in self.standing.items()
        }  # fmt: skip

    def _listed(self, day: date) -> list[date]:
        """Return the expiries there are on a day: its own and the next."""
        return [expiry for expiry in self._days if expiry >= day][:2]

    def _quoted(self, worth: Decimal, width: int) -> Quote:
        half = self._rng.randint(1, width) * TICK
        bid, ask = max(worth - half, Decimal(0)).quantize(TICK), (worth + half).quantize(TICK)
        if self._rng.random() < FAULTY:
            bid, ask = self._rng.choice([(Decimal(0), ask), (bid, Decimal(0)), (ask, bid)])
        size = self._rng.randint(1, 50)
        now = self._clock.now()
        return Quote(bid=bid, ask=ask, bid_size=size, ask_size=size, at=now)


def _worth(contract: OptionContract, spot: Decimal, days: float) -> Decimal:
    away = spot - contract.strike if contract.right is Right.CALL else contract.strike - spot
    value = (1.2 + days) * 2 ** (-abs(float(away)) / CURVE)
    return max(away, Decimal(0)) + Decimal(value).quantize(TICK)


class SleepyClock(DayClock):
    """A clock from the first open on, which wakes somewhere in the night that follows a day."""

    def __init__(self, rng: Random, sessions: Sequence[Session]) -> None:
        super().__init__(sessions[0].open, sessions)
        self._rng = rng

    def roll(self) -> Session:
        """Take the next day in hand: at its open, or up to twelve hours before."""
        self._sessions.pop(0)
        early = timedelta(minutes=self._rng.choice((0, 1, 5, 90, 330, 720)))
        self.set(max(self.now(), self.session.open - early))
        return self.session
