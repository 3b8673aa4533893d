"""A server that somebody else runs, named by a URL: its database is used for plain transactions, and nothing more.

It is nobody's to crash, to copy or to promote. Everything in the database is dropped, so it has to be empty, or to be
marked as Drydock's from an earlier time (:data:`MARK`, the comment of the database).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from drydock.models.postgres.failures import CannotServe
from drydock.models.postgres.host import Host
from drydock.models.postgres.places import Place, require_version
from drydock.models.postgres.server import Server
from drydock.models.postgres.sql import DROP_ALL
from drydock.models.postgres.template import Template

if TYPE_CHECKING:
    from psycopg import Connection

MARK = "made by Drydock: everything in it may be dropped"
_CONNECT_LIMIT_S = 10
_STANDBY, _PROXY = "a standby", "a proxy, for a standby or a commit in doubt,"
_LOCK = 0x647279646F636B  # "drydock"
_ABOUT = """
    SELECT pg_is_in_recovery(), pg_has_role(current_user, datdba, 'USAGE'),
           coalesce(shobj_description(oid, 'pg_database'), '')
    FROM pg_database WHERE datname = current_database()"""
_FOREIGN = """
    WITH own AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema')
    SELECT 'the relation ' || c.oid::regclass FROM pg_class c JOIN own ON own.oid = relnamespace
    UNION ALL SELECT 'the function ' || p.oid::regproc FROM pg_proc p JOIN own ON own.oid = pronamespace
    UNION ALL SELECT 'the type ' || t.oid::regtype FROM pg_type t JOIN own ON own.oid = typnamespace
    UNION ALL SELECT 'the schema ' || nspname FROM own WHERE nspname <> 'public'
    UNION ALL SELECT 'the extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
    LIMIT 1"""
_SET_MARK = "DO $$ BEGIN EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), {}); END $$"


class UrlTemplate(Template):
    """What a cluster is made from, where there is only the one server that a URL names."""

    def __init__(self, url: str) -> None:
        """Nothing is asked of it yet."""
        self._url = url

    @property
    def host(self) -> Host:
        """Refused: nothing can be started beside such a server."""
        refuse(_STANDBY)

    def clone(self) -> Server:
        """The server itself."""
        return UrlServer(self._url)

    def close(self) -> None:
        """Nothing was started."""


class UrlServer(Server):
    """The server of a URL. Its database is emptied at the start and at the end, and locked in between."""

    is_own = False

    def __init__(self, url: str) -> None:
        """Nothing is asked of it yet."""
        self._url = url
        self._is_locked = False

    @property
    def address(self) -> tuple[str, int]:
        """Refused: only a proxy needs it."""
        refuse(_PROXY)

    @property
    def is_running(self) -> bool:
        """As far as anybody knows here."""
        return True

    def start(self, **settings: str | int) -> None:
        """It runs; its database is checked, marked and emptied. Raises :exc:`CannotServe`."""
        from psycopg import sql

        with _connected(self._url) as connection:
            _check(connection)
            _lock(connection)
            connection.execute(sql.SQL(_SET_MARK).format(sql.Literal(MARK)))
            _drop_all(connection)

    def connect(self, port: int | None = None, *, autocommit: bool = True) -> Connection:
        """One more session; the first has the database for itself as long as it lives."""
        if port is not None:
            refuse(_PROXY)
        connection = _connected(self._url, autocommit=autocommit)
        if not self._is_locked:
            self._lock_with(connection)
        return connection

    def _lock_with(self, connection: Connection) -> None:
        try:
            _lock(connection)
        except BaseException:
            connection.close()
            raise
        self._is_locked = True

    def stop_now(self) -> None:
        """Refused."""
        refuse("a crash")

    def follow(self, conninfo: str) -> None:
        """Refused."""
        refuse(_STANDBY)

    def promote(self, timeout_s: float = 30.0) -> None:
        """Refused."""
        refuse("a promotion")

    def remove(self) -> None:
        """Leaves the database empty, and its mark."""
        with _connected(self._url) as connection:
            _drop_all(connection)


def look(url: str) -> Place:
    """The server, its database and its version, and whether they will do. Raises :exc:`CannotServe`."""
    with _connected(url) as connection:
        _check(connection)
        about = connection.info
        version = about.parameter_status("server_version") or ""
        return Place(url, f"url {version.partition(' ')[0]}")


def refuse(part: str) -> NoReturn:
    """Raises :exc:`CannotServe`: this is not for somebody else's server."""
    raise CannotServe(
        f"--postgres: a server that is named by a URL is used for plain transactions, and {part} needs more: its"
        " servers have to be Drydock's own; take --postgres auto"
    )


def _connected(url: str, *, autocommit: bool = True) -> Connection:
    import psycopg

    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.ProgrammingError as error:
        shown = _words(error).replace(url, "the URL")  # which has a password in it
        raise CannotServe(
            f"--postgres: this is no URL of a PostgreSQL: {shown}; postgresql://user@host/db is"
        ) from None
    try:
        return psycopg.connect(url, autocommit=autocommit, connect_timeout=_CONNECT_LIMIT_S)
    except psycopg.OperationalError as error:
        raise CannotServe(f"--postgres: the server of the URL cannot be used: {_words(error)}; check the URL") from None


def _words(error: Exception) -> str:
    """The library's words in one line."""
    return " ".join(str(error).split()).rstrip(".")


def _check(connection: Connection) -> None:
    """Raises :exc:`CannotServe` where the database is not to be had."""
    about = connection.info
    version = about.parameter_status("server_version") or ""
    where = f"the database {about.dbname} at {about.host}:{about.port}"
    require_version(
        about.server_version // 10_000, f"--postgres: the PostgreSQL {version} at {about.host}:{about.port}"
    )
    row = connection.execute(_ABOUT).fetchone()
    assert row is not None
    is_standby, is_owned, comment = row
    if is_standby:
        raise CannotServe(f"--postgres: {where} is a standby's, which takes no writes; name its primary")
    if not is_owned:
        raise CannotServe(f"--postgres: {where} does not belong to {about.user}; make one: CREATE DATABASE .. OWNER ..")
    foreign = connection.execute(_FOREIGN).fetchone()
    if comment != MARK and foreign is not None:
        raise CannotServe(
            f"--postgres: {where} is neither empty nor made by Drydock: it holds {foreign[0]}, and everything in it"
            " would be dropped; name an empty one"
        )


def _drop_all(connection: Connection) -> None:
    import psycopg

    try:
        connection.execute(DROP_ALL)
    except psycopg.errors.InsufficientPrivilege as error:
        about = connection.info
        raise CannotServe(
            f"--postgres: not everything in the database {about.dbname} belongs to {about.user}"
            f" ({error.diag.message_primary}); empty it yourself, or name another one"
        ) from error


def _lock(connection: Connection) -> None:
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
        about = connection.info
        raise CannotServe(
            f"--postgres: another run, or another worker of this one, uses the database {about.dbname}; a server that"
            " is named by a URL serves one at a time: --workers 1"
        )
