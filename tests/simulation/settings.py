"""What a seed expands to, and the ids it mints."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from random import Random
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a seed expands to. Rates are chances a step."""

    steps: int
    accounts: int
    cash: int
    partial: float
    respect_size: bool
    fail_rate: float
    crash_rate: float
    slow_rate: float  # of commits held back for a while

    @classmethod
    def of(cls, seed: int) -> Settings:
        """Expand a seed."""
        rng = Random(f"settings {seed}")
        return cls(
            steps=150,
            accounts=rng.randint(1, 3),
            cash=rng.choice((1_500, 20_000, 100_000, 1_000_000)),
            partial=rng.choice((0.0, 0.0, 0.5)),
            respect_size=rng.random() < 0.3,
            fail_rate=rng.choice((0.0, 0.02, 0.06)),
            crash_rate=rng.choice((0.0, 0.03, 0.06)),
            slow_rate=rng.choice((0.0, 0.5, 0.9)),
        )

    def __str__(self) -> str:
        """Return them as they are printed for a failing seed."""
        return ", ".join(f"{name}={value}" for name, value in asdict(self).items())


class SeededIds:
    """The same ids for the same seed."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def uuid(self) -> str:
        """Return the next UUID."""
        return str(UUID(int=self._rng.getrandbits(128), version=4))

    def token(self) -> str:
        """Return the next token."""
        return f"{self._rng.getrandbits(128):032x}"
