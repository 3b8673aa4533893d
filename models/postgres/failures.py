"""What goes wrong with real servers: one sentence each, of what was tried, what the server said, and what to do."""

from __future__ import annotations

import errno
import os
import re

from drydock.harness.database import DatabaseFailed, NoDatabase

ROOM_BYTES = 8 << 20
"""With less of it a disk is as good as full."""
_NO_SPACE = re.compile(r"no space left on device|disk quota exceeded|could not extend file", re.IGNORECASE)


class PostgresFailed(DatabaseFailed):
    """A program of PostgreSQL, or a server, did not do what it was asked: the machine's failure, not the scenario's."""


class DiskFull(PostgresFailed):
    """There is no room for a server's files."""


class CannotServe(NoDatabase):
    """The choice of a server cannot be met here: what was looked for, and what to do. A mistake of usage."""


def is_disk_full(words: str | OSError) -> bool:
    """Whether a program's words, or an error of the system, say that there is no room."""
    if isinstance(words, OSError):
        return words.errno in (errno.ENOSPC, errno.EDQUOT)
    return bool(_NO_SPACE.search(words))


def disk_full(
    where: str, otherwise: str = ", or name another directory in the environment variable TMPDIR"
) -> DiskFull:
    """The one sentence about a full disk; ``where`` is what has no room."""
    return DiskFull(
        f"no room for a PostgreSQL server in {where}: each takes 20 MB and more there; make room{otherwise}"
    )


def failed_in(path: str | os.PathLike[str], error: OSError) -> PostgresFailed:
    """What to raise where this could not be written."""
    return disk_full(str(path)) if is_disk_full(error) else PostgresFailed(f"{path}: {error.strerror}")
