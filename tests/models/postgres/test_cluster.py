"""Clusters of real servers: a standby stands at exactly one commit, a lost tail is exact, nothing committed is lost."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from drydock.models.postgres.cluster import PAGE_BYTES, Cluster
from drydock.models.postgres.template import Template
from tests.models.postgres.ledger import Ledger, first, rows

STEPS = 60


def test_standby_has_exactly_the_commits_up_to_its_position(cluster: Cluster) -> None:
    """After each of many steps: all commits below, and none above, although the primary has them all."""
    ledger = Ledger(cluster)
    ledger.commit(STEPS)
    for n in range(STEPS + 1):
        assert first(n) == ledger.seen_by("standby-1", n)
    assert first(STEPS) == rows(cluster.connection)


def test_standbys_stand_where_they_were_told_and_not_where_another_does(cluster: Cluster) -> None:
    """Each has a gate of its own; asked again for the same position it stays there."""
    ledger = Ledger(cluster)
    ledger.commit(9)
    for far, near in ((0, 9), (2, 9), (2, 9), (7, 9)):
        assert first(far) == ledger.seen_by("standby-2", far)
        assert first(near) == ledger.seen_by("standby-1", near)


def test_standby_is_never_asked_to_go_back(cluster: Cluster) -> None:
    """What it has replayed stays: who asks for less has lost count."""
    ledger = Ledger(cluster)
    ledger.commit(2)
    ledger.seen_by("standby-1", 2)
    assert ledger.at[2] == cluster.position("standby-1")
    with pytest.raises(AssertionError, match="never goes back"):
        cluster.standby("standby-1", ledger.at[1])


@pytest.mark.parametrize("filler_bytes", [0, 100, 2_000, 40_000])
def test_position_is_the_end_of_a_record_wherever_pages_end(cluster: Cluster, filler_bytes: int) -> None:
    """Records end on, before and after the ends of pages and segments; a standby can always stand there."""
    ledger = Ledger(cluster)
    for n in range(1, 40):
        ledger.commit(1, filler_bytes + n)
        assert first(n) == ledger.seen_by("standby-1", n)


def test_position_at_the_end_of_a_page_is_left_at_once(cluster: Cluster) -> None:
    """There, flushed and whole are told apart by nothing: one more record, which changes no row, makes it certain."""
    ledger = Ledger(cluster)
    padding = "SELECT (pg_logical_emit_message(true, '', repeat('x', %s)) - '0/0'::pg_lsn)::bigint"
    begin = cluster.flush_lsn()
    cluster.connection.execute(padding, (0,))
    overhead = raw_flush_lsn(cluster) - begin
    left = PAGE_BYTES - raw_flush_lsn(cluster) % PAGE_BYTES
    cluster.connection.execute(padding, (left - overhead if left > overhead else left - overhead + PAGE_BYTES - 24,))
    assert 0 == raw_flush_lsn(cluster) % PAGE_BYTES
    assert 0 != cluster.flush_lsn() % PAGE_BYTES
    assert [] == rows(cluster.standby("standby-1", cluster.flush_lsn()))
    ledger.commit(1)
    assert first(1) == ledger.seen_by("standby-1", 1)


def raw_flush_lsn(cluster: Cluster) -> int:
    (lsn,) = cluster.connection.execute("SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint").fetchone() or (0,)
    return int(lsn)


def test_crash_loses_what_was_not_committed_and_nothing_else(cluster: Cluster) -> None:
    """Connections break; standbys stand where they stood, and follow again, exactly."""
    ledger = Ledger(cluster)
    ledger.commit(5)
    assert first(3) == ledger.seen_by("standby-1", 3)
    stands, session = cluster.standby("standby-1", ledger.at[3]), cluster.connect()
    session.execute("BEGIN")
    session.execute("INSERT INTO ledger VALUES (1000)")
    cluster.crash()
    assert not cluster.is_up
    with pytest.raises(psycopg.OperationalError):
        session.execute("COMMIT")
    assert first(3) == rows(stands)
    cluster.recover()
    assert first(5) == rows(cluster.connection)
    ledger.commit(2)
    assert first(6) == ledger.seen_by("standby-1", 6)


@pytest.mark.parametrize("kept", [0, 3, 6])
def test_lost_tail_is_exactly_what_came_after_the_position(cluster: Cluster, kept: int) -> None:
    """The promoted standby has the commits up to there and no other, and takes writes."""
    ledger = Ledger(cluster)
    ledger.commit(6)
    cluster.promote("standby-1", ledger.at[kept])
    assert first(kept) == rows(cluster.connection)
    ledger.lost_after(kept)
    ledger.commit(2)
    assert first(kept + 2) == rows(cluster.connection)


def test_standby_that_was_ahead_follows_the_new_primary(cluster: Cluster) -> None:
    """It is made anew: what it had of the lost tail is gone, and it stands at any position from the beginning on."""
    ledger = Ledger(cluster)
    ledger.commit(8)
    assert first(8) == ledger.seen_by("standby-2", 8)
    cluster.promote("standby-1", ledger.at[4])
    ledger.lost_after(4)
    ledger.commit(6)
    for n in (1, 4, 5, 9, 10):
        assert first(n) == ledger.seen_by("standby-2", n)
        assert first(n) == ledger.seen_by("standby-1", n)


def test_failover_after_failover_keeps_every_standby_exact(cluster: Cluster) -> None:
    """Timeline upon timeline, also through a crash of the promoted one."""
    ledger = Ledger(cluster)
    for name in ("standby-1", "standby-2", "standby-1"):
        ledger.commit(4)
        cluster.promote(name, ledger.at[-2])
        ledger.lost_after(ledger.newest - 1)
        cluster.crash()
        cluster.recover()
        ledger.commit(1)
        for n in (1, ledger.newest - 1, ledger.newest):
            assert first(n) == ledger.seen_by("standby-2", n)
    assert first(12) == rows(cluster.connection)


@pytest.mark.parametrize("kept", [8, 6, 5, 3])
def test_failover_may_lose_more_than_the_one_before_it_kept(cluster: Cluster, kept: int) -> None:
    """Nothing of the newest timeline is kept, or not even all of the one before: who follows is exact all the same."""
    ledger = Ledger(cluster)
    for n in (8, 6):
        ledger.commit(10 - ledger.newest)
        cluster.promote("standby-1", ledger.at[n])
        ledger.lost_after(n)
    ledger.commit(max(0, kept - 5))
    assert first(1) == ledger.seen_by("standby-1", 1)
    cluster.promote("standby-1", ledger.at[kept])
    ledger.lost_after(kept)
    assert first(kept) == rows(cluster.connection)
    ledger.commit(3)
    for n in range(1, kept + 4):
        assert first(n) == ledger.seen_by("standby-2", n)
    cluster.promote("standby-2", ledger.at[kept + 3])
    assert first(kept + 3) == rows(cluster.connection)


def insert(n: int) -> Callable[[psycopg.Connection], int]:
    """Work that adds a row and says how many there were."""

    def work(client: psycopg.Connection) -> int:
        (count,) = client.execute("SELECT count(*) FROM ledger").fetchone() or (-1,)
        client.execute("INSERT INTO ledger VALUES (%s)", (n,))
        return int(count)

    return work


def test_unanswered_commit_has_happened_and_a_swallowed_one_has_not(cluster: Cluster) -> None:
    """Their statements are answered alike; afterwards no session of theirs is left, and no lock."""
    ledger = Ledger(cluster)
    ledger.commit(1)
    assert 1 == cluster.commit_unanswered(insert(2))
    assert [1, 2] == rows(cluster.connection)
    assert 2 == cluster.commit_unanswered(insert(3), "swallow_commit")
    assert [1, 2] == rows(cluster.connection)
    with cluster.connection.transaction():
        cluster.connection.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE NOWAIT")


def test_work_that_fails_is_told_and_has_not_happened(cluster: Cluster) -> None:
    """The proxy strikes the commit alone: an error of a statement is the caller's to see."""
    ledger = Ledger(cluster)
    ledger.commit(1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        cluster.commit_unanswered(insert(1))
    assert first(1) == rows(cluster.connection)


def test_cleared_cluster_serves_another_run_and_its_standbys_follow(cluster: Cluster) -> None:
    """Tables, schemas and sessions of the run before are gone; what an older standby is asked for is still exact."""
    ledger = Ledger(cluster)
    ledger.commit(3)
    assert first(2) == ledger.seen_by("standby-1", 2)
    cluster.connection.execute("CREATE SCHEMA kept CREATE TABLE copy (n int)")
    holder = cluster.connect()
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE ledger")
    cluster.crash()
    cluster.clear()
    holder.close()
    assert cluster.is_reusable
    again = Ledger(cluster)
    again.commit(4)
    assert first(4) == again.seen_by("standby-2", 4)
    assert first(1) == again.seen_by("standby-1", 1)


def test_cluster_that_has_promoted_is_given_up(cluster: Cluster) -> None:
    """Its timelines are its run's alone."""
    ledger = Ledger(cluster)
    assert cluster.is_reusable
    cluster.promote("standby-1", ledger.at[0])
    assert not cluster.is_reusable


def test_closed_cluster_leaves_nothing(template: Template) -> None:
    """No server, no file but the template."""
    made = Cluster(template)
    made.standby("standby-1", made.flush_lsn())
    host = template.host
    before = host.run("ls", host.root)
    assert 2 == before.count("server-")
    made.close()
    assert 0 == host.run("ls", host.root).count("server-")
