"""Clusters kept for the next run: what is handed out is empty, one's own, and mostly not new."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest

from drydock.models.postgres import pool
from drydock.models.postgres.choice import Choice
from tests.models.postgres.ledger import Ledger, first, rows


def test_runs_one_after_another_have_the_same_servers(choice: Choice) -> None:
    """Fifty of them, with standbys, start three servers at most; each finds the tables gone, and its standby exact."""
    before = pool.costs()
    for _ in range(50):
        with pool.cluster(choice) as cluster:
            ledger = Ledger(cluster)
            ledger.commit(3)
            assert first(2) == ledger.seen_by("standby-1", 2)
    assert pool.costs().starts - before.starts <= 3


def test_clusters_taken_at_once_are_different_ones(choice: Choice) -> None:
    """The bigger instance of a scale-up is another server than the one before it."""
    with pool.cluster(choice) as one, pool.cluster(choice) as other:
        Ledger(one).commit(2)
        Ledger(other).commit(1)
        assert [first(2), first(1)] == [rows(one.connection), rows(other.connection)]


def test_cluster_that_promoted_or_failed_serves_nobody_else(choice: Choice) -> None:
    """Its timelines are its run's alone; of a run that died nobody knows what it left."""
    with pool.cluster(choice) as promoted:
        promoted.promote("standby-1", promoted.flush_lsn())
    with pytest.raises(KeyError), pool.cluster(choice) as failed:
        raise KeyError
    with pool.cluster(choice) as one, pool.cluster(choice) as other:
        assert not {promoted, failed} & {one, other}


def test_what_servers_cost_is_told_apart(choice: Choice) -> None:
    """Starts, crashes with their recovery, and promotions, in real seconds of this process."""
    before = pool.costs()
    with pool.cluster(choice) as cluster:
        cluster.crash()
        cluster.recover()
        cluster.promote("standby-1", cluster.flush_lsn())
    after = pool.costs()
    assert after.starts > before.starts
    assert after.crash_s > before.crash_s
    assert after.promotion_s > before.promotion_s
    assert after.total_s == after.start_s + after.crash_s + after.promotion_s


def other_process(choice: Choice, names: multiprocessing.SimpleQueue[str]) -> None:
    with pool.cluster(choice) as cluster:
        row = cluster.connection.execute("SHOW data_directory").fetchone()
    names.put(str(row))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_each_process_has_servers_of_its_own(choice: Choice, method: str) -> None:
    """Also one that was forked off from a process that has some, and they go on serving."""
    context = multiprocessing.get_context(method)
    with pool.cluster(choice) as cluster:
        ledger, names = Ledger(cluster), context.SimpleQueue()
        ledger.commit(2)
        assert first(1) == ledger.seen_by("standby-1", 1)
        process = context.Process(target=other_process, args=(choice, names))  # type: ignore[attr-defined]
        process.start()
        theirs = names.get()
        process.join()
        assert str(cluster.connection.execute("SHOW data_directory").fetchone()) != theirs
        cluster.crash()
        cluster.recover()
        assert first(2) == ledger.seen_by("standby-1", 2)


def owned() -> set[str]:
    """What this process owns: a directory for each host, wherever that is."""
    home = Path(tempfile.gettempdir(), f"drydock-postgres-{os.getuid()}")
    return {directory.name for directory in home.glob(f"{os.getpid()}-*")}


def directory_of_a_run(choice: Choice) -> str:
    """Where, on its host, the server of a run has its files."""
    with pool.cluster(choice) as cluster:
        row = cluster.connection.execute("SHOW data_directory").fetchone()
        assert row is not None
        return str(row[0])


def holder(choice: Choice, told: multiprocessing.SimpleQueue[tuple[object, ...]]) -> None:
    """In a process of its own, which has no servers but these: how many hosts, whether they stay, how many are left."""
    with pool.held(choice):
        with pool.held(choice):
            directory, mine = directory_of_a_run(choice), owned()
        stays = (directory, mine) == (directory_of_a_run(choice), owned())
    told.put((len(mine), stays, len(owned())))


def test_servers_that_are_held_go_with_the_last_who_holds_them(choice: Choice) -> None:
    """They are there before the first run, serve all runs meanwhile, and then nothing is left of them."""
    context = multiprocessing.get_context("spawn")
    told = context.SimpleQueue()
    process = context.Process(target=holder, args=(choice, told))
    process.start()
    process.join()
    assert 0 == process.exitcode
    assert (1, True, 0) == told.get()
