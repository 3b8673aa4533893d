"""Where the servers of PostgreSQL run: this machine, as a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Protocol

from drydock.models.postgres.failures import (
    ROOM_BYTES,
    CannotServe,
    DiskFull,
    PostgresFailed,
    disk_full,
    failed_in,
    is_disk_full,
)
from drydock.models.postgres.owner import Owner
from drydock.models.postgres.places import told_version, version_in
from drydock.models.postgres.ports import free_port
from drydock.models.postgres.process import is_alive

LOOPBACK = "127.0.0.1"
POLL_S = 0.002
_STOP_LIMIT_S = 20.0
_SAID_MAX = 400
_ROOTS_STAND_IN = "nobody"


class Host(Protocol):
    """A place with the programs of one PostgreSQL version; all files of its servers are below ``root``."""

    @property
    def name(self) -> str:
        """What it is, for people: ``embedded 18.6``, ``system 15.18``, ``docker postgres:15``."""

    @property
    def version(self) -> int:
        """The major version, e.g. 18."""

    @property
    def root(self) -> str:
        """A fresh directory on that host, which this process owns."""

    @property
    def address(self) -> str:
        """Where its servers are reached from here."""

    @property
    def listen(self) -> str:
        """What its servers listen on."""

    @property
    def upstream_address(self) -> str:
        """Where a server on this host reaches what listens here, e.g. a proxy."""

    def run(self, *argv: str, timeout_s: float = 60.0) -> str:
        """What a program of PostgreSQL says, run as the servers' user. Raises :exc:`PostgresFailed`."""

    def copy_tree(self, source: str, target: str) -> None:
        """Copies a directory that lies still. Raises :exc:`PostgresFailed`."""

    def remove_tree(self, path: str) -> None:
        """Removes a directory or a file, if it is there."""

    def read_text(self, path: str) -> str:
        """A file's text; empty where there is none."""

    def write_text(self, path: str, text: str) -> None:
        """Writes a file that the servers may read and nobody else. Raises :exc:`PostgresFailed`."""

    def free_port(self) -> int:
        """A port that nobody listens on now."""

    def is_running(self, data_dir: str) -> bool:
        """Whether a server of this directory runs."""

    def halt(self, data_dir: str) -> None:
        """Stops a directory's server at once, as a crash does (SIGQUIT), and waits until it is gone."""

    @property
    def is_full(self) -> bool:
        """Whether what is written below ``root`` fails, or soon will."""

    def no_room(self) -> DiskFull:
        """What to say where a disk is full, and what to do about it."""

    def close(self) -> None:
        """Stops what still runs and removes everything."""


class LocalHost:
    """This machine. Root may not run a server, so its servers run as ``nobody``; everybody else's as oneself."""

    address = listen = upstream_address = LOOPBACK

    def __init__(self, kind: str, bin_dir: Path, owner: Owner) -> None:
        """Raises :exc:`PostgresFailed` where the programs do not run, :exc:`CannotServe` where the user may not."""
        self._bin_dir = bin_dir
        self._owner = owner
        self._user = _servers_user()
        self.root = str(owner.directory / "servers")
        self._make_root()
        if self._user is not None:
            self._let_enter()
        version = told_version(self.run("postgres", "--version"))
        self.version = version_in(version)[0]
        self.name = f"{kind} {version}"

    def _make_root(self) -> None:
        try:
            os.mkdir(self.root, mode=0o700)
        except OSError as error:
            raise failed_in(self.root, error) from error
        self._give(self.root)

    def _give(self, path: str) -> None:
        if self._user is not None:
            os.chown(path, self._user.pw_uid, self._user.pw_gid)

    def _let_enter(self) -> None:
        """Raises :exc:`CannotServe` where the servers' user may not get to their files."""
        code, _ = self._ended("test", "-x", self.root)
        if code:
            raise CannotServe(
                f"for root, servers run as the user {_ROOTS_STAND_IN}, who may not enter {self.root}; name a directory"
                " that everybody may enter in the environment variable TMPDIR"
            )
        try:
            self._ended("postgres", "--version")
        except PermissionError:
            self._bin_dir = self._installation_copied()

    def _installation_copied(self) -> Path:
        """The programs where the servers' user may run them: a home of root's, with a venv in it, is closed to all.

        A wheel's libraries are found relative to its programs, in a folder beside its package.
        """
        copy, whole = self._owner.directory / "installation", self._bin_dir.parent
        package = whole.parent
        try:
            shutil.copytree(whole, copy / package.name / whole.name, symlinks=True, copy_function=_link)
            for libraries in package.parent.glob(f"{package.name}.libs"):
                shutil.copytree(libraries, copy / libraries.name, symlinks=True, copy_function=_link)
        except (OSError, shutil.Error) as error:
            raise disk_full(str(copy)) if is_disk_full(str(error)) else PostgresFailed(f"{copy}: {error}") from error
        return copy / package.name / whole.name / self._bin_dir.name

    def run(self, *argv: str, timeout_s: float = 60.0) -> str:
        """See :meth:`Host.run`. A program that is none of PostgreSQL's is the system's (``cp``).

        What stays in the background must not keep its outputs (``pg_ctl start`` with ``-l``).
        """
        try:
            code, words = self._ended(*argv, timeout_s=timeout_s)
        except OSError as error:
            raise PostgresFailed(f"{argv[0]} of {self._bin_dir} does not run: {error.strerror}") from error
        except subprocess.TimeoutExpired as error:
            raise PostgresFailed(f"{argv[0]} of {self._bin_dir} was not done within {timeout_s:.0f} s") from error
        if code and is_disk_full(words):
            raise self.no_room()
        if code:
            raise PostgresFailed(f"{argv[0]} of {self._bin_dir} failed ({code}): {words[-_SAID_MAX:]}")
        return words

    def _ended(self, *argv: str, timeout_s: float = 60.0) -> tuple[int, str]:
        """The exit status of a program, and what it said."""
        program, user = self._bin_dir / argv[0], self._user
        ended = subprocess.run(
            [str(program) if program.exists() else argv[0], *argv[1:]], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.root, env=_environment(), timeout=timeout_s,
            start_new_session=True, user=user and user.pw_uid, group=user and user.pw_gid,
            extra_groups=user and [], check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout.decode(errors="replace").strip()

    def copy_tree(self, source: str, target: str) -> None:
        """See :meth:`Host.copy_tree`."""
        self.run("cp", "-a", source, target)

    def remove_tree(self, path: str) -> None:
        """See :meth:`Host.remove_tree`."""
        if os.path.isdir(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            Path(path).unlink(missing_ok=True)

    def read_text(self, path: str) -> str:
        """See :meth:`Host.read_text`."""
        try:
            return Path(path).read_text(errors="replace")
        except OSError:
            return ""

    def write_text(self, path: str, text: str) -> None:
        """See :meth:`Host.write_text`."""
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            raise failed_in(path, error) from error
        self._give(path)

    def free_port(self) -> int:
        """See :meth:`Host.free_port`."""
        return free_port(self.listen)

    def is_running(self, data_dir: str) -> bool:
        """See :meth:`Host.is_running`."""
        pid = self._pid_of(data_dir)
        return pid is not None and is_alive(pid)

    def _pid_of(self, data_dir: str) -> int | None:
        first, _, _ = self.read_text(os.path.join(data_dir, "postmaster.pid")).partition("\n")
        return int(first) if first.isdigit() else None

    def halt(self, data_dir: str) -> None:
        """See :meth:`Host.halt`. The parent of all waits for its children, and goes last."""
        pid = self._pid_of(data_dir)
        if pid is None or not is_alive(pid):
            return
        os.kill(pid, signal.SIGQUIT)
        limit = time.perf_counter() + _STOP_LIMIT_S
        while is_alive(pid):
            if time.perf_counter() > limit:
                raise PostgresFailed(f"the server of {data_dir} did not stop within {_STOP_LIMIT_S:.0f} s")
            time.sleep(POLL_S)  # noqa: TID251 - a server's end takes real time

    @property
    def is_full(self) -> bool:
        """See :meth:`Host.is_full`."""
        try:
            return shutil.disk_usage(self.root).free < ROOM_BYTES
        except OSError:
            return False

    def no_room(self) -> DiskFull:
        """See :meth:`Host.no_room`."""
        return disk_full(self.root)

    def close(self) -> None:
        """See :meth:`Host.close`."""
        self._owner.close()


def _servers_user() -> pwd.struct_passwd | None:
    """Whom servers run as, where that is not oneself. Raises :exc:`CannotServe` for a user without a name."""
    name = _ROOTS_STAND_IN if os.geteuid() == 0 else os.geteuid()
    try:
        user = pwd.getpwnam(name) if isinstance(name, str) else pwd.getpwuid(name)
    except KeyError:
        raise CannotServe(
            f"PostgreSQL runs as a user with a name, and {name} is none here; add it to /etc/passwd"
        ) from None
    return user if os.geteuid() == 0 else None


def _link(source: str, target: str) -> None:
    """The same file under another path, which others may enter: no 40 MB are written. Else a copy."""
    try:
        os.link(source, target)
    except OSError:  # another disk, or one without links
        shutil.copy2(source, target)


def _environment() -> dict[str, str]:
    """Nothing of the caller's PGDATA, PGHOST and language: messages are read by programs here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}
