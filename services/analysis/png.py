"""A picture as PNG: an indexed image, drawn with lines and a few characters.

PNG itself is the standard library's zlib between three chunks; nothing else is needed for a
line chart, see docs/decisions/0009-a-picture-without-a-library.md.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]  # pixels from the left and from the top

GLYPH: Final = (5, 7)  # pixels wide and high
# Rows from the top, five bits each, the leftmost pixel the highest bit.
_GLYPHS: Final = MappingProxyType(
    {
        "0": (14, 17, 19, 21, 25, 17, 14),
        "1": (4, 12, 4, 4, 4, 4, 14),
        "2": (14, 17, 1, 2, 4, 8, 31),
        "3": (31, 2, 4, 2, 1, 17, 14),
        "4": (2, 6, 10, 18, 31, 2, 2),
        "5": (31, 16, 30, 1, 1, 17, 14),
        "6": (6, 8, 16, 30, 17, 17, 14),
        "7": (31, 1, 2, 4, 8, 8, 8),
        "8": (14, 17, 17, 14, 17, 17, 14),
        "9": (14, 17, 17, 15, 1, 2, 12),
        ".": (0, 0, 0, 0, 0, 12, 12),
        "-": (0, 0, 0, 31, 0, 0, 0),
        "+": (0, 4, 4, 31, 4, 4, 0),
        "$": (4, 15, 20, 14, 5, 30, 4),
    }
)


class Canvas:
    """Pixels of palette indices; what falls outside is not drawn."""

    def __init__(self, width: int, height: int, palette: Sequence[tuple[int, int, int]]) -> None:
        """Start with every pixel at the palette's first colour, (red, green, blue)."""
        self._pixels: NDArray[np.uint8] = np.zeros((height, width), dtype=np.uint8)
        self._palette = tuple(palette)

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Palette indices by [row, column], the first row at the top."""
        return self._pixels

    def line(self, points: Sequence[Point], colour: int, *, thick: int = 1, dash: int = 0) -> None:
        """Join points; dash: pixels drawn and left out in turn, 0 for a whole line."""
        for (x0, y0), (x1, y1) in pairwise(points):
            steps = max(ceil(max(abs(x1 - x0), abs(y1 - y0))), 1)
            along = np.arange(steps + 1)
            if dash:
                along = along[along // dash % 2 == 0]
            xs = np.rint(x0 + (x1 - x0) * along / steps).astype(np.int64)
            ys = np.rint(y0 + (y1 - y0) * along / steps).astype(np.int64)
            for offset in range(thick):
                self._dots(xs, ys + offset, colour)

    def text(self, at: Point, words: str, colour: int, *, scale: int = 2) -> None:
        """Write from a top left corner; a character without a glyph is a gap."""
        x, y = round(at[0]), round(at[1])
        for index, character in enumerate(words):
            for row, bits in enumerate(_GLYPHS.get(character, ())):
                for column in range(GLYPH[0]):
                    if bits >> (GLYPH[0] - 1 - column) & 1:
                        left = x + (index * (GLYPH[0] + 1) + column) * scale
                        top = y + row * scale
                        self._fill(left, top, scale, colour)

    def png(self) -> bytes:
        """Return the image as a PNG file."""
        height, width = self._pixels.shape
        rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row begins with its filter: 0
        rows[:, 1:] = self._pixels
        header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, indexed colour
        colours = bytes(value for colour in self._palette for value in colour)
        return b"".join(
            (
                b"\x89PNG\r\n\x1a\n",
                _chunk(b"IHDR", header),
                _chunk(b"PLTE", colours),
                _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
                _chunk(b"IEND", b""),
            )
        )

    def _dots(self, xs: NDArray[np.int64], ys: NDArray[np.int64], colour: int) -> None:
        height, width = self._pixels.shape
        inside = (xs >= 0) & (xs < width) & (ys >= 0) & (ys < height)
        self._pixels[ys[inside], xs[inside]] = colour

    def _fill(self, left: int, top: int, size: int, colour: int) -> None:
        self._pixels[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)] = colour


def text_width(words: str, scale: int = 2) -> int:
    """Return how many pixels a text takes."""
    return len(words) * (GLYPH[0] + 1) * scale


def _chunk(kind: bytes, body: bytes) -> bytes:
    checked = kind + body
    return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))
