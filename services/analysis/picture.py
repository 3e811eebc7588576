"""An order's profit over the price of the underlying, as a picture: now and at the close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from common.money import Price
from common.pricing.normal import Floats
from services.analysis.outcome import Profile
from services.analysis.png import GLYPH, Canvas, Point, text_width

WIDTH, HEIGHT, MARGIN = 640, 360, 24
WHITE, GREY, BLACK, BLUE, GREEN, RED = range(6)
PALETTE: Final = (
    (255, 255, 255),
    (190, 190, 190),
    (40, 40, 40),
    (60, 110, 220),
    (20, 140, 60),
    (200, 50, 40),
)


def payoff_picture(profile: Profile, breakevens: Sequence[Price]) -> bytes:
    """Return a PNG: profit with fees at the close, green above zero and red below; blue is now.

    Dashed: the underlying, and the breakevens with their price.
    """
    spots, now, close = profile.spots, profile.now, profile.close
    frame = _Frame(spots, np.concatenate([now, close, [0.0]]))
    canvas = Canvas(WIDTH, HEIGHT, PALETTE)
    canvas.line([frame.at(spots[0], 0.0), frame.at(spots[-1], 0.0)], BLACK)
    for dashed, colour in ((profile.spot, GREY), *((float(at), BLACK) for at in breakevens)):
        canvas.line([(frame.x(dashed), MARGIN), (frame.x(dashed), HEIGHT - MARGIN)], colour, dash=4)
    canvas.line(frame.along(spots, now), BLUE)
    for above, colour in ((True, GREEN), (False, RED)):
        side = np.where((close >= 0) == above, close, np.nan)
        for stretch in _stretches(spots, side):
            canvas.line([frame.at(x, y) for x, y in stretch], colour, thick=2)
    _label(canvas, frame, profile, breakevens)
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
    profile: Profile,
    breakevens: Sequence[Price],
) -> None:
    """Write the extremes at the close, and the prices that are dashed."""
    high, close, spot = GLYPH[1] * 2, profile.close, profile.spot
    for profit, colour in ((float(np.max(close)), GREEN), (float(np.min(close)), RED)):
        words = f"{'-' if profit < 0 else '+'}${abs(profit):.0f}"
        canvas.text((2, frame.y(profit) - high - 2), words, colour)
    for at in (spot, *map(float, breakevens)):
        words = f"{at:.2f}"
        left = min(max(frame.x(at) - text_width(words) / 2, 0), WIDTH - text_width(words))
        top = HEIGHT - high - 4 if at != spot else 4
        canvas.text((left, top), words, BLACK)
