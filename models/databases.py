"""Which build of the database a venue stands on: its kit knows, and asks it for a database for each world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from drydock.harness.database import Database
from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import DatabaseDoor
from drydock.models.simulated_database import SimulatedDatabase
from drydock.models.venue import DatabaseSpec


class Databases(Protocol):
    """Makes databases of one build, one for each world."""

    @property
    def told(self) -> Database:
        """Which build it is, for people."""
        ...

    @property
    def can_all(self) -> bool:
        """Whether it can be crashed, copied and promoted, and has standbys and proxies; else plain transactions."""
        ...

    def make(self, sim: Sim, spec: DatabaseSpec, seams: Seams) -> DatabaseDoor:
        """An empty one, for the world of this Sim, which closes it."""
        ...


@dataclass(frozen=True, slots=True)
class SimulatedDatabases:
    """Of the model's own build: nothing is started, and nothing has to be closed."""

    told = Database()
    can_all = True

    def make(self, sim: Sim, spec: DatabaseSpec, seams: Seams) -> DatabaseDoor:
        """Tables as arrays."""
        return SimulatedDatabase(sim, spec, seams)
