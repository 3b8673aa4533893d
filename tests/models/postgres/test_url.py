"""A server that a URL names: what is refused before anything in it is touched, and that it is left empty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest

from drydock.models.postgres.choice import parse
from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.failures import CannotServe
from drydock.models.postgres.server import Server
from drydock.models.postgres.url import MARK
from tests.models.postgres.served import settled

TABLES = "SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname !~ '^(pg_|inf)'"
COMMENT = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = 'scratch'"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Somebody's server, with an account for us."""
    with closing(settled("embedded").template()) as template:
        server = template.clone()
        server.start()
        with server.connect() as connection:
            connection.execute("CREATE ROLE me LOGIN PASSWORD 'secret'")
            connection.execute("CREATE DATABASE others TEMPLATE postgres")
        yield server


@pytest.fixture
def scratch(server: Server) -> Iterator[str]:
    """The URL of an empty database of ours."""
    with server.connect() as connection:
        connection.execute("CREATE DATABASE scratch OWNER me TEMPLATE postgres")
        yield url(server, "scratch")
        connection.execute("DROP DATABASE scratch WITH (FORCE)")


def url(server: Server, database: str, account: str = "me:secret") -> str:
    return f"postgresql://{account}@127.0.0.1:{server.port}/{database}"


def superusers(server: Server) -> str:
    """The same database, with an account that may do everything."""
    return url(server, "scratch", f"postgres:{server.password}")


def done(url: str, statement: str) -> None:
    """Somebody does this there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_an_empty_database_serves_plain_transactions_and_is_left_empty(scratch: str) -> None:
    """It is marked as Drydock's from then on."""
    with closing(parse(scratch).template()) as template:
        cluster = Cluster(template)
        cluster.connection.execute("CREATE TABLE t (a int)")
        cluster.close()
    with psycopg.connect(scratch) as connection:
        assert (0,) == connection.execute(TABLES).fetchone()
        assert (MARK,) == connection.execute(COMMENT).fetchone()


def test_one_run_after_another_needs_no_rights_beyond_the_database(scratch: str) -> None:
    """Nor is somebody else's server told to write a checkpoint."""
    with closing(parse(scratch).template()) as template, closing(Cluster(template)) as cluster:
        for _ in range(2):
            cluster.connection.execute("CREATE TABLE t (a int)")
            assert cluster.is_reusable
            cluster.clear()


def test_what_a_killed_run_left_in_its_own_database_is_dropped(scratch: str) -> None:
    """The mark says that everything in it may be."""
    with closing(parse(scratch).template()) as template:
        template.clone().start()
        done(scratch, "CREATE SCHEMA dump; CREATE TABLE dump.t (a int); CREATE TABLE u (a int)")
        template.clone().start()
    with psycopg.connect(scratch) as connection:
        assert (0,) == connection.execute(TABLES).fetchone()


def test_what_is_not_ours_to_drop_is_told(server: Server, scratch: str) -> None:
    """Somebody put something of theirs into a database that bears the mark."""
    with closing(parse(scratch).template()) as template:
        template.clone().start()
        done(superusers(server), "CREATE SCHEMA theirs")
        with pytest.raises(CannotServe, match=r"belongs to me \(must be owner of schema theirs\); empty it yourself"):
            template.clone().start()


@pytest.mark.parametrize(
    ("statement", "held"),
    [
        ("CREATE TABLE orders (a int)", "the relation orders"),
        ("CREATE SCHEMA theirs", "the schema theirs"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "the function f"),
        ("CREATE DOMAIN d AS int", "the type d"),
        ("CREATE EXTENSION citext SCHEMA pg_catalog", "the extension citext"),
    ],
)
def test_a_database_that_is_not_empty_is_refused(server: Server, scratch: str, statement: str, held: str) -> None:
    """It names what it would have to drop, and touches nothing."""
    done(superusers(server), statement)
    with pytest.raises(CannotServe, match=rf"neither empty nor made by Drydock: it holds {held}.*name an empty one"):
        parse(scratch).settled()
    with pytest.raises(CannotServe, match=held):
        parse(scratch).template().clone().start()


def test_only_one_run_at_a_time_uses_a_database(scratch: str) -> None:
    """The second would drop what the first has; after the first's end it may."""
    with closing(parse(scratch).template()) as template:
        first = Cluster(template)
        with pytest.raises(CannotServe, match="another run, or another worker of this one, uses the database scratch"):
            Cluster(template)
        first.close()
        Cluster(template).close()


def test_clearing_a_cluster_ends_nobodys_session_elsewhere(server: Server, scratch: str) -> None:
    """A superuser's URL could end everybody's."""
    with psycopg.connect(url(server, "others", f"postgres:{server.password}")) as elsewhere:
        with closing(parse(superusers(server)).template()) as template, closing(Cluster(template)) as cluster:
            cluster.clear()
        assert (1,) == elsewhere.execute("SELECT 1").fetchone()


ASKED: dict[str, Callable[[Cluster], object]] = {
    "a crash": lambda cluster: cluster.crash(),
    "a standby.*": lambda cluster: cluster.standby("standby-1", cluster.flush_lsn()),
    "commit in doubt": lambda cluster: cluster.commit_unanswered(lambda connection: None),
}


@pytest.mark.parametrize("part", ASKED)
def test_more_than_plain_transactions_is_refused(scratch: str, part: str) -> None:
    """It is nobody's to crash, to copy, or to put a proxy before."""
    told = pytest.raises(CannotServe, match=rf"plain transactions, and .*{part},? needs more.*take --postgres auto")
    with closing(parse(scratch).template()) as template, closing(Cluster(template)) as cluster, told:
        ASKED[part](cluster)


@pytest.mark.parametrize(
    ("account", "database", "why"),
    [
        ("me:wrong", "others", 'password authentication failed for user "me"'),
        ("me:secret", "none", 'database "none" does not exist'),
        ("me:secret", "others", "the database others at 127.0.0.1:.* does not belong to me; make one"),
    ],
)
def test_a_wrong_account_or_database_is_one_sentence(server: Server, account: str, database: str, why: str) -> None:
    """In the server's own words where it has any, and without the password."""
    with pytest.raises(CannotServe, match=f"^--postgres: .*{why}") as told:
        parse(url(server, database, account)).settled()
    assert account.partition(":")[2] not in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("postgresql://me@127.0.0.1:1/x", "Connection refused.*; check the URL"),
        ("postgresql://me:hush@[::1/x", "this is no URL of a PostgreSQL"),
        ("postgresql://me@127.0.0.1:port/x", 'invalid integer value "port"'),
        ("postgresql://me@host.invalid/x", "host.invalid"),
    ],
)
def test_a_wrong_url_is_one_sentence(text: str, why: str) -> None:
    """Nobody there, no URL, no port, no host."""
    with pytest.raises(CannotServe, match=f"^--postgres: .*{why}") as told:
        parse(text).settled()
    assert "hush" not in str(told.value)
