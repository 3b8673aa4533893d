"""A difference between builds, as small as it becomes: operations are data, so they are left out and played again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise

from drydock.harness.shrink.minimal import minimal
from drydock.models.database import LIVE, PRIMARY
from drydock.models.venue import DatabaseSpec
from tests.models.database_machine import Agreement, MakeDesk
from tests.models.desk import DoorDesk, simulated
from tests.models.naive_database import NaiveDatabase
from tests.models.operations import Ask, Operation, Put, Transact, Wait

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

    Hypothesis shrinks what it drew, and where that ends depends on what else is loaded. Two waits in a row become one,
    and a write that only looks at what is there a read, which needs no other write before it to be seen.
    """

    def first(candidates: Iterable[tuple[Operation, ...]]) -> int | None:
        for number, asked in enumerate(candidates):
            if not differ(RIGHT, found.spec, asked) and differ(found.builds, found.spec, asked):
                return number
        return None

    assert differ(found.builds, found.spec, found.steps), "what is not found again cannot be made smaller"
    steps = minimal(tuple(found.steps), first)
    while (place := first(simpler := [*_with_one_wait_less(steps), *_with_one_read_more(steps)])) is not None:
        steps = minimal(simpler[place], first)
    return steps


def _with_one_wait_less(steps: tuple[Operation, ...]) -> Iterator[tuple[Operation, ...]]:
    """The same, each time with another two waits in a row as one."""
    for number, (step, after) in enumerate(pairwise(steps)):
        if isinstance(step, Wait) and isinstance(after, Wait):
            yield (*steps[:number], Wait(step.ms + after.ms), *steps[number + 2 :])


def _with_one_read_more(steps: tuple[Operation, ...]) -> Iterator[tuple[Operation, ...]]:
    """The same, each time with another write turned into a read of its rows."""
    for number, step in enumerate(steps):
        if isinstance(step, Transact) and any(isinstance(asked, Put) for asked in step.statements):
            read = tuple(Ask(s.table, s.keys, 0, PRIMARY, LIVE) if isinstance(s, Put) else s for s in step.statements)
            yield (*steps[:number], replace(step, statements=read), *steps[number + 1 :])
