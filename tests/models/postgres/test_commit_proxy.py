"""The proxy that cuts a commit: two things can have happened, and the client sees the same."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.commit_proxy import CommitProxy, Cut
from tests.models.postgres.ledger import Ledger, rows


def through(cluster: Cluster, proxy: CommitProxy, **more: str) -> psycopg.Connection:
    """A client of the primary behind the proxy, with the encryption that its libpq asks for by default."""
    info = cluster.connection.info
    return psycopg.connect(
        host=proxy.address[0], port=proxy.address[1], user=info.user, password=info.password, dbname=info.dbname, **more
    )  # type: ignore[arg-type]  # psycopg types each parameter


def test_disarmed_proxy_changes_nothing(cluster: Cluster) -> None:
    """Large statements and large answers, errors, pipelines, commits."""
    ledger = Ledger(cluster)
    with CommitProxy(cluster.address) as proxy, through(cluster, proxy) as client:
        client.execute("INSERT INTO ledger SELECT 1, %s", ("x" * 5_000_000,))
        client.commit()
        (filler,) = client.execute("SELECT filler FROM ledger").fetchone() or ("",)
        assert 5_000_000 == len(filler)
        with pytest.raises(psycopg.errors.UniqueViolation):
            client.execute("INSERT INTO ledger VALUES (1)")
        client.rollback()
        with client.pipeline():
            for n in range(2, 200):
                client.execute("INSERT INTO ledger VALUES (%s)", (n,))
        client.commit()
        assert not proxy.is_cut
    assert list(range(1, 200)) == rows(cluster.connection)
    assert 0 == ledger.newest


@pytest.mark.parametrize(("cut", "happened"), [("swallow_reply", [1]), ("swallow_commit", [])])
@pytest.mark.parametrize(
    "commit",
    [
        psycopg.Connection.commit,
        lambda client: client.execute("commit;", prepare=False),
        lambda client: client.execute("COMMIT", prepare=True),
    ],
    ids=["of the driver", "as a statement", "prepared"],
)
def test_client_cannot_tell_whether_it_was_committed(
    cluster: Cluster, cut: Cut, happened: list[int], commit: Callable[[psycopg.Connection], object]
) -> None:
    """The same error without a state, the same broken connection; the row is there, or it is not."""
    Ledger(cluster)
    with CommitProxy(cluster.address) as proxy:
        client = through(cluster, proxy)
        client.execute("INSERT INTO ledger VALUES (1)")
        proxy.arm(cut)
        with pytest.raises(psycopg.OperationalError) as told:
            commit(client)
        assert (None, True, True) == (told.value.sqlstate, client.closed != 0, client.broken)
        assert proxy.is_cut
    cluster.clear_sessions()
    assert happened == rows(cluster.connection)


def test_proxy_strikes_one_commit_of_one_client(cluster: Cluster) -> None:
    """Others go on, and so does whoever connects later."""
    Ledger(cluster)
    with CommitProxy(cluster.address) as proxy, through(cluster, proxy) as other:
        proxy.arm("swallow_reply")
        client = through(cluster, proxy)
        client.execute("INSERT INTO ledger VALUES (1)")
        with pytest.raises(psycopg.OperationalError):
            client.commit()
        for n, later in enumerate((other, through(cluster, proxy)), 2):
            later.execute("INSERT INTO ledger VALUES (%s)", (n,))
            later.commit()
            later.close()
    assert [1, 2, 3] == rows(cluster.connection)
