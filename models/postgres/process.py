"""Processes of this machine: which one a number means, whether it still lives, and which ones work in a directory."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_SERVER, _OF_SERVER = "postgres", "postgres:"
_OURS = frozenset({_SERVER, _OF_SERVER, "initdb", "pg_ctl", "pg_basebackup", "cp", "sh"})
_PROC = Path("/proc")
_POLL_S = 0.005
_PATIENCE_S = 5.0
_LIMIT_S = 15.0


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs; ``words`` is its command line, as far as one may see it."""

    pid: int
    words: str

    @property
    def program(self) -> str:
        """``postgres`` is a server's first process; its others are called ``postgres:``, and end with it."""
        return os.path.basename(self.words.partition(" ")[0])


def birth_of(pid: int) -> str:
    """When the process began; with its number it is one of its kind, also after a restart. Empty where there is none.

    A process that is dead, and whose parent has not asked yet (a zombie), is none.
    """
    if not (_PROC / "self" / "stat").exists():
        return _asked_of_ps("-o", "lstart=", "-p", str(pid)).strip()
    fields = _text(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in "ZX":
        return ""
    return f"{_text(_PROC / 'sys/kernel/random/boot_id').strip()} {fields[19]}"


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it is more than a name in its parent's books."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return bool(birth_of(pid))


def space() -> str:
    """Whose numbers these are: in a container, a process has other ones than outside. Empty where nobody knows."""
    with suppress(OSError):
        return os.readlink(_PROC / "self/ns/pid")
    return ""


def end_all_in(directory: str) -> None:
    """Ends every server that works in this directory, by an immediate stop, and what prepares one; waits for it.

    What does not end is killed. Raises ``TimeoutError`` where even that does not help. Nobody's shell or editor, which
    may look into the directory, is touched.
    """
    started = time.perf_counter()
    asked: set[int] = set()
    while found := list(working_in(directory)):
        waited_s = time.perf_counter() - started
        if waited_s > _LIMIT_S:
            raise TimeoutError(f"process {found[0].pid} ({found[0].words}) cannot be ended")
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                if waited_s > _PATIENCE_S:
                    os.kill(process.pid, signal.SIGKILL)
                elif process.pid not in asked and process.program != _OF_SERVER:
                    os.kill(process.pid, signal.SIGQUIT if process.program == _SERVER else signal.SIGTERM)
                    asked.add(process.pid)
        time.sleep(_POLL_S)  # noqa: TID251 - an end takes real time


def working_in(directory: str) -> Iterator[Process]:
    """The servers that work in this directory or name it, and the programs that prepare one there."""
    prefix = os.path.join(directory, "")
    for process, place in _all():
        is_there = prefix in process.words or os.path.join(place, "").startswith(prefix)
        if is_there and process.program in _OURS:
            yield process


def _all() -> Iterator[tuple[Process, str]]:
    """Every process that one may see, and where it works."""
    if not (_PROC / "self" / "stat").exists():
        for line in _asked_of_ps("-axww", "-o", "pid=,command=").splitlines():
            number, _, words = line.strip().partition(" ")
            yield Process(int(number), words.strip()), ""
        return
    for entry in os.listdir(_PROC):
        if entry.isdigit():
            words = _text(_PROC / entry / "cmdline").replace("\0", " ").strip()
            try:
                place = os.readlink(_PROC / entry / "cwd")
            except OSError:
                place = ""
            yield Process(int(entry), words), place


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def _asked_of_ps(*argv: str) -> str:
    """Where there is no /proc (macOS)."""
    asked = subprocess.run(
        ["ps", *argv], capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    return asked.stdout
