"""The command that runs the exchange: arguments, keys, socket, server."""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import uvicorn
import uvloop

from common.clock import SystemClock
from common.errors import Misconfigured, StateUnwritable, TradingError
from common.ids import RandomIds
from common.money import parse_decimal
from paper_exchange.app import ClockKind, Options, open_exchange
from paper_exchange.feed import calibration, importing
from paper_exchange.feed.choice import FeedKind
from paper_exchange.feed.live.access import DATA, OPTION_FEEDS, STOCK_FEEDS, TRADING, Access
from paper_exchange.stream.connection import MESSAGE_MAX
from paper_exchange.stream.plan import DataPlan
from paper_exchange.tenancy.key_file import read_or_create

ENVIRONMENT: Final = "PAPER_EXCHANGE_"
GC_EVERY: Final = (20_000, 10, 10)  # what requests leave behind is freed without it
STOP_SECONDS: Final = 2  # what open requests and streams get before the database is closed
BACKLOG: Final = 1024
COMMANDS: Final[Mapping[str, Callable[[Sequence[str]], Iterable[str]]]] = {
    "import": importing.run,
    "calibrate": calibration.run,
}

logger = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; return the exit code, 2 for what cannot be run."""
    words = sys.argv[1:] if argv is None else list(argv)
    if words and words[0] in COMMANDS:
        return _told(COMMANDS[words[0]], words[1:])
    arguments = parser().parse_args(words)
    logging.basicConfig(
        stream=sys.stderr,
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    try:
        options = options_of(arguments)
        with listener(arguments.host, arguments.port) as sock:
            uvloop.run(_serve(options, sock, arguments.address_file))
    except TradingError as e:
        print(f"paper_exchange: {e}. Next: {e.remedy}.", file=sys.stderr)
        return 2
    return 0


def _told(command: Callable[[Sequence[str]], Iterable[str]], words: Sequence[str]) -> int:
    """Run a command that is over when it has spoken."""
    try:
        for line in command(words):
            print(line)
    except TradingError as e:
        print(f"paper_exchange: {e}. Next: {e.remedy}.", file=sys.stderr)
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command's arguments."""
    flags = argparse.ArgumentParser(prog="paper_exchange", description="An Alpaca API of your own.")
    add = flags.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=_port, default=8090, help="port to listen on; 0 takes any free one")
    add("--database", default="sqlite:///paper_exchange.db", help="SQLAlchemy URL")
    add("--feed", choices=[kind.value for kind in FeedKind], default=FeedKind.SYNTHETIC.value)
    add("--recording", type=Path, help="folder of recorded days to replay; see docs/feeds.md")
    add("--upstream-url", help="root of the trading API whose market --feed live passes through")
    add("--upstream-data-url", help="root of its data API")
    add("--upstream-requests", type=_requests, default=200, help="asked of it in a minute at most")
    add("--stock-feed", choices=STOCK_FEEDS, default="iex", help="of the upstream")
    add("--option-feed", choices=OPTION_FEEDS, default="indicative", help="of the upstream")
    add("--stale-after", type=_positive, default=60, help="seconds until a live quote is none")
    add("--clock", choices=[kind.value for kind in ClockKind], default=ClockKind.REAL.value)
    add("--seed", type=int, default=7, help="of the synthetic market")
    add("--speed", type=_positive, help="exchange seconds per second, demo clock")
    add("--at", type=time.fromisoformat, help="New York time the first day starts at")
    add("--day", type=date.fromisoformat, help="the first day")
    add("--cash", type=_money, default=Decimal(100_000), help="of a new account, dollars")
    add("--api-key", help=f"or {ENVIRONMENT}API_KEY")
    add("--secret-key", help=f"or {ENVIRONMENT}SECRET_KEY")
    add("--key-file", type=Path, help="keys as JSON, mode 0600; written when absent")
    add("--admin-key", help=f"lets its holder move a stepped clock; or {ENVIRONMENT}ADMIN_KEY")
    add("--address-file", type=Path, help="where to write the address once listening")
    add("--rate-limit", type=int, default=0, help="requests a minute of each key; 0 is none")
    add("--data-plan", choices=[plan.value for plan in DataPlan], default=DataPlan.BASIC.value)
    add("--option-symbols-max", type=int, help="option quotes of one stream")
    add("--partial-fills", type=_share, default=0.1, help="share of fills that are partial")
    add(
        "--greeks",
        choices=["strict", "enhanced"],
        default="strict",
        help="strict: none on expiry day",
    )
    add("--log-level", choices=["debug", "info", "warning", "error"], default="info")
    return flags


def listener(host: str, port: int) -> socket.socket:
    """Return a listening socket; raise Misconfigured when the address is not to be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as e:
        raise Misconfigured(
            f"cannot listen on {host}:{port}: {e}", remedy="choose another --port, 0 takes any"
        ) from None


async def _serve(options: Options, sock: socket.socket, address_file: Path | None) -> None:
    """Run the server until a signal; uvicorn raises that signal again once it is done."""
    async with open_exchange(options) as app:
        gc.collect()
        gc.freeze()  # or every full collection would walk what start-up made: 50 ms and more
        gc.set_threshold(*GC_EVERY)
        config = uvicorn.Config(
            app,
            lifespan="off",
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=MESSAGE_MAX,
            ws_per_message_deflate=False,  # costs more than it saves on loopback
            timeout_graceful_shutdown=STOP_SECONDS,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
        )
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, _stopped)
        _announce(sock, address_file)
        await uvicorn.Server(config).serve(sockets=[sock])


def _stopped(signum: int, frame: object) -> None:
    logger.info("stopped by %s", signal.Signals(signum).name)


def _announce(sock: socket.socket, address_file: Path | None) -> None:
    address = _address(sock)
    if address_file is not None:
        _write(address_file, json.dumps(address))
    print(address["url"], flush=True)


def options_of(arguments: argparse.Namespace) -> Options:
    """Return how to run; raise Misconfigured naming the argument that is wrong."""
    key, secret = _keys(arguments)
    if not 0 <= arguments.seed < 2**63:
        raise Misconfigured("--seed must be a whole number from 0", remedy="correct --seed")
    if arguments.rate_limit < 0:
        raise Misconfigured("--rate-limit must not be negative", remedy="0 switches it off")
    return Options(
        database=arguments.database,
        api_key=key,
        secret_key=secret,
        clock=ClockKind(arguments.clock),
        seed=arguments.seed,
        speed=arguments.speed,
        feed=FeedKind(arguments.feed),
        recording=arguments.recording,
        upstream=_upstream(arguments),
        day=arguments.day,
        at=arguments.at,
        cash=arguments.cash,
        admin_key=arguments.admin_key or os.environ.get(f"{ENVIRONMENT}ADMIN_KEY"),
        rate_limit=arguments.rate_limit,
        plan=DataPlan(arguments.data_plan),
        option_symbols_max=arguments.option_symbols_max,
        partial_fills=arguments.partial_fills,
        enhanced_greeks=arguments.greeks == "enhanced",
    )


def _upstream(arguments: argparse.Namespace) -> Access | None:
    """Return whose market is passed through, None without keys of it."""
    key = os.environ.get(f"{ENVIRONMENT}UPSTREAM_KEY")
    secret = os.environ.get(f"{ENVIRONMENT}UPSTREAM_SECRET")
    if not key or not secret:
        return None
    trading = arguments.upstream_url or TRADING
    return Access(
        key=key,
        secret=secret,
        trading_url=trading.rstrip("/"),
        data_url=(arguments.upstream_data_url or arguments.upstream_url or DATA).rstrip("/"),
        stock_feed=arguments.stock_feed,
        option_feed=arguments.option_feed,
        requests_per_minute=arguments.upstream_requests,
        stale_after=timedelta(seconds=arguments.stale_after),
    )


def _keys(arguments: argparse.Namespace) -> tuple[str, str]:
    """Return the keys given by argument, environment or file, in this order."""
    key = arguments.api_key or os.environ.get(f"{ENVIRONMENT}API_KEY")
    secret = arguments.secret_key or os.environ.get(f"{ENVIRONMENT}SECRET_KEY")
    if (key is None) != (secret is None):
        raise Misconfigured("--api-key and --secret-key go together", remedy="give both")
    if key is not None and secret is not None:
        return key, secret
    if arguments.key_file is None:
        raise Misconfigured(
            "no keys were given", remedy="give --key-file FILE, or --api-key and --secret-key"
        )
    pair = read_or_create(arguments.key_file, RandomIds())
    return pair.key, pair.secret


def _address(sock: socket.socket) -> dict[str, object]:
    host, port = sock.getsockname()[:2]
    reachable = "127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host  # noqa: S104
    shown = f"[{reachable}]" if ":" in reachable else reachable
    return {
        "url": f"http://{shown}:{port}",
        "pid": os.getpid(),
        "started": SystemClock().now().isoformat(),
    }


def _write(path: Path, text: str) -> None:
    """Replace a file whole, so that a reader never sees half of it."""
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(text)
        fresh.replace(path)
    except OSError as e:
        raise StateUnwritable(f"cannot write {path}: {e}") from None


def _positive(text: str) -> float:
    value = float(parse_decimal(text))
    if not 0 < value <= 1000:
        raise ValueError(text)
    return value


def _port(text: str) -> int:
    value = int(text)
    if not 0 <= value <= 65_535:
        raise ValueError(text)
    return value


def _requests(text: str) -> int:
    value = int(text)
    if not 30 <= value <= 100_000:
        raise ValueError(text)
    return value


def _share(text: str) -> float:
    value = float(parse_decimal(text))
    if not 0 <= value < 1:
        raise ValueError(text)
    return value


def _money(text: str) -> Decimal:
    value = parse_decimal(text)
    if not 0 < value <= 10_000_000:
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(main())
