"""Delta debugging: a subset of parts that still fails, and from which no single part can be left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")
First = Callable[[Iterable[tuple[T, ...]]], int | None]
"""The number of the first of these candidates that fails; None where none does. It may stop asking there."""


def minimal(parts: Sequence[T], first: First[T]) -> tuple[T, ...]:
    """A subset of ``parts``, in their order, that fails, and of which nothing can be left out without it passing.

    ``parts`` must fail. Blocks are left out, half of all first, then smaller ones, from the front; at single parts it
    goes round until a whole round left nothing out. For k parts that matter among n it asks about 2 k log2 n times.
    """
    kept = tuple(parts)
    if not kept or first([()]) is not None:
        return ()
    size = len(kept)
    while True:
        size = max(1, size // 2)
        before = kept
        kept = _round(kept, size, first)
        if size == 1 and kept == before:
            return kept


def _round(kept: tuple[T, ...], size: int, first: First[T]) -> tuple[T, ...]:
    """Leaves out every block of ``size`` parts that can be left out, from front to back."""
    start = 0
    while start < len(kept):
        starts = range(start, len(kept), size)
        hit = first(kept[:at] + kept[at + size :] for at in starts)
        if hit is None:
            return kept
        start = starts[hit]
        kept = kept[:start] + kept[start + size :]
    return kept
