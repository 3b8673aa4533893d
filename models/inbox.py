"""Inbox: what a receiver remembers of what it has had, so that a sender may send again.

A message bears a number for as long as something could make two of it: then a receiver with an idempotency key takes
every part of it once. Without one it takes whatever comes.
"""

from __future__ import annotations

import numpy as np

from drydock.harness.seam import Mask


class Inbox:
    """Messages by number, part by part (a batch over markets may come in parts)."""

    def __init__(self, *, drops_duplicates: bool) -> None:
        self._drops_duplicates = drops_duplicates
        self._had: dict[int, Mask] = {}

    def take(self, number: int, parts: Mask) -> Mask:
        """Which of these parts are taken now."""
        if not self._drops_duplicates:
            return parts
        had = self._had.get(number)
        fresh: Mask = parts if had is None else parts & ~had
        self._had[number] = parts if had is None else parts | had
        return fresh


ALL = np.ones(1, np.bool_)
"""The parts of a message that has only one."""
