"""What the desk writes down: the audit log, its anchor, and what the journal needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from common.clock import Clock, SystemClock
from common.config import VERSION, Settings
from common.ids import RandomIds
from common.limits import Halt
from services.broker.access import AlpacaAccess
from services.execution.halts import HaltRecorder
from services.execution.journal_store import JournalStore
from services.execution.kill_switch import KillSwitch
from services.execution.trail import DESK, Trail
from services.ops.audit import AuditLog
from services.ops.events import EventHub
from services.ops.supervisor import Job

ANCHOR_EVERY = timedelta(seconds=1)
KEYS = frozenset({"alpaca_api_key", "alpaca_secret_key", "fmp_api_key"})


@dataclass(frozen=True, slots=True)
class Recording:
    """The audit log and the journal's store, open."""

    audit: AuditLog
    journal: JournalStore
    trail: Trail
    events: EventHub

    async def begin(self, settings: Settings, kill_switch: KillSwitch) -> None:
        """Write down with what the desk starts; take no new risk on a log that was damaged."""
        await self.audit.append(
            "setting",
            DESK,
            version=VERSION,
            mode=settings.mode,
            needs_person=settings.needs_person,
            digest=settings.digest(),
            settings=settings.model_dump(mode="json", exclude=set(KEYS)),
            halt=kill_switch.halt(),
            torn_bytes_cut=self.audit.torn,
            damage=self.audit.damage,
        )
        if self.audit.damage is not None and kill_switch.halt() is Halt.ACTIVE:
            await kill_switch.reduce(who="audit", reason=self.audit.damage)

    def jobs(self, kill_switch: KillSwitch) -> Mapping[str, Job]:
        """Return what keeps the records true while the desk runs."""
        halts = HaltRecorder(kill_switch, self.trail)
        return {"audit anchor": self._anchor, "halt record": halts.watch}

    async def _anchor(self) -> None:
        """Keep the head of the chain in the database as well, a second behind at most."""
        kept = None
        while True:
            if (head := self.audit.head) != kept:
                await self.journal.keep_anchor(head)
                kept = head
            await asyncio.sleep(ANCHOR_EVERY.total_seconds())


@asynccontextmanager
async def recording(database: Path, access: AlpacaAccess, clock: Clock) -> AsyncIterator[Recording]:
    """Open what the desk writes down beside its database; anchor the chain on the way out."""
    journal = JournalStore(database)
    try:
        audit = AuditLog(
            audit_folder(database),
            SystemClock(),
            anchor=journal.anchor(),
            secrets=(access.key, access.secret),
        )
        try:
            events = EventHub(clock, RandomIds().token()[:8])
            yield Recording(audit, journal, Trail(audit, clock, events), events)
        finally:
            await audit.close()
            await journal.keep_anchor(audit.head)
    finally:
        await journal.close()


def audit_folder(database: Path) -> Path:
    """Return where the audit log of a desk is, beside its database."""
    return database.parent / "audit"
