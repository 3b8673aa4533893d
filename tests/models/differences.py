"""A difference between builds, as small as it becomes: operations are data, so they are left out and played again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from drydock.harness.shrink.minimal import minimal
from drydock.models.venue import DatabaseSpec
from tests.models.database_machine import Agreement, MakeDesk
from tests.models.desk import DoorDesk, simulated
from tests.models.naive_database import NaiveDatabase
from tests.models.operations import Operation

RIGHT: tuple[MakeDesk, MakeDesk] = (NaiveDatabase, partial(DoorDesk, simulated()))
"""Two right builds. Where these differ, something was asked that nobody asks (to report a copy before its end)."""


def differ(builds: Sequence[MakeDesk], spec: DatabaseSpec, operations: Iterable[Operation]) -> bool:
    """Whether these builds show something different, asked the same."""
    desks = [build(spec) for build in builds]
    try:
        for operation in operations:
            first, *others = [desk.play(operation) for desk in desks]
            if any(first != other for other in others):
                return True
        return False
    finally:
        for desk in desks:
            desk.close()


def smallest(found: type[Agreement]) -> tuple[Operation, ...]:
    """Of the example that a machine ended with: what still tells its builds apart, and nothing of it can be left out.

    Hypothesis shrinks what it drew, and where that ends depends on what else is loaded; this does not.
    """

    def first(candidates: Iterable[tuple[Operation, ...]]) -> int | None:
        for number, asked in enumerate(candidates):
            if not differ(RIGHT, found.spec, asked) and differ(found.builds, found.spec, asked):
                return number
        return None

    assert differ(found.builds, found.spec, found.steps), "what is not found again cannot be made smaller"
    return minimal(tuple(found.steps), first)
