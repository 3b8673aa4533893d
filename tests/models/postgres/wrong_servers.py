"""Real servers that are used wrongly, as a mistake of the build or of the gate would: it must be found here too."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from unittest.mock import patch

from drydock.models.postgres import build, sql

Wrong = Callable[[], AbstractContextManager[object]]
_standby = build.Instance.standby


def reads_its_own_writes() -> AbstractContextManager[object]:
    """The gate is open: a replica has every commit at once."""
    return patch.object(build.Instance, "standby", lambda self, name, _: _standby(self, name, max(self.positions)))


def loses_row_versions() -> AbstractContextManager[object]:
    """The upsert puts the row anew: its version begins again."""
    return patch.object(sql, "_WRITE", sql._WRITE.replace("version = old.version + 1", "version = 1"))


WRONG: tuple[Wrong, ...] = (reads_its_own_writes, loses_row_versions)
