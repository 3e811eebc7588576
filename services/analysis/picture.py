"""An order's profit over the price of the underlying, as a picture: now and at the close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from common.errors import MarketDataMissing
from common.money import Dollars, Price
from common.orders import OrderIntent
from common.pricing.normal import Floats
from common.quotes import ChainSnapshot
from services.analysis.book import order_legs
from services.analysis.png import GLYPH, Canvas, Point, text_width
from services.analysis.scenarios import Valuer, one_sigma

WIDTH, HEIGHT, MARGIN = 640, 360, 24
SIGMAS: Final = 3.0
WHITE, GREY, BLACK, BLUE, GREEN, RED = range(6)
PALETTE: Final = (
    (255, 255, 255),
    (190, 190, 190),
    (40, 40, 40),
    (60, 110, 220),
    (20, 140, 60),
    (200, 50, 40),
)


def payoff_picture(
    intent: OrderIntent,
    fees: Dollars,
    breakevens: Sequence[Price],
    chain: ChainSnapshot,
) -> bytes:
    """Return a PNG: profit with fees at the close, green above zero and red below; blue is now.

    Three sigmas either way, and every strike and breakeven. Dashed: the underlying, and the
    breakevens with their price. Raises MarketDataMissing without a smile.
    """
    if not chain.strikes:
        raise MarketDataMissing("the chain has no smile to draw on")
    valuer = Valuer.of(order_legs(intent, at_limit=True), chain)
    knots = [float(leg.contract.strike) for leg in intent.legs]
    spots = _spots(valuer.spot, one_sigma(chain), [*knots, *map(float, breakevens)])
    now, close = (
        valuer.pnl(spots / valuer.spot, minutes, 1.0) - float(fees)
        for minutes in (chain.minutes, 0.0)
    )
    frame = _Frame(spots, np.concatenate([now, close, [0.0]]))
    canvas = Canvas(WIDTH, HEIGHT, PALETTE)
    canvas.line([frame.at(spots[0], 0.0), frame.at(spots[-1], 0.0)], BLACK)
    for dashed, colour in ((valuer.spot, GREY), *((float(at), BLACK) for at in breakevens)):
        canvas.line([(frame.x(dashed), MARGIN), (frame.x(dashed), HEIGHT - MARGIN)], colour, dash=4)
    canvas.line(frame.along(spots, now), BLUE)
    for above, colour in ((True, GREEN), (False, RED)):
        side = np.where((close >= 0) == above, close, np.nan)
        for stretch in _stretches(spots, side):
            canvas.line([frame.at(x, y) for x, y in stretch], colour, thick=2)
    _label(canvas, frame, spots, close, valuer.spot, breakevens)
    return canvas.png()


class _Frame:
    """Where dollars and prices lie on the canvas."""

    def __init__(self, spots: Floats, profits: Floats) -> None:
        self._left, self._right = float(spots[0]), float(spots[-1])
        self._low, self._high = float(np.min(profits)), float(np.max(profits))

    def x(self, spot: float) -> float:
        share = (spot - self._left) / (self._right - self._left)
        return MARGIN + share * (WIDTH - 2 * MARGIN)

    def y(self, profit: float) -> float:
        share = (profit - self._low) / max(self._high - self._low, 1e-9)
        return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)

    def at(self, spot: float, profit: float) -> Point:
        return self.x(spot), self.y(profit)

    def along(self, spots: Floats, profits: Floats) -> list[Point]:
        return [self.at(x, y) for x, y in zip(spots.tolist(), profits.tolist(), strict=True)]


def _spots(spot: float, sigma: float, shown: Sequence[float]) -> Floats:
    """Return prices from left to right, every corner of the payoff among them."""
    low = min(spot * np.exp(-SIGMAS * sigma), *(at * 0.998 for at in shown))
    high = max(spot * np.exp(SIGMAS * sigma), *(at * 1.002 for at in shown))
    return np.union1d(np.linspace(low, high, 201), np.asarray(shown))


def _stretches(spots: Floats, profits: Floats) -> list[list[Point]]:
    """Return the runs of points whose profit is a number."""
    runs: list[list[Point]] = [[]]
    for x, y in zip(spots.tolist(), profits.tolist(), strict=True):
        if y == y:
            runs[-1].append((x, y))
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]


def _label(
    canvas: Canvas,
    frame: _Frame,
    spots: Floats,
    close: Floats,
    spot: float,
    breakevens: Sequence[Price],
) -> None:
    """Write the extremes at the close, and the prices that are dashed."""
    high = GLYPH[1] * 2
    for profit, colour in ((float(np.max(close)), GREEN), (float(np.min(close)), RED)):
        words = f"{'-' if profit < 0 else '+'}${abs(profit):.0f}"
        canvas.text((2, frame.y(profit) - high - 2), words, colour)
    for at in (spot, *map(float, breakevens)):
        words = f"{at:.2f}"
        left = min(max(frame.x(at) - text_width(words) / 2, 0), WIDTH - text_width(words))
        top = HEIGHT - high - 4 if at != spot else 4
        canvas.text((left, top), words, BLACK)
