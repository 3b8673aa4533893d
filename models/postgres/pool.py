"""Clusters of this process, kept for its next run: a run takes as many as it needs, and most start none.

Each process has servers of its own. They stop at its end, and where they were started for nobody any more, at the next
start (``owner.py``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.util import Finalize

from drydock.models.postgres.choice import Choice
from drydock.models.postgres.cluster import Cluster, Costs

_BEFORE_OWNERS = 20  # connections end before the servers that they belong to
_costs = Costs()
_pools: dict[tuple[int, Choice], _Pool] = {}


class _Pool:
    """The clusters of one choice: one template, and those that no run has now."""

    def __init__(self, choice: Choice) -> None:
        with _costs.counting("start_s"):
            self._template = choice.template()
        self._free: list[Cluster] = []
        self.users = 0
        self.close = Finalize(None, self._close, exitpriority=_BEFORE_OWNERS)
        """Stops all of it; a second time it does nothing."""

    def take(self) -> Cluster:
        """One that is free, or a new one."""
        return self._free.pop() if self._free else Cluster(self._template, _costs)

    def give_back(self, cluster: Cluster) -> None:
        """For the next run, as empty as a new one; one that no other run can have, or nobody can clear, is closed."""
        is_kept = False
        try:
            if cluster.is_reusable:
                cluster.clear()
                self._free.append(cluster)
                is_kept = True
        finally:
            if not is_kept:
                cluster.close()

    def _close(self) -> None:
        while self._free:
            self._free.pop().close()
        self._template.close()


@contextmanager
def cluster(choice: Choice) -> Iterator[Cluster]:
    """A cluster without tables, for one run; several at once are different ones.

    After an error in the run it is closed: nobody knows how it was left. Raises :exc:`CannotServe` and
    :exc:`PostgresFailed`.
    """
    pool = _pool_of(choice)
    taken = pool.take()
    try:
        yield taken
    except BaseException:
        taken.close()
        raise
    pool.give_back(taken)


@contextmanager
def held(choice: Choice) -> Iterator[None]:
    """Opens the pool of a choice now, so that what is wrong shows before the first run, and closes it at the end.

    Held by several, it is closed by the last of them. Raises :exc:`CannotServe` and :exc:`PostgresFailed`.
    """
    pool = _pool_of(choice)
    pool.users += 1
    try:
        if choice.is_shared:  # it is taken now, for as long as it is held
            pool.give_back(pool.take())
        yield
    finally:
        pool.users -= 1
        if not pool.users:
            _pools.pop((os.getpid(), choice), None)
            pool.close()


def costs() -> Costs:
    """What the servers of this process have cost until now, apart from the statements that they answered."""
    return replace(_costs)


def _pool_of(choice: Choice) -> _Pool:
    """By process too: a forked one inherits the names of servers that are not its own."""
    key = (os.getpid(), choice)
    if key not in _pools:
        _pools[key] = _Pool(choice)
    return _pools[key]
