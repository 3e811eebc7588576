"""The usual way to keep orders: an ORM session and a commit for each request.

    python -m bench.order_naive DATABASE        prints its address

The same framework and server as the exchange, the same durability (SQLite, WAL,
synchronous=FULL); one order row and one event row a request, an index for the uniqueness of
client order ids. It checks, matches and posts nothing, so it does less than an exchange.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


class Base(DeclarativeBase):
    pass


class OrderRow(Base):
    __tablename__ = "orders"

    id: Mapped[str] = mapped_column(primary_key=True)
    client_order_id: Mapped[str] = mapped_column(unique=True)
    symbol: Mapped[str]
    qty: Mapped[str]
    side: Mapped[str]
    type: Mapped[str]
    status: Mapped[str]
    submitted_at: Mapped[datetime]


class EventRow(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"))
    kind: Mapped[str]


def application(database: str) -> Starlette:
    """Return the service."""
    engine = create_engine(f"sqlite:///{database}", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def durable(connection: Any, _: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    Base.metadata.create_all(engine)

    def kept(asked: dict[str, str]) -> dict[str, str]:
        with Session(engine) as session:
            order = OrderRow(
                id=str(uuid.uuid4()),
                client_order_id=asked["client_order_id"],
                symbol=asked["symbol"],
                qty=asked["qty"],
                side=asked["side"],
                type=asked["type"],
                status="filled",
                submitted_at=datetime.now(UTC),
            )
            session.add(order)
            session.flush()
            session.add(EventRow(order_id=order.id, kind="fill"))
            session.commit()
            return {"id": order.id, "status": order.status}

    async def submit(request: Request) -> JSONResponse:
        return JSONResponse(await run_in_threadpool(kept, await request.json()))

    return Starlette(routes=[Route("/v2/orders", submit, methods=["POST"])])


@contextlib.contextmanager
def naive() -> Iterator[str]:
    """Start the service in a process of its own; give its address."""
    with tempfile.TemporaryDirectory(prefix="bench-naive-") as folder:
        command = [sys.executable, "-m", "bench.order_naive", str(Path(folder) / "orders.sqlite")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield process.stdout.readline().strip()
            finally:
                process.kill()


def main(database: str) -> None:
    """Serve on any free port."""
    config = uvicorn.Config(
        application(database), port=0, loop="uvloop", http="httptools", log_config=None,
        access_log=False,
    )  # fmt: skip
    bound = config.bind_socket()
    print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
    uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main(sys.argv[1])
