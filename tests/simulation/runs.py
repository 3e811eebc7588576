"""Running seeds: what a run gives, and how it is told."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass

from tests.simulation.settings import Settings
from tests.simulation.tally import Tally
from tests.simulation.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One seed lived through. error: None when every invariant held."""

    seed: int
    settings: Settings
    trace: str
    counts: Counter[str]
    kinds: Counter[str]
    tally: Tally
    error: BaseException | None
    story: tuple[str, ...]

    def __str__(self) -> str:
        """Return what is needed to look into it."""
        wrong = f"{type(self.error).__name__}: {self.error}"
        again = f"python -m tests.simulation.run --first {self.seed} --seeds 1"
        story = "\n".join(self.story)
        return f"seed {self.seed} ({self.settings})\n{story}\n{wrong}\nagain: {again}"


def run_seed(seed: int) -> Run:
    """Live through one seed, in a loop of its own."""
    logging.getLogger("paper_exchange").setLevel(logging.CRITICAL)  # faults are meant
    return asyncio.run(_lived(seed))


async def _lived(seed: int) -> Run:
    world = World(seed)
    task = asyncio.ensure_future(world.run())
    await asyncio.wait([task])
    return Run(
        seed=seed,
        settings=world.settings,
        trace=world.trace,
        counts=world.counts,
        kinds=world.events,
        tally=world.tally,
        error=task.exception(),
        story=tuple(world.told),
    )
