"""The cyclic garbage collector, kept out of runs and called between them.

A run makes many objects that live as long as it does; looking through them again and again costs about five percent
of it (the median of seven pairs; the machine's noise is as large). What it leaves behind is one large knot (a world and
its parts refer to each other), which is undone between runs, once enough of it lies about: by events served, so that
small worlds are not charged for large ones.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from drydock.harness.sim import Sim

EVENTS_BETWEEN_COLLECTIONS = 150_000
"""About two nights of 117 markets and 2,000 accounts, or a hundred of the bench venue."""

_events_left_behind = 0


@contextmanager
def kept_out(sim: Sim) -> Iterator[None]:
    """No collection inside the ``with``; after it one, if the runs since the last have served enough events."""
    global _events_left_behind
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
        _events_left_behind += sim.served
        if _events_left_behind >= EVENTS_BETWEEN_COLLECTIONS:
            _events_left_behind = 0
            gc.collect()
