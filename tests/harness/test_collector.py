"""The collector: none inside a run, and what runs leave behind goes."""

from __future__ import annotations

import gc
import weakref
from contextlib import suppress
from typing import Any

import pytest

from drydock.harness import collector
from drydock.harness.collector import kept_out
from drydock.harness.sim import Sim


class Knot:
    """A world and a part that refer to each other."""

    def __init__(self) -> None:
        self.part: Any = [self]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Sim:
    """A run that served a hundred events; a hundred and fifty are collected after."""
    monkeypatch.setattr(collector, "EVENTS_BETWEEN_COLLECTIONS", 150)
    monkeypatch.setattr(collector, "_events_left_behind", 0)
    sim = Sim(1)
    sim.served = 100
    return sim


def test_a_run_is_not_interrupted_by_collections_and_the_process_keeps_its_setting(served: Sim) -> None:
    """Off inside, afterwards as before, also where the run fails."""
    with suppress(LookupError), kept_out(served):
        inside = gc.isenabled()
        raise LookupError
    assert (False, True) == (inside, gc.isenabled())


def test_what_runs_leave_behind_goes_once_they_served_enough(served: Sim) -> None:
    """After the first run its knot may lie about; after the second both are gone."""
    left = []
    for _ in range(2):
        with kept_out(served):
            left.append(weakref.ref(Knot()))
    assert [None, None] == [knot() for knot in left]
