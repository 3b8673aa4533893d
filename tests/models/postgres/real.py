"""Real servers for what plays on both builds: the build of a choice, as a desk has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import DatabaseDoor
from drydock.models.databases import Databases
from drydock.models.venue import DatabaseSpec
from tests.models.desk import Build

POSTGRES = "postgres"


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
