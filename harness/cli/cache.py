"""Where Drydock leaves files nobody named: ``.drydock`` in the current folder, or where ``DRYDOCK_CACHE`` says."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

from drydock.harness.mistakes import BadFile, Mistake
from drydock.harness.private_file import put_text

if TYPE_CHECKING:
    from drydock.harness.port import Case


def cache_folder() -> Path:
    """The folder; it may not exist yet."""
    return Path(os.environ.get("DRYDOCK_CACHE") or ".drydock")


def save_case(case: Case, folder: Path | None = None) -> str:
    """Writes a case under its short id and returns the file, as a user in this folder would name it.

    It goes to ``folder``, which must be there, or else to the cache. The id is a hash of the case: the same case is the
    same file. ``BadFile`` where the folder cannot be written.
    """
    from drydock.harness.case_file import case_to_json

    text = case_to_json(case)
    file = (folder or cache_folder() / "cases") / f"{blake2b(text.encode(), digest_size=4).hexdigest()}.json"
    try:
        if folder is None:
            file.parent.mkdir(parents=True, exist_ok=True)
            _ignore_in_git(cache_folder())
        put_text(file, text, is_private=case.scenario.is_private)
    except OSError as error:
        hint = "" if folder else "; set DRYDOCK_CACHE to a folder of yours"
        told = f"cannot be written: {error.strerror or error}{hint}"
        raise BadFile([Mistake(str(file), told)]) from None
    return str(file)


def replay_command(case: Case, loads: Sequence[str] = ()) -> str:
    """The command that plays a case again, which is in the cache from then on. ``loads`` are files of ``--load``.

    ``BadFile`` where the cache cannot be written.
    """
    parts = [part for path in loads for part in ("--load", path)]
    return shlex.join(["drydock", "replay", save_case(case), *parts])


def _ignore_in_git(folder: Path) -> None:
    """The cache tells git itself that it is none of its business, in whichever repository it lies."""
    marker = folder / ".gitignore"
    if not marker.exists():
        marker.write_text("*\n", encoding="utf-8")
