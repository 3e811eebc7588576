"""One SQLite connection on one thread that alone touches it.

The file is locked for this process as long as it is open, so that two exchanges can never
write one journal; the lock falls with the process, however that ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from common.errors import Misconfigured, StateUnwritable
from paper_exchange.store.tables import META, METADATA, SCHEMA_VERSION

T = TypeVar("T")

_PRAGMAS: Final = (
    "PRAGMA busy_timeout = 2000",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
)


class Database:
    """Opened by open(); jobs run in the order they are given, each in a transaction."""

    def __init__(self, engine: Engine, thread: ThreadPoolExecutor) -> None:
        self._engine = engine
        self._thread = thread

    @classmethod
    async def open(cls, url: str) -> Database:
        """Open or create the database of a URL such as sqlite:///exchange.db.

        Raises Misconfigured for another kind of URL and StateUnwritable for a file that
        cannot be used, is open elsewhere or has another schema.
        """
        thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        try:
            engine = await asyncio.get_running_loop().run_in_executor(thread, _open, url)
        except BaseException:
            thread.shutdown(wait=False)
            raise
        return cls(engine, thread)

    async def run(self, job: Callable[[Connection], T]) -> T:
        """Do a job in a transaction of its own; SQLAlchemyError when it cannot be kept."""
        return await asyncio.wrap_future(self._thread.submit(self.transact, job))

    def call(self, job: Callable[[], object]) -> None:
        """Queue a job that transacts for itself and answers for its own errors."""
        self._thread.submit(job)

    def transact(self, job: Callable[[Connection], T]) -> T:
        """Do a job in a transaction; on the database's own thread only.

        A connection that failed is dropped: SQLite may keep a transaction open whose COMMIT
        failed, and what it holds must not slip into the next one.
        """
        try:
            with self._engine.begin() as connection:
                return job(connection)
        except SQLAlchemyError:
            self._engine.dispose()
            raise

    async def close(self) -> None:
        """Finish the queued jobs and let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown(wait=False)


def file_of(url: str) -> Path | None:
    """Return the file a URL names, None for a database in memory; raise Misconfigured."""
    name = _parsed(url).database
    return None if name in (None, "", ":memory:") else Path(str(name))


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError:
        raise Misconfigured(
            f"--database is not a URL: {url!r}", remedy="give it as sqlite:///PATH"
        ) from None


def _open(url: str) -> Engine:
    parsed = _parsed(url)
    if parsed.get_backend_name() != "sqlite":
        raise Misconfigured("the database must be SQLite: sqlite:///PATH")
    engine = create_engine(parsed, poolclass=StaticPool)
    event.listen(engine, "connect", _prepare)
    try:
        with engine.begin() as connection:
            found = _schema(connection)
    except SQLAlchemyError as e:
        engine.dispose()
        raise StateUnwritable(
            f"the database {parsed.database} cannot be used: {e.__cause__ or e}",
            remedy="stop the exchange that has it open, or choose another --database",
        ) from None
    if found != SCHEMA_VERSION:
        engine.dispose()
        raise StateUnwritable(
            f"the database has schema {found}, this exchange writes {SCHEMA_VERSION}",
            remedy="choose another --database",
        )
    return engine


def _prepare(connection: DBAPIConnection, _: object) -> None:
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _schema(connection: Connection) -> int:
    """Return the schema's version, made now where there is none."""
    METADATA.create_all(connection)
    found: int | None = connection.scalar(select(META.c.value).where(META.c.name == "schema"))
    if found is None:
        connection.execute(insert(META).values(name="schema", value=SCHEMA_VERSION))
        return SCHEMA_VERSION
    return found
