"""The toy on a server of its own: the same counters, kept in a file of a folder that ``--postgres`` names.

Loaded after ``toy.py``, as a user's own kit is. A server is a file named by its process, there as long as it runs; the
folder's ``log`` says who started and stopped, and who wrote.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from drydock.harness import registry
from drydock.harness.database import SIMULATED, Database, DatabaseFailed, NoDatabase
from drydock.harness.port import Case, Kit, Scenario, World
from drydock.harness.sim import Sim

toy = sys.modules[type(registry.kit("toy")).__module__]


class Store:
    """Two counters in the server's file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        file.write_text("100 100")

    def __getitem__(self, counter: int) -> int:
        return int(self._file.read_text().split()[counter])

    def __setitem__(self, counter: int, value: int) -> None:
        counters = self._file.read_text().split()
        counters[counter] = str(value)
        self._file.write_text(" ".join(counters))

    def __iter__(self) -> Iterator[int]:
        return map(int, self._file.read_text().split())


class ServedKit(toy.ToyKit):  # type: ignore[name-defined, misc]
    """The toy, which can also stand on a file."""

    name = "served"

    def __init__(self, database: Database | None = None) -> None:
        self._database = database or Database()

    @property
    def stands_on(self) -> Database:
        return self._database

    def backends(self) -> Sequence[str]:
        return (SIMULATED, "postgres")

    @contextmanager
    def on(self, database: str, server: str = "") -> Iterator[Kit]:
        if database == SIMULATED:
            yield ServedKit()
            return
        folder = Path(server)
        if not folder.is_dir():
            raise NoDatabase(f"--postgres {server}: there is no such folder; name one that is there")
        if (folder / "full").exists():
            raise DatabaseFailed("the server did not start: no space left on device")
        _note(folder, "start")
        file = folder / str(os.getpid())
        file.touch()
        try:
            is_shared = (folder / "shared").exists()
            yield ServedKit(Database("postgres", "ToySQL 1.0", server, "the toy was asked", is_shared))
        finally:
            file.unlink()
            _note(folder, "stop")

    def beyond(self, scenario: Scenario, strikes: Collection[tuple[str, str]]) -> Sequence[str]:
        """A folder that says that it is plain can do less."""
        lacks = self._database.is_real and (Path(self._database.choice) / "plain").exists()
        return ["a late load of both"] if lacks and ("SlowCount", "both") in strikes else []

    def found(self) -> Mapping[str, str]:
        return {"postgres": "ToySQL 1.0"}

    def world(self, case: Case, sim: Sim) -> World:
        world = super().world(case, sim)
        if self._database.is_real:
            folder = Path(self._database.choice)
            _note(folder, "run")
            if (folder / "gone").exists():
                raise DatabaseFailed("the server went down: no space left on device")
            world.store = Store(folder / str(os.getpid()))
            world.close = lambda: _note(folder, "close")
        return world


def _note(folder: Path, what: str) -> None:
    with (folder / "log").open("a") as log:
        log.write(f"{what} {os.getpid()}\n")
