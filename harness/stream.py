"""Named streams of raw random bits: nobody's draws shift another's.

Only ``getrandbits`` of the Mersenne Twister is used: it is the raw output, equal on every interpreter and processor,
and everything derived from it here is integer arithmetic.
"""

from __future__ import annotations

from hashlib import blake2b
from random import Random

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]


def derive_seed(seed: int, name: str) -> int:
    """The 128-bit seed of the stream ``name`` in the run ``seed``; a function of these two alone."""
    return int.from_bytes(blake2b(f"{seed}/{name}".encode(), digest_size=16).digest(), "little")


class Stream:
    """One independent source of bits, named after who draws from it, e.g. ``oracle/BTC-USD-PERP``."""

    __slots__ = ("name", "_bits", "_random")

    def __init__(self, seed: int, name: str) -> None:
        self.name = name
        self._random = Random(derive_seed(seed, name))
        self._bits = self._random.getrandbits

    def bits(self, count: int) -> int:
        """An integer of ``count`` random bits."""
        return self._bits(count)

    def below(self, limit: int) -> int:
        """A uniform integer in ``[0, limit)``, exact (by rejection). ``ValueError`` if ``limit < 1``."""
        if limit < 1:
            raise ValueError(f"below({limit}): the limit must be at least 1")
        width = (limit - 1).bit_length()
        while True:
            draw = self._bits(width) if width else 0
            if draw < limit:
                return draw

    def between(self, low: int, high: int) -> int:
        """A uniform integer in ``[low, high]``, both ends included."""
        return low + self.below(high - low + 1)

    def shuffled(self, items: list[int]) -> list[int]:
        """The items in a uniformly random order (Fisher and Yates); the argument is left alone."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def words(self, count: int) -> Words:
        """``count`` raw 64-bit words as ``uint64[count]``."""
        raw = self._bits(64 * count).to_bytes(8 * count, "little") if count else b""
        return np.frombuffer(raw, dtype="<u8").astype(np.uint64)
