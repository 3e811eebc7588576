"""The feed's side of the quote benchmark: a process that sends frames encoded beforehand.

python -m bench.quote_sender PER_FRAME QUOTES RATE     prints its port, serves one client
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from math import ceil, floor

import msgpack

from common.contracts import OptionContract, Right
from common.pricing import black76

DAY = datetime.now(UTC).date()
CONTRACTS = [
    OptionContract(underlying="SPY", expiry=DAY, strike=Decimal(620 + k), right=right)
    for k in range(100)
    for right in Right
]
SYMBOLS = [contract.symbol for contract in CONTRACTS]
FORWARD, TOTAL_VOL = 669.5, 0.015
PRICES = [
    float(black76.price(FORWARD, float(contract.strike), TOTAL_VOL, contract.is_call))
    for contract in CONTRACTS
]
FRAMES = 1_000  # distinct ones, sent over and over
STAMP = struct.Struct(">Q")
STAMP_MARK = b"\xa1t\xd7\xff"  # key "t", then a 64-bit msgpack timestamp
CLOSE = 0x88  # first byte of a WebSocket close frame
TICK = 0.001  # seconds between sends when paced


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What the sender sends: rate 0 is as fast as the reader takes it."""

    per_frame: int
    quotes: int
    rate: int = 0


def frame(start: int, per_frame: int) -> bytearray:
    """Encode one WebSocket frame of quotes, stamps to be filled in."""
    payload = msgpack.packb(
        [
            {
                "T": "q",
                "S": SYMBOLS[(start + i) % len(SYMBOLS)],
                "t": msgpack.Timestamp(2**33, 1),  # outside 32 bits, so that it takes 64
                "bx": "A",
                "bp": touches(start + i)[0],
                "bs": 53,
                "ax": "C",
                "ap": touches(start + i)[1],
                "as": 38,
                "c": "A",
            }
            for i in range(per_frame)
        ]
    )
    return bytearray(ws_header(len(payload)) + payload)


def touches(number: int) -> tuple[float, float]:
    """Return bid and ask of the numbered quote: round its contract's worth, never the last ones."""
    worth = PRICES[number % len(PRICES)]
    wide = 1 + number // len(PRICES) % 3  # cents on either side
    return max(floor(worth * 100) - wide, 0) / 100, (ceil(worth * 100) + wide) / 100


def ws_header(size: int) -> bytes:
    if size < 126:
        return bytes([0x82, size])
    if size < 65_536:
        return struct.pack(">BBH", 0x82, 126, size)
    return struct.pack(">BBQ", 0x82, 127, size)


def stamps(encoded: bytearray) -> list[int]:
    """Return where the timestamps of a frame lie."""
    found, at = [], encoded.find(STAMP_MARK)
    while at >= 0:
        found.append(at + len(STAMP_MARK))
        at = encoded.find(STAMP_MARK, at + 1)
    return found


def send(connection: socket.socket, load: Load) -> None:
    """Send the load: all at once, or each tick's share when it is due."""
    if load.rate:
        send_paced(connection, load)
        return
    now = STAMP.pack(time.time_ns() // 1_000_000_000)
    batch = bytearray()
    for i in range(FRAMES):
        encoded = frame(i * load.per_frame, load.per_frame)
        for place in stamps(encoded):
            encoded[place : place + 8] = now
        batch += encoded
    for _ in range(load.quotes // (FRAMES * load.per_frame)):
        connection.sendall(batch)


def send_paced(connection: socket.socket, load: Load) -> None:
    frames = [frame(i * load.per_frame, load.per_frame) for i in range(FRAMES)]
    places = [stamps(encoded) for encoded in frames]
    total = load.quotes // load.per_frame
    batch = max(round(load.rate * TICK / load.per_frame), 1)
    began = time.time_ns()
    for first in range(0, total, batch):
        due = began + round(first * load.per_frame / load.rate * 1e9)
        if (left := due - time.time_ns()) > 0:
            time.sleep(left / 1e9)  # its own process; a load is offered at a pace
        seconds, ns = divmod(time.time_ns(), 1_000_000_000)
        stamp = STAMP.pack(ns << 34 | seconds)
        chunk = bytearray()
        for i in range(first, min(first + batch, total)):
            encoded = frames[i % FRAMES]
            for place in places[i % FRAMES]:
                encoded[place : place + 8] = stamp
            chunk += encoded
        connection.sendall(chunk)


def control(connection: socket.socket, **message: object) -> None:
    payload = msgpack.packb([message])
    connection.sendall(ws_header(len(payload)) + payload)


def serve(load: Load) -> None:
    """Print the port, serve one client the load after its login and subscription, and end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        print(server.getsockname()[1], flush=True)
        connection, _ = server.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(ConnectionError):
            request = connection.recv(65_536).decode()
            key = next(
                line.split(": ")[1]
                for line in request.split("\r\n")
                if line.lower().startswith("sec-websocket-key")
            )
            digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())  # noqa: S324
            accept = base64.b64encode(digest.digest()).decode()
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept.encode() + b"\r\n\r\n"
            )
            control(connection, T="success", msg="connected")
            connection.recv(65_536)
            control(connection, T="success", msg="authenticated")
            connection.recv(65_536)
            control(connection, T="subscription", quotes=SYMBOLS, trades=[])
            time.sleep(0.2)  # no frame tells that the client has settled; not timed
            send(connection, load)
            while (told := connection.recv(65_536)) and told[0] != CLOSE:
                pass


@contextlib.contextmanager
def sender(load: Load) -> Iterator[str]:
    """Start the sender; give its address."""
    command = [sys.executable, "-m", "bench.quote_sender"]
    command += [str(load.per_frame), str(load.quotes), str(load.rate)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        try:
            yield f"ws://127.0.0.1:{port}/v1beta1/indicative"
        finally:
            process.kill()


if __name__ == "__main__":
    per_frame, quotes, rate = map(int, sys.argv[1:])
    serve(Load(per_frame=per_frame, quotes=quotes, rate=rate))
