"""One initialised data directory for each host, from which every server is a copy."""

from __future__ import annotations

import os
import secrets  # noqa: TID251 - a password of a server, nothing of a run
from itertools import count

from drydock.models.postgres.host import Host
from drydock.models.postgres.server import USER, Server

SETTINGS: dict[str, str | int] = {
    # Exact standbys: nothing in the log but what clients commit, nothing sent but what was asked for.
    "autovacuum": "off",
    "checkpoint_timeout": "1d",
    "max_wal_size": "16GB",
    "bgwriter_lru_maxpages": 0,
    "wal_sender_timeout": 0,
    "wal_receiver_timeout": 0,
    "wal_receiver_status_interval": 0,
    "wal_retrieve_retry_interval": "10ms",
    "wal_keep_size": "4GB",
    "max_wal_senders": 8,
    "max_replication_slots": 0,
    "wal_log_hints": "off",
    "hot_standby_feedback": "off",
    "max_standby_streaming_delay": -1,
    # A crash of the process, never of the machine: what the kernel has is safe without fsync.
    "fsync": "off",
    "full_page_writes": "off",
    # Small and the same everywhere.
    "shared_buffers": "16MB",
    "max_connections": 40,
    "unix_socket_directories": "''",
    "dynamic_shared_memory_type": "mmap",
    "TimeZone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "jit": "off",
    "max_parallel_workers_per_gather": 0,
    "track_activities": "on",
    "log_min_messages": "warning",
}


class Template:
    """The files of a server that has never run a transaction, and copies of them."""

    def __init__(self, host: Host) -> None:
        """Takes half a second, once for each host. Raises :exc:`PostgresFailed`."""
        self._host = host
        self._password = secrets.token_hex(16)  # other users of this machine are no users of the servers
        self._data_dir = os.path.join(host.root, "template")
        self._numbers = count(1)
        self._initialise()

    @property
    def host(self) -> Host:
        """Where its servers run."""
        return self._host

    def _initialise(self) -> None:
        word_file = os.path.join(self.host.root, "password")
        self.host.write_text(word_file, self._password + "\n")
        self.host.run(
            "initdb", "-D", self._data_dir, "-U", USER, "-A", "password", f"--pwfile={word_file}", "-N", "-E", "UTF8",
            "--locale=C", "--wal-segsize=1",
        )  # fmt: skip
        self.host.remove_tree(word_file)
        own = "".join(f"{name} = {value}\n" for name, value in SETTINGS.items())
        self.host.write_text(os.path.join(self._data_dir, "postgresql.conf"), own)
        self._make_small()

    def _make_small(self) -> None:
        """One database instead of three halves what is copied; and a standby wants settings that were once in force."""
        server = Server(self.host, self._data_dir, self.host.free_port(), self._password)
        server.start()
        with server.connect() as connection:
            connection.execute("UPDATE pg_database SET datistemplate = false")
            connection.execute("DROP DATABASE template0")
            connection.execute("DROP DATABASE template1")
            connection.execute("CHECKPOINT")
        self.host.run("pg_ctl", "stop", "-m", "fast", "-s", "-D", self._data_dir)
        self.host.remove_tree(server.log)

    def clone(self) -> Server:
        """A new server, not yet started: a primary that has never run, unless :meth:`Server.follow` is called."""
        data_dir = os.path.join(self.host.root, f"server-{next(self._numbers)}")
        self.host.copy_tree(self._data_dir, data_dir)
        return Server(self.host, data_dir, self.host.free_port(), self._password)

    def close(self) -> None:
        """Stops and removes all of its servers, and the host's directory with them."""
        self._host.close()
