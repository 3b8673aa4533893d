"""Where the servers of PostgreSQL run: a container with an image's own programs, on this machine's network.

One container for each owner. What keeps it alive is a program that reads from a connection, which the owner holds and
never writes to: when that breaks, however, the engine ends the container and removes it. So nothing is left of a runner
that was killed; what was made and not held yet is found by its label, in a sweep.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path

from drydock.models.postgres import engine
from drydock.models.postgres.client import OTHERWISE, client_failures, described, let_go, start, words_of
from drydock.models.postgres.failures import (
    ROOM_BYTES,
    CannotServe,
    DiskFull,
    PostgresFailed,
    disk_full,
    is_disk_full,
)
from drydock.models.postgres.host import LOOPBACK
from drydock.models.postgres.owner import Owner
from drydock.models.postgres.places import require_version, told_version, version_in
from drydock.models.postgres.ports import free_port

_USER = "postgres"
_SAID_MAX = 400
_STOP_LIMIT_S = 20
_TIMED_OUT = (124, 143)  # of coreutils and of busybox
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC"}

_LOOK = """
postgres=$(command -v postgres || ls -d /usr/lib/postgresql/*/bin/postgres 2>&1 | sort -V | tail -n 1)
[ -x "$postgres" ] || exit 0
mktemp -d
dirname "$postgres"
readlink /proc/self/ns/net
cat /proc/sys/kernel/random/boot_id
"$postgres" --version
"""
_WRITE = 'umask 077; printf %s "$TEXT" >"$1"'
_FIRST_LINE = 'test -f "$1/postmaster.pid" && read -r pid <"$1/postmaster.pid" && kill -0 "$pid" 2>&-'
_FREE_BLOCKS = 'df -Pk "$1" | { read -r _; read -r _ _ _ free _; echo "$free"; }'
_IS_RUNNING = f"if {_FIRST_LINE}; then echo yes; fi"
_HALT = f"""
{_FIRST_LINE} || exit 0
kill -QUIT "$pid"
waited=0
while kill -0 "$pid" 2>&-; do
    if [ "$waited" -ge {_STOP_LIMIT_S * 100} ]; then
        echo "the server of $1 did not stop within {_STOP_LIMIT_S} s"
        exit 1
    fi
    waited=$((waited + 1))
    sleep 0.01
done
"""


class ContainerHost:
    """A container whose servers are reached as if they ran on this machine, and reach what listens here."""

    address = listen = upstream_address = LOOPBACK

    def __init__(self, image: str, owner: Owner) -> None:
        """Takes about a second. Raises :exc:`CannotServe` where the engine does not run the image, or not here."""
        self._owner = owner
        self._image = image
        self._held: socket.socket | None = None
        self._container = described(
            image, entrypoint=["cat"], stdin_open=True, init=True, auto_remove=True, user=_USER, network_mode="host",
            labels={engine.LABEL: owner.label},
        )  # fmt: skip
        try:
            self._start()
            self.root, self._programs, *kernel, version = self._looked()
            self.version, self.name = version_in(told_version(version))[0], f"docker {image}"
            require_version(self.version, f"the PostgreSQL in the image {image}")
            if kernel != _kernel_here():
                raise CannotServe(
                    f"the Docker engine at {engine.address_in()} does not run its containers on this machine's network,"
                    " where Drydock's proxies listen; take --postgres embedded or system"
                )
        except BaseException:
            self.close()
            raise

    def _start(self) -> None:
        try:
            name = start(self._container)
            self._owner.note_container(name)
            self._held = engine.hold(engine.address_in(), name)
        except client_failures() as error:
            raise CannotServe(f"the image {self._image} does not run ({words_of(error)}); {OTHERWISE}") from error

    def _looked(self) -> list[str]:
        """Root, programs, network, kernel, and what ``postgres --version`` says."""
        lines = self._shell(_LOOK).splitlines()
        if len(lines) != 5:
            raise CannotServe(f"the image {self._image} holds no PostgreSQL; {OTHERWISE}")
        return lines

    # ---- programs ----------------------------------------------------------------------------------------------
    def run(self, *argv: str, timeout_s: float = 60.0) -> str:
        """See :meth:`Host.run`. A program that is none of PostgreSQL's is the image's (``cp``)."""
        path = f"{self._programs}:/usr/local/bin:/usr/bin:/bin"
        code, words = self._ended("env", f"PATH={path}", "timeout", str(ceil(timeout_s)), *argv)
        if code in _TIMED_OUT:
            raise PostgresFailed(f"{argv[0]} in {self.name} was not done within {timeout_s:.0f} s")
        if code:
            raise self._failure(argv[0], code, words)
        return words

    def _shell(self, script: str, *arguments: str, **environment: str) -> str:
        code, words = self._ended("sh", "-c", script, "sh", *arguments, **environment)
        if code:
            raise self._failure("a shell", code, words)
        return words

    def _ended(self, *argv: str, **environment: str) -> tuple[int, str]:
        """The exit status of a program, and what it said."""
        with self._engine_answering():
            wrapped = self._container.get_wrapped_container()
            code, words = wrapped.exec_run(list(argv), user=_USER, environment=_ENVIRONMENT | environment)
        return code, words.decode(errors="replace").strip()

    @contextmanager
    def _engine_answering(self) -> Iterator[None]:
        try:
            yield
        except client_failures() as error:
            raise PostgresFailed(f"the container of {self._image} does not answer: {words_of(error)}") from error

    def _failure(self, program: str, code: int, words: str) -> PostgresFailed:
        if is_disk_full(words):
            return self.no_room()
        return PostgresFailed(f"{program} in a container of {self._image} failed ({code}): {words[-_SAID_MAX:]}")

    # ---- files -------------------------------------------------------------------------------------------------
    def copy_tree(self, source: str, target: str) -> None:
        """See :meth:`Host.copy_tree`."""
        self.run("cp", "-a", source, target)

    def remove_tree(self, path: str) -> None:
        """See :meth:`Host.remove_tree`."""
        self.run("rm", "-rf", path)

    def read_text(self, path: str) -> str:
        """See :meth:`Host.read_text`."""
        return self._shell('cat "$1" 2>&- || true', path)

    def write_text(self, path: str, text: str) -> None:
        """See :meth:`Host.write_text`. Other users of this machine see a program's arguments, not its environment."""
        self._shell(_WRITE, path, TEXT=text)

    # ---- servers -----------------------------------------------------------------------------------------------
    def free_port(self) -> int:
        """See :meth:`Host.free_port`: the network is this machine's."""
        return free_port(self.listen)

    def is_running(self, data_dir: str) -> bool:
        """See :meth:`Host.is_running`."""
        return bool(self._shell(_IS_RUNNING, data_dir))

    def halt(self, data_dir: str) -> None:
        """See :meth:`Host.halt`. The parent of all waits for its children, and goes last."""
        self._shell(_HALT, data_dir)

    @property
    def is_full(self) -> bool:
        """See :meth:`Host.is_full`."""
        blocks, *_ = self._shell(_FREE_BLOCKS, self.root).splitlines()
        return int(blocks) * 1024 < ROOM_BYTES

    def no_room(self) -> DiskFull:
        """See :meth:`Host.no_room`."""
        return disk_full(f"a container of {self._image}", " where the Docker engine keeps its containers")

    def close(self) -> None:
        """See :meth:`Host.close`. All of it lies in the container, which goes with its owner."""
        try:
            self._owner.close()
        finally:
            if self._held is not None:
                self._held.close()
            let_go(self._container)


def _kernel_here() -> list[str]:
    """The network that this process sees, and the kernel under it; empty on a system that is not Linux."""
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return [os.readlink("/proc/self/ns/net"), boot]
    return []
