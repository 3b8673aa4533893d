"""The simulated database against one that a test can believe: whatever is asked in whatever order, the same answers."""

from __future__ import annotations

from functools import partial

from hypothesis import settings

from tests.models.database_machine import agreement
from tests.models.desk import DoorDesk, simulated
from tests.models.naive_database import NaiveDatabase

TestDatabases = agreement(NaiveDatabase, partial(DoorDesk, simulated())).TestCase
TestDatabases.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
