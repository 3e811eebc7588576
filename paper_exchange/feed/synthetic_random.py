"""Random numbers without a state: each is a hash of a key and a counter.

So any of them may be asked for in any order, again and again, and is always the same.
The hash is splitmix64 (Steele, Lea, Flood 2014), whose n-th output is a function of
seed + n * GAMMA; keys are drawn far apart by BLAKE2.
"""

from __future__ import annotations

from hashlib import blake2b
from statistics import NormalDist
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]
Words: TypeAlias = NDArray[np.uint64]

_GAMMA: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S32 = (np.uint64(n) for n in (30, 27, 31, 32))
_LOW: Final = np.uint64(0xFFFFFFFF)
_UNIT: Final = 2.0**-32
_NORMAL: Final = NormalDist()


def key(*labels: object) -> int:
    """Return a 64-bit key for a path of labels, such as a seed, a symbol and a purpose."""
    text = "\x1f".join(map(str, labels)).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def bits(keys: int | Words, counter: Ints) -> Words:
    """Return 64 random bits for each pair of key and counter; the two broadcast."""
    x = np.asarray(keys, np.uint64) + (counter.astype(np.uint64) + np.uint64(1)) * _GAMMA
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    return np.asarray(x ^ (x >> _S31))


def uniform(keys: int | Words, counter: Ints) -> Floats:
    """Return numbers of (0, 1), never an end."""
    return np.asarray(((bits(keys, counter) >> _S32).astype(np.float64) + 0.5) * _UNIT)


def normal(keys: int | Words, counter: Ints) -> Floats:
    """Return standard normal numbers (Box and Muller 1958), at most 6.7 from zero."""
    word = bits(keys, counter)
    radius = np.sqrt(-2.0 * np.log(((word >> _S32).astype(np.float64) + 0.5) * _UNIT))
    angle = (2.0 * np.pi * _UNIT) * (word & _LOW).astype(np.float64)
    return np.asarray(radius * np.cos(angle))


def one_normal(one_key: int) -> float:
    """Return the standard normal number of a key."""
    return _NORMAL.inv_cdf(((one_key >> 12) + 0.5) / 2**52)


def bridge(steps: Floats, totals: ArrayLike, shares: ArrayLike) -> Floats:
    """Pin each row of independent steps to a total, and return them.

    shares: each step's part of its row's variance, summing to 1. What the row missed its
    total by is spread by these shares, which makes a Brownian motion a Brownian bridge.
    """
    missed = np.asarray(totals) - steps.sum(axis=-1)
    return np.asarray(steps + missed[..., None] * shares)
