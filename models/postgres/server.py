"""One server of PostgreSQL: start, immediate stop, connections, promotion."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from drydock.models.postgres.failures import PostgresFailed, is_disk_full
from drydock.models.postgres.host import Host

if TYPE_CHECKING:
    from psycopg import Connection

USER = "postgres"
DATABASE = "postgres"
_START_LIMIT_S = 60.0
_POLL_S = 0.01
_ANSWER_S = 2  # of one try, while it starts: somebody else may listen there, and say nothing
_LOOK_S = 0.25  # how often, while it starts, whether it runs at all
_SAID_MAX = 400
_LEVEL = " %s:  "
_PORT_TAKEN = "could not create any TCP/IP sockets"
_PORTS_TRIED = 5


class _PortTaken(PostgresFailed):
    """Somebody took the port between its choice and the server's start."""


class Server:
    """A data directory and, once started, its server on a port. Nothing waits for what a server cannot do."""

    is_own = True
    """Whether it serves nobody else."""

    def __init__(self, host: Host, data_dir: str, port: int, password: str) -> None:
        self.host = host
        self.data_dir = data_dir
        self.port = port
        self.password = password
        self._starts = 0
        self._has_run = False

    @property
    def address(self) -> tuple[str, int]:
        """Where it is reached from here: host and port."""
        return self.host.address, self.port

    @property
    def log(self) -> str:
        """The file of what it has said since it was last started."""
        return os.path.join(self.data_dir, f"server-{self._starts}.log")

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self.host.is_running(self.data_dir)

    def start(self, **settings: str | int) -> None:
        """Starts it, also after a crash or as a standby, and waits until it answers reads.

        ``settings`` go over those of its configuration. Raises :exc:`PostgresFailed` with the server's own words.
        """
        for left in reversed(range(_PORTS_TRIED)):
            self._starts += 1
            try:
                self._start_on_port(settings)
                self._has_run = True
                return
            except _PortTaken:
                if self._has_run or not left:  # what stands before it knows where it was
                    raise
                self.port = self.host.free_port()

    def _start_on_port(self, settings: dict[str, str | int]) -> None:
        words = {"port": self.port, "listen_addresses": self.host.listen, **settings}
        options = " ".join(f"-c {name}={value}" for name, value in words.items())
        try:
            self.host.run("pg_ctl", "start", "-W", "-s", "-D", self.data_dir, "-l", self.log, "-o", options)
            self._await_answer()
        except PostgresFailed as failed:
            self.host.halt(self.data_dir)
            said = self._last_words()
            if is_disk_full(said) or self.host.is_full:  # it may have had no room for its words
                raise self.host.no_room() from failed
            kind = _PortTaken if _PORT_TAKEN in said else PostgresFailed
            raise kind(f"{failed}; {self.host.name} says: {said}") from failed

    def _last_words(self) -> str:
        """What a server that went down said of it, without what it says always."""
        said = self.host.read_text(self.log)
        last = max(said.rfind(_LEVEL % level) for level in ("FATAL", "PANIC"))
        return (said[last:] if last >= 0 else said[-_SAID_MAX:])[:_SAID_MAX].strip()

    def _await_answer(self) -> None:
        started = looked = time.perf_counter()
        while not self._answers():
            now = time.perf_counter()
            if now - started > _START_LIMIT_S:
                raise PostgresFailed(f"no answer on port {self.port} within {_START_LIMIT_S:.0f} s")
            if now - looked > _LOOK_S:
                looked = now
                if self._has_gone():
                    raise PostgresFailed("the server went down while it started")
            time.sleep(_POLL_S)  # noqa: TID251 - a server's start takes real time

    def _answers(self) -> bool:
        """Whether it does; another one on its port has another password, or another directory."""
        import psycopg

        try:
            with self._connected(self.port, limit_s=_ANSWER_S) as connection:
                return connection.execute("SHOW data_directory").fetchone() == (self.data_dir,)
        except psycopg.OperationalError:
            return False

    def _has_gone(self) -> bool:
        """Whether it has begun and is not there: on a busy machine one that has said nothing is still to come."""
        has_begun = bool(self.host.read_text(self.log)) or self.host.is_full
        return has_begun and not self.is_running

    def stop_now(self) -> None:
        """Ends it at once, as a crash of its machine's power does not and a crash of the process does (SIGQUIT)."""
        self.host.halt(self.data_dir)

    def connect(self, port: int | None = None, *, autocommit: bool = True) -> Connection:
        """A connection to the server; with ``port`` to a proxy of ours in front of it."""
        return self._connected(self.port if port is None else port, autocommit=autocommit)

    def _connected(self, port: int, *, autocommit: bool = True, limit_s: int = 10) -> Connection:
        import psycopg

        return psycopg.connect(
            host=self.host.address, port=port, user=USER, dbname=DATABASE, password=self.password, sslmode="disable",
            gssencmode="disable", connect_timeout=limit_s, autocommit=autocommit,
        )  # fmt: skip

    def follow(self, conninfo: str) -> None:
        """Makes it, before its start, a standby of what ``conninfo`` names (``host=.. port=..``); the rest is known.

        Called again for a standby that follows somebody else from its next start on.
        """
        from psycopg.conninfo import make_conninfo

        whole = make_conninfo(
            conninfo, user=USER, password=self.password, sslmode="disable", gssencmode="disable"
        )  # fmt: skip
        quoted = whole.replace("'", "''")
        self.host.write_text(os.path.join(self.data_dir, "standby.signal"), "")
        self.host.write_text(os.path.join(self.data_dir, "postgresql.auto.conf"), f"primary_conninfo = '{quoted}'\n")

    def promote(self, timeout_s: float = 30.0) -> None:
        """Makes the standby a primary on a timeline of its own, and waits until it takes writes."""
        limit = time.perf_counter() + timeout_s
        with self.connect() as connection:
            connection.execute("SELECT pg_promote(false)")  # with true it looks every 100 ms only
            while connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                if time.perf_counter() > limit:
                    raise PostgresFailed(f"the standby on port {self.port} was not promoted within {timeout_s:.0f} s")
                time.sleep(_POLL_S / 10)  # noqa: TID251 - a promotion takes real time

    def remove(self) -> None:
        """Stops it and removes its directory."""
        self.stop_now()
        self.host.remove_tree(self.data_dir)
