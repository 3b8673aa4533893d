"""What a venue's kit stands on when it stands on PostgreSQL: the choice that was made, told, and what it can do."""

from __future__ import annotations

from drydock.harness.database import Database
from drydock.models.postgres.choice import Choice, parse

POSTGRES = "postgres"


def told(choice: Choice) -> Database:
    """A settled choice, for people and for workers. Nothing of a URL is in it: it may hold a password."""
    version = choice.name.rpartition(" ")[2]
    version = f"of the image {version}" if choice.kind == "docker" else version
    why = f"auto: {choice.why}" if choice.why else ""
    return Database(POSTGRES, f"PostgreSQL {version}", choice.kind, why, choice.is_shared)


def what_would_be_taken() -> Database:
    """What ``auto`` comes to here; looks around, and starts nothing. Raises :exc:`CannotServe`."""
    return told(parse("auto").settled())
