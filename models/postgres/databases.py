"""What a venue's kit stands on when it stands on PostgreSQL: the choice that was made, told, and what it can do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from drydock.harness.database import Database
from drydock.harness.seam import Seams
from drydock.harness.sim import Sim
from drydock.models.database import DatabaseDoor
from drydock.models.postgres import pool
from drydock.models.postgres.choice import Choice, parse
from drydock.models.venue import DatabaseSpec

POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class PostgresDatabases:
    """Of servers that this process keeps for its next run."""

    choice: Choice

    @property
    def told(self) -> Database:
        """For people and for workers. Nothing of a URL is in it: it may hold a password."""
        choice, version = self.choice, self.choice.name.rpartition(" ")[2]
        version = f"of the image {version}" if choice.kind == "docker" else version
        why = f"auto: {choice.why}" if choice.why else ""
        return Database(POSTGRES, f"PostgreSQL {version}", choice.kind, why, choice.is_shared)

    @property
    def can_all(self) -> bool:
        """Somebody else's server is nobody's to crash, to copy or to promote."""
        return not self.choice.is_shared

    def make(self, sim: Sim, spec: DatabaseSpec, seams: Seams) -> DatabaseDoor:
        """On servers that are there, mostly."""
        from drydock.models.postgres.build import PostgresDatabase

        return PostgresDatabase(sim, spec, seams, partial(pool.cluster, self.choice))


@contextmanager
def standing_on(server: str) -> Iterator[PostgresDatabases]:
    """What ``--postgres`` asks for, with what servers are made from: what is wrong shows now, and all is closed again.

    Raises :exc:`CannotServe` and :exc:`PostgresFailed`.
    """
    choice = parse(server).settled()
    with pool.held(choice):
        yield PostgresDatabases(choice)


def what_would_be_taken() -> Database:
    """What ``auto`` comes to here; looks around, and starts nothing. Raises :exc:`CannotServe`."""
    return PostgresDatabases(parse("auto").settled()).told
