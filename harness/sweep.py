"""Plays many runs, on one processor or several, and hands their summaries over as they come.

What a worker needs once (kit, scenario, master seed) travels when it starts; afterwards only tickets and summaries do.
A summary is a function of its ticket, so neither the number of workers nor the order of completion can change what a
:class:`~drydock.harness.bundle.BundleFold` makes of them.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import pickle
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields
from multiprocessing.context import BaseContext
from multiprocessing.synchronize import Event as StopFlag
from multiprocessing.util import Finalize
from types import TracebackType
from typing import Any, Generic, Protocol, TypeVar

from drydock.harness import registry
from drydock.harness.bundle import JUDGED, RunSummary, Ticket, case_of, summarise
from drydock.harness.database import Database
from drydock.harness.port import Case, Kit, Scenario, WorldMaker
from drydock.harness.run import HarnessError, run_case
from drydock.harness.sim import DEFAULT_EVENT_BUDGET
from drydock.harness.worker import end_with_runner

Progress = Callable[[int, int, int], None]
"""``progress(done, total, violations)``: runs done, runs to do, and runs so far that broke a safety law."""

_BATCH_MAX = 16
_NICE = 5
"""By so much workers that give way are nicer than others: beside one of those they have a quarter of a processor."""
_Item = TypeVar("_Item")
_ItemIn = TypeVar("_ItemIn", contravariant=True)
_Done = TypeVar("_Done")
_DoneOut = TypeVar("_DoneOut", covariant=True)


class OutOfTime(Exception):
    """The time that was given is over; what is done is done."""


class Player(Protocol[_ItemIn, _DoneOut]):
    """A kit, a scenario, and how an item becomes a run: a frozen dataclass, for it is made again in each worker."""

    @property
    def kit(self) -> Kit: ...
    @property
    def scenario(self) -> Scenario: ...
    def play(self, item: _ItemIn, /) -> _DoneOut:
        """Plays one run; a function of the item and of the dataclass alone."""
        ...


@dataclass(frozen=True, slots=True)
class Bench:
    """Where runs are played: a kit and a scenario under one master seed.

    With ``keeps_refunds`` the summaries of reported plan and sweep say account by account what is owed.
    """

    kit: Kit
    scenario: Scenario
    seed: int
    event_budget: int = DEFAULT_EVENT_BUDGET
    keeps_refunds: bool = False
    corpus: tuple[Case, ...] = ()

    def play(self, ticket: Ticket) -> RunSummary:
        """Plays one run and keeps what a verdict needs of it."""
        case, world_maker = self._case(ticket)
        with self._kit(ticket) as kit:
            result = run_case(case, kit, world_maker=world_maker, event_budget=self.event_budget)
        keeps_refunds = self.keeps_refunds and ticket.bundle in JUDGED and ticket.without is None
        return summarise(ticket, case, result, keeps_refunds=keeps_refunds)

    def _kit(self, ticket: Ticket) -> AbstractContextManager[Kit]:
        """A canary is a wrong build of the model: it is caught where the model is whole, without a server."""
        is_proof = ticket.bundle in ("canary", "control") and self.kit.stands_on.is_real
        return self.kit.on(self.kit.backends()[0]) if is_proof else nullcontext(self.kit)

    def _case(self, ticket: Ticket) -> tuple[Case, WorldMaker | None]:
        if ticket.bundle == "canary":
            canary = self.kit.canaries()[ticket.number]
            return canary.case(self.seed), canary.world
        if ticket.bundle == "control":
            canary = self.kit.canaries()[ticket.number]
            return canary.control(self.seed), canary.control_world
        if ticket.bundle == "corpus":
            return self.corpus[ticket.number], None
        return case_of(ticket, self.scenario, self.seed), None


class Crew(Generic[_Item, _Done]):
    """Workers for a bench (or another :class:`Player`), as a context manager.

    One worker is this process itself; more are a process pool. ``deadline_s`` is a time of ``time.monotonic()``: past
    it, :meth:`play` raises :exc:`OutOfTime`. Leaving the ``with`` lets every worker finish the run that it is in, and
    no more. A pool that ``gives_way`` leaves a processor to this process whenever it has something to do.
    """

    def __init__(
        self,
        bench: Player[_Item, _Done],
        workers: int = 1,
        deadline_s: float | None = None,
        *,
        gives_way: bool = False,
    ) -> None:
        if workers < 1:
            raise ValueError(f"workers: {workers} is too few; at least 1")
        self._bench = bench
        self._workers = workers
        self._deadline_s = deadline_s
        self._nice = _NICE if gives_way else 0
        self._pool: ProcessPoolExecutor | None = None
        self._stop: StopFlag | None = None

    def __enter__(self) -> Crew[_Item, _Done]:
        if self._workers > 1:
            context = _context()
            self._stop = context.Event()
            self._pool = ProcessPoolExecutor(
                self._workers, context, initializer=_begin_work, initargs=(self._packed(), self._stop, self._nice)
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._pool is not None and self._stop is not None:
            self._stop.set()
            self._pool.shutdown(cancel_futures=True)

    def play(self, items: Sequence[_Item]) -> Iterator[_Done]:
        """What the items' runs leave, in the order in which they are done.

        Raises :exc:`OutOfTime` past the deadline, and :exc:`~drydock.harness.run.HarnessError` where a worker dies.
        """
        if self._pool is None:
            return self._play_here(items)
        return self._play_there(self._pool, items)

    def _play_here(self, items: Sequence[_Item]) -> Iterator[_Done]:
        for item in items:
            if self._deadline_s is not None and time.monotonic() >= self._deadline_s:
                raise OutOfTime
            yield self._bench.play(item)

    def _play_there(self, pool: ProcessPoolExecutor, items: Sequence[_Item]) -> Iterator[_Done]:
        size = max(1, min(_BATCH_MAX, len(items) // (8 * self._workers)))
        batches = [tuple(items[start : start + size]) for start in range(0, len(items), size)]
        left_s = None if self._deadline_s is None else max(0.0, self._deadline_s - time.monotonic())
        try:
            for done in as_completed(self._submitted(pool, batches), timeout=left_s):
                yield from done.result()
        except TimeoutError:
            raise OutOfTime from None
        except BrokenProcessPool as error:
            raise HarnessError("a worker died: killed from outside, or out of memory; try fewer workers") from error

    def _submitted(
        self, pool: ProcessPoolExecutor, batches: Sequence[tuple[_Item, ...]]
    ) -> Iterator[Future[list[_Done]]]:
        """One by one, so that nobody holds a future, and with it its summaries, longer than needed.

        A worker may be started by it, which inherits that Ctrl-C is none of its business, also while it still imports.
        """
        play: Callable[[Sequence[_Item]], list[_Done]] = _play_batch
        for batch in batches:
            with _sigint_blocked():
                future = pool.submit(play, batch)
            yield future

    def _packed(self) -> Packed:
        bench: Any = self._bench
        rest = {field.name: getattr(bench, field.name) for field in fields(bench)}
        kit = rest.pop("kit")
        return Packed(type(bench), kit.name, kit.stands_on, registry.loaded(), pickle.dumps(rest))


@dataclass(frozen=True, slots=True)
class Packed:
    """A bench on its way to a worker.

    The kit goes by name, the database that it stands on by what was chosen, and user's files by path, for code does not
    travel, and nor does a server: each worker has its own, until it ends. Scenario and cases go as they were parsed:
    all workers judge the same, even if a file is edited meanwhile; ``rest`` is opened once the user's files are there.
    """

    player: Callable[..., Player[Any, Any]]
    kit: str
    database: Database
    loads: tuple[str, ...]
    rest: bytes

    def open(self) -> Player[Any, Any]:
        """The bench again, in a worker."""
        for path in self.loads:
            registry.load(path)
        return self.player(kit=self._kit(), **pickle.loads(self.rest))

    def _kit(self) -> Kit:
        kit = registry.kit(self.kit)
        if not self.database.is_real:
            return kit
        stand = kit.on(self.database.name, self.database.choice)
        kit = stand.__enter__()
        Finalize(None, stand.__exit__, (None, None, None), exitpriority=10)  # a worker has no other end than this
        return kit


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    """Ctrl-C comes afterwards; who is started inside never hears it. Nothing where there are no masks (Windows)."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# ---- in a worker ----------------------------------------------------------------------------------------------------
_packed: Packed | None = None
_bench: Player[Any, Any] | None = None
_stop: StopFlag | None = None


def _begin_work(packed: Packed, stop: StopFlag, nice: int) -> None:
    """Runs once in each worker. What may fail is left to the first batch, whose failure reaches the caller as it is."""
    global _packed, _stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent says what it means
    end_with_runner()
    if nice and hasattr(os, "nice"):  # not on Windows
        os.nice(nice)
    _packed, _stop = packed, stop


def _play_batch(items: Sequence[Any]) -> list[Any]:
    """Plays them until the flag says stop."""
    global _bench
    assert _packed
    assert _stop
    if _bench is None:
        _bench = _packed.open()
        gc.freeze()
    done: list[Any] = []
    for item in items:
        if _stop.is_set():
            break
        done.append(_bench.play(item))
    return done


def _context() -> BaseContext:
    """Explicitly no plain fork: a forked worker would inherit threads' locks, and the default differs by version."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["drydock.harness.sweep"])
    return context
