"""A walk of locks on both builds: whole tables locked, carried to standbys by later commits, and left by dead servers.

The machine of the conformance comes here too seldom: it takes a lock, a commit elsewhere, the loss of the server,
another commit and a read of a standby, in this order.
"""

from __future__ import annotations

import random

import pytest

from drydock.models.database import STANDBYS
from drydock.models.kit import VenueKit
from drydock.models.venue import DatabaseSpec
from tests.models.desk import DoorDesk, simulated
from tests.models.operations import (
    TABLES,
    Ask,
    BeginScaleUp,
    Crash,
    EndScaleUp,
    FailOver,
    Hold,
    LetGo,
    Operation,
    Put,
    Transact,
    Wait,
)
from tests.models.postgres.real import real

STEPS = 40
SESSIONS = ("one", "two")
CHANCES = {Hold: 18, LetGo: 9, Put: 23, Ask: 28, Wait: 12, Crash: 3, FailOver: 3, BeginScaleUp: 2, EndScaleUp: 2}


def step(chance: random.Random, number: int) -> Operation:
    """The next operation; ``number`` is what it writes."""
    session, table = chance.choice(SESSIONS), chance.choice(tuple(TABLES))
    kind = chance.choices(list(CHANCES), list(CHANCES.values()))[0]
    if kind is Put:
        return Transact((Put(table, (0, 1), number),))
    if kind is Ask:
        return Transact((Ask(table, (0, 1), chance.choice((0, 10, 30)), chance.choice(STANDBYS)),))
    made: dict[type, Operation] = {
        Hold: Hold(session, table, chance.choice((None, None, None, (0, 1)))),
        LetGo: LetGo(session),
        Wait: Wait(chance.choice((10, 20, 60))),
        Crash: Crash(),
        FailOver: FailOver(chance.choice((0, 20, 100)), 20),
        BeginScaleUp: BeginScaleUp(20),
        EndScaleUp: EndScaleUp(),
    }
    return made[kind]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_walk_of_locks_is_the_same_on_both(kit: VenueKit, seed: int) -> None:
    """Whoever reads a standby, and whatever has become of the server on which a table was locked."""
    chance = random.Random(seed)
    spec = DatabaseSpec(recovery_ms=50, replica_lag_ms=chance.choice((0, 20)), connect_after_ppm=0)
    desks = [DoorDesk(build, spec) for build in (simulated(), real(kit.databases))]
    walked: list[Operation] = []
    try:
        for number in range(1_000, 1_000 + STEPS):
            walked.append(step(chance, number))
            model, server = (desk.play(walked[-1]) for desk in desks)
            assert model == server, walked
    finally:
        for desk in desks:
            desk.close()
