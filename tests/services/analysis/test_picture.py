"""The picture is a PNG a decoder written here reads back, and it shows the payoff."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from services.analysis.picture import BLUE, GREEN, HEIGHT, MARGIN, RED, WIDTH, payoff_picture
from services.analysis.png import Canvas, text_width
from services.risk.analysis import analyse
from services.strategies.iron_condor import IronCondor
from tests.builders import make_view

VIEW = make_view()
TRADE = analyse(IronCondor(width=4).propose(VIEW).intent, VIEW)


def decoded(data: bytes) -> NDArray[np.uint8]:
    """Return palette indices of an indexed PNG without filters, its checksums verified."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(data):
        [length] = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length])[0] == zlib.crc32(
            kind + body
        )
        chunks[kind] = body
        at += 12 + length
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, colour, rest) == (8, 3, [0, 0, 0])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8)
    rows = rows.reshape(height, width + 1)
    assert not rows[:, 0].any()
    assert rows[:, 1:].max() < len(chunks[b"PLTE"]) // 3
    return rows[:, 1:]


def test_a_canvas_reads_back_as_it_was_drawn() -> None:
    canvas = Canvas(40, 20, [(255, 255, 255), (0, 0, 0)])
    canvas.line([(0, 0), (39, 19)], 1)
    canvas.line([(-50, 10), (90, 10)], 1, dash=3)
    canvas.text((2, 2), "-$1.5 ", 1, scale=1)
    assert np.array_equal(decoded(canvas.png()), canvas.pixels)
    assert canvas.pixels[0, 0] == canvas.pixels[19, 39] == 1
    assert text_width("12", 2) == 24


def test_the_payoff_is_green_where_it_gains_and_red_where_it_loses() -> None:
    assert TRADE.profile is not None
    profile = TRADE.profile
    pixels = decoded(payoff_picture(profile, TRADE.breakevens))
    assert pixels.shape == (HEIGHT, WIDTH)
    inner = pixels[MARGIN : HEIGHT - MARGIN, 80 : WIDTH - 80]
    assert {GREEN, RED, BLUE} <= set(np.unique(inner).tolist())
    left, right = profile.spots[0], profile.spots[-1]
    middle = MARGIN + (670.0 - left) / (right - left) * (WIDTH - 2 * MARGIN)
    column = pixels[:, round(middle) - 20]
    assert GREEN in column
    assert RED not in column


def test_the_same_trade_draws_the_same_bytes_and_few_of_them() -> None:
    assert TRADE.profile is not None
    first, second = (payoff_picture(TRADE.profile, TRADE.breakevens) for _ in range(2))
    assert first == second
    assert len(first) < 8_000
