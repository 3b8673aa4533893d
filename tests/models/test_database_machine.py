"""The simulated database against one that a test can believe: whatever is asked in whatever order, the same answers."""

from __future__ import annotations

from functools import partial

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from drydock.models.simulated_database import SimulatedDatabase
from tests.models.database_machine import agreement
from tests.models.desk import DoorDesk, simulated
from tests.models.differences import smallest
from tests.models.naive_database import NaiveDatabase
from tests.models.wrong_databases import WRONG

TestDatabases = agreement(NaiveDatabase, partial(DoorDesk, simulated())).TestCase
TestDatabases.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)

SEARCH = settings(
    max_examples=500,
    stateful_step_count=20,
    phases=[Phase.generate, Phase.shrink],
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


STEPS_MAX = 5


@pytest.mark.parametrize("wrong", WRONG)
def test_planted_difference_is_found_and_shrunk(wrong: type[SimulatedDatabase]) -> None:
    """What is left is what shows it: a story of a few operations."""
    machine = agreement(NaiveDatabase, partial(DoorDesk, simulated(wrong)))
    with pytest.raises(AssertionError):
        run_state_machine_as_test(machine, settings=SEARCH)
    assert len(smallest(machine)) <= STEPS_MAX, machine.steps
