"""Where two traces part: the first event that differs, which is where a search for nondeterminism begins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from drydock.harness.event import Event, identity_text


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first place at which two traces differ; None stands for a trace that ended there."""

    index: int
    first: Event | None
    second: Event | None

    def __str__(self) -> str:
        return f"event {self.index}: {event_text(self.first)} | {event_text(self.second)}"


def first_divergence(first: Iterable[Event], second: Iterable[Event]) -> Divergence | None:
    """The first difference in what a digest covers (venue events; causes are left out), or None where there is none."""
    pairs = zip_longest(_venue_events(first), _venue_events(second))
    for index, (one, other) in enumerate(pairs):
        if one is None or other is None or not _equal(one, other):
            return Divergence(index, one, other)
    return None


def event_text(event: Event | None) -> str:
    """One line for an event: time, identity, data."""
    return "(the trace ended)" if event is None else f"{event.at_ms} ms {identity_text(event.identity)} {event.data}"


def _venue_events(events: Iterable[Event]) -> Iterator[Event]:
    return (event for event in events if not event.data.is_harness_channel)


def _equal(one: Event, other: Event) -> bool:
    return one.at_ms == other.at_ms and one.identity == other.identity and _same(tuple(one.data), tuple(other.data))


def _same(one: Any, other: Any) -> bool:
    if getattr(one, "is_view", False) or getattr(other, "is_view", False):
        return True  # a view for laws: the digest leaves it out too
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(one == other)
