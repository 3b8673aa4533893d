"""Who started what: everything that was started is stopped again, also after Ctrl-C, SIGTERM or kill -9.

Whoever starts servers claims a directory first, ``<temporary>/drydock-postgres-<user>/<pid>-<n>``, and everything of
them is below it. In it ``owner.json`` says who that is: a process, by number and birth, and the one that it works for.
At its own end an owner removes what it has (:class:`multiprocessing.util.Finalize`, which workers run too). Of one that
had no end of its own, the next :func:`claim`, or the end of another, removes it (:func:`sweep`). Owners that live are
left alone, and so are those of another container that shares the temporary directory.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import stat
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import count
from multiprocessing.util import Finalize
from pathlib import Path
from types import FrameType

from drydock.harness.worker import end_with_runner
from drydock.models.postgres import engine
from drydock.models.postgres.failures import CannotServe, PostgresFailed, failed_in
from drydock.models.postgres.process import birth_of, end_all_in, space

_FILE = "owner.json"
_DOOMED = "swept-"
_MAKING_S = 2.0
_TRIES = 20
_FIRST, _LAST = 10, -10  # a process ends its own things first, then its workers, then what dead ones left

_watched_by = 0  # the process that has its watch already: a number, for a forked child inherits what it finds here
_numbers = count(1)
_open: list[Owner] = []
_engines: set[str] = set()
_claiming = threading.RLock()
_removing = threading.RLock()


@dataclass(slots=True)
class _Facts:
    """What ``owner.json`` says."""

    pid: int
    birth: str
    runner_pid: int
    runner_birth: str
    space: str
    kind: str
    label: str
    engine: str  # of containers; empty where there are none
    containers: list[str] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether somebody still needs it: a worker whose runner is gone works for nobody."""
        if self.space != space():
            return True
        births = birth_of(self.pid), birth_of(self.runner_pid)
        return births == (self.birth, self.runner_birth) and all(births)


class Owner:
    """A directory of one's own, and what has been started for it."""

    def __init__(self, directory: Path, facts: _Facts) -> None:
        self.directory = directory
        self._facts = facts
        self._write()
        self._finalize = Finalize(None, _remove, args=(directory, facts), exitpriority=_FIRST)
        _open.append(self)

    @property
    def label(self) -> str:
        """A name that no other owner ever has: containers carry it, so that they can be found without this file."""
        return self._facts.label

    def note_container(self, container_id: str) -> None:
        """Remembers a container, so that whoever sweeps can remove it."""
        self._facts.containers.append(container_id)
        self._write()

    def _write(self) -> None:
        try:
            new = self.directory / f"{_FILE}.new"
            new.write_text(json.dumps(asdict(self._facts)), encoding="utf-8")
            new.replace(self.directory / _FILE)
        except OSError as error:
            raise failed_in(self.directory, error) from error

    def close(self) -> None:
        """Stops everything and removes the directory; a second time it does nothing."""
        if self in _open:
            _open.remove(self)
            self._finalize()

    def close_in_the_middle(self) -> None:
        """The same beside a thread that may be asking for a container this very moment: that is waited for."""
        self._finalize.cancel()
        _remove(self.directory, self._facts, _MAKING_S)


def claim(kind: str) -> Owner:
    """A fresh directory for servers of this kind (``embedded``, ``docker``, ..), after a sweep.

    Raises :exc:`CannotServe` where the temporary directory is not one's own, and :exc:`PostgresFailed` where nothing
    can be written there.
    """
    _watch_once()
    sweep()
    pid, birth = os.getpid(), birth_of(os.getpid())
    runner = multiprocessing.parent_process()
    runner_pid = pid if runner is None or runner.pid is None else runner.pid
    runner_birth = birth_of(runner_pid)
    address = engine.address_in() if kind == "docker" else ""
    if address:
        _engines.add(address)
        _sweep_containers(address)
    with _claiming:
        directory = _new_directory()
        label = f"{os.getuid()}-{directory.name}-{_signature(birth)}"
        return Owner(directory, _Facts(pid, birth, runner_pid, runner_birth, space(), kind, label, address))


def _new_directory() -> Path:
    home = _home()
    while True:
        directory = home / f"{os.getpid()}-{next(_numbers)}"
        try:
            directory.mkdir(mode=0o711)  # others enter, and see nothing: root's servers run as somebody else
        except FileExistsError:
            continue  # of a dead process with this number, and on its way out
        except OSError as error:
            raise failed_in(home, error) from error
        return directory


def sweep() -> list[str]:
    """Stops and removes what dead owners left; the names of their directories. Any number may do it at once."""
    home = _home()
    removed = []
    for directory in sorted(home.iterdir()):
        facts = _facts_in(directory)
        is_needed = _is_being_made(directory) if facts is None else facts.is_alive
        if not is_needed or directory.name.startswith(_DOOMED):
            _remove(directory, facts, _MAKING_S)
            removed.append(directory.name)
    return removed


def _signature(birth: str) -> str:
    """Of a process, beside its number: in a label, which is all that a container without a record has."""
    return f"{birth} {space()}".replace(" ", "-")


def _sweep_containers(address: str) -> None:
    """Removes those whose owner is dead: one that came to be when its owner and the record were gone already."""
    with suppress(engine.EngineTrouble):  # who needs the engine will be told so
        for label in engine.owners_of_containers(address):
            uid, _, rest = label.partition("-")
            pid, _, rest = rest.partition("-")
            signature = rest.partition("-")[2]
            is_ours = uid == str(os.getuid()) and signature.endswith(f"-{space()}") and pid.isdigit()
            if is_ours and signature != _signature(birth_of(int(pid))):
                engine.remove_containers(address, label)


def _home() -> Path:
    home = Path(tempfile.gettempdir(), f"drydock-postgres-{os.getuid()}")
    try:
        home.mkdir(mode=0o711, exist_ok=True)
        entry = os.lstat(home)
    except OSError as error:
        raise failed_in(home, error) from error
    if not stat.S_ISDIR(entry.st_mode) or entry.st_uid != os.getuid() or entry.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CannotServe(
            f"{home} is not a directory that belongs to you alone; remove it, or name another temporary directory in"
            " the environment variable TMPDIR"
        )
    return home


def _facts_in(directory: Path) -> _Facts | None:
    try:
        return _Facts(**json.loads((directory / _FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _is_being_made(directory: Path) -> bool:
    """A directory without a file: its owner is about to write it, or was killed before."""
    number = directory.name.partition("-")[0]
    return number.isdigit() and bool(birth_of(int(number)))


def _remove(directory: Path, facts: _Facts | None, making_s: float = 0.0) -> None:
    """Processes first, then containers, then files; under another name, so that nobody meets half of it.

    A container that was just being asked for when its owner was killed is waited for so long. Another thread of this
    process that is at it is waited for as well: a worker's run, which ends beside its watch, must not end the process
    while the watch has half of it removed.
    """
    with _removing:
        _remove_now(directory, facts, making_s)


def _remove_now(directory: Path, facts: _Facts | None, making_s: float) -> None:
    end_all_in(str(directory))
    doomed = directory
    if not directory.name.startswith(_DOOMED):
        doomed = directory.with_name(f"{_DOOMED}{directory.name}-by-{os.getpid()}")
        try:
            directory.rename(doomed)
        except OSError:
            return  # somebody else was faster
    if facts is not None and facts.engine:
        try:
            engine.remove_containers(facts.engine, facts.label, 0.0 if facts.containers else making_s)
        except engine.EngineTrouble:
            return  # the record stays for the next sweep: without an engine nothing can be said about containers
    for _ in range(_TRIES):  # what was just being started when its starter was killed still writes
        end_all_in(str(directory))
        end_all_in(str(doomed))
        shutil.rmtree(doomed, ignore_errors=True)
        if not doomed.exists():
            return


def _watch_once() -> None:
    """A sweep at the end of this process, and, if it is a worker, at that of its runner."""
    global _watched_by
    if _watched_by == os.getpid():
        return
    _watched_by = os.getpid()
    _open.clear()
    Finalize(None, _sweep_quietly, exitpriority=_LAST)
    end_with_runner(_close_for_good)
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # else somebody else unwinds and ends us
        signal.signal(signal.SIGTERM, _end_terminated)


def _sweep_quietly() -> None:
    """At the end of a process nobody reads an error, and whoever starts next sweeps again."""
    with suppress(OSError, CannotServe, PostgresFailed):
        sweep()
        for address in _engines:
            _sweep_containers(address)


def _close_for_good() -> None:
    """The runner was killed, the worker ends: nothing may be claimed any more."""
    _claiming.acquire()
    for owner in list(_open):
        with suppress(OSError, PostgresFailed):
            owner.close_in_the_middle()
    _sweep_quietly()


def _end_terminated(signum: int, frame: FrameType | None) -> None:
    """SIGTERM: everything is stopped first. An exception would not do, for a worker hands it on and lives."""
    for owner in list(_open):
        with suppress(OSError, PostgresFailed):
            owner.close()
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
