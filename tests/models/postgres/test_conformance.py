"""The simulated database against a real one: the part that is played each time. All of it: ``./toxw -e postgres``."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from drydock.models.kit import VenueKit
from tests.models.database_machine import agreement
from tests.models.desk import DoorDesk, simulated
from tests.models.differences import smallest
from tests.models.postgres.conformance import play
from tests.models.postgres.real import real
from tests.models.postgres.wrong_servers import WRONG, Wrong
from tests.models.test_database_machine import SEARCH, STEPS_MAX

STEPS = 150


def test_whatever_is_asked_in_whatever_order_both_builds_show_the_same(kit: VenueKit) -> None:
    """Answers, the database's own events, and what clients were not told; crashes, promotions and copies among them."""
    machine, _ = play(STEPS, partial(DoorDesk, simulated()), partial(DoorDesk, real(kit.databases)))
    assert machine.played.total() >= STEPS


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.servers
@pytest.mark.parametrize("choice", ["embedded"], indirect=True)
def test_planted_difference_is_found_and_shrunk(wrong: Wrong, kit: VenueKit) -> None:
    """A gate that is open, an upsert that counts wrongly: of the story on real servers a few operations are left."""
    machine = agreement(partial(DoorDesk, simulated()), partial(DoorDesk, real(kit.databases)), is_calm=True)
    with wrong(), pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=settings(SEARCH, stateful_step_count=6))
    with wrong():
        assert len(smallest(machine)) <= STEPS_MAX, machine.steps
