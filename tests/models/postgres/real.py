"""Real servers for what plays on both builds: the build of a choice, as a desk has it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from drydock.harness.database import NoDatabase
from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import DatabaseDoor
from drydock.models.databases import Databases
from drydock.models.kit import VenueKit
from drydock.models.venue import DatabaseSpec
from tests.models.desk import Build

POSTGRES = "postgres"
REQUIRED = "DRYDOCK_REQUIRE_POSTGRES"


def real(databases: Databases) -> Build:
    """The build of these databases."""

    @contextmanager
    def build(sim: Sim, spec: DatabaseSpec, seams: Seams) -> Iterator[DatabaseDoor]:
        made = databases.make(sim, spec, seams)
        try:
            yield made
        finally:
            made.close()

    return build


@contextmanager
def kit_on(server: str) -> Iterator[VenueKit]:
    """The venue's kit on such a server; a test is skipped where there is none, and fails where there has to be one."""
    try:
        with VenueKit().on(POSTGRES, server) as kit:
            yield kit
    except NoDatabase as missing:
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{REQUIRED}=1, and {missing}")
        pytest.skip(str(missing))
