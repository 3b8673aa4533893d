"""Refunds as a CSV file: who is owed what, for which kind of harm, and on what evidence.

It names customers, so only its owner may read it. Of one run there is a line an account and kind. Of a rehearsal there
are the lines of every run of the reported plan, then of the sweep, in the order of their numbers: what a run's lines
add up to is that run in the verdict's ``refund_usd``.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from drydock.harness.bundle import JUDGED, RunSummary, run_seed
from drydock.harness.event import identity_text
from drydock.harness.mistakes import BadFile, Mistake
from drydock.harness.port import Kit, Scenario
from drydock.harness.private_file import open_private
from drydock.harness.result import Refund
from drydock.harness.units import format_usd

COLUMNS = ("account", "kind", "amount_usd", "evidence")
RUN_COLUMNS = ("scenario", "bundle", "run", "seed")
"""What stands before them in the file of a rehearsal; ``drydock run --seed`` plays that run of the reported plan."""


class RefundFile:
    """The file, open for writing, as a context manager. ``BadFile`` where it cannot be opened.

    A disk that is full later must not swallow a verdict: that is told as ``BadFile`` when the ``with`` is left.
    """

    def __init__(self, path: str, *, of_runs: bool = False) -> None:
        self._path = path
        self._failed: OSError | None = None
        try:
            self._file = open_private(path)
        except OSError as error:
            raise self._told(error) from None
        self._rows = csv.writer(self._file, lineterminator="\n")
        self._row((*(RUN_COLUMNS if of_runs else ()), *COLUMNS))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._file.close()
        except OSError as full:
            self._failed = self._failed or full
        if self._failed is not None and error is None:
            raise self._told(self._failed)

    def write(self, owed: Iterable[Refund], scenario: Scenario, kit: Kit, *before: str | int) -> None:
        """A line for each refund; ``before`` are the columns that say which run it belongs to."""
        for refund in owed:
            label = kit.account_label(scenario, refund.account)
            evidence = ";".join(identity_text(identity) for identity in refund.events)
            self._row((*before, label, refund.kind, format_usd(refund.amount_quantums), evidence))

    def _row(self, row: Sequence[str | int]) -> None:
        if self._failed is None:
            try:
                self._rows.writerow(row)
            except OSError as error:
                self._failed = error

    def _told(self, error: OSError) -> BadFile:
        return BadFile([Mistake(self._path, f"cannot be written: {error.strerror or error}")])


class RefundsOfRuns:
    """Hears the runs of one rehearsal as they come, and writes what they owe in the order of their numbers.

    It holds back only what came too early, so that ten thousand runs need no more memory than a few.
    """

    def __init__(self, file: RefundFile, scenario: Scenario, kit: Kit, seed: int, asked: int) -> None:
        self._file = file
        self._scenario = scenario
        self._kit = kit
        self._seed = seed
        self._asked = asked
        self._next = 0
        self._early: dict[int, RunSummary] = {}

    def __call__(self, run: RunSummary) -> None:
        """One run of the reported plan or of the sweep is done."""
        self._early[JUDGED.index(run.ticket.bundle) * self._asked + run.ticket.number] = run
        while self._next in self._early:
            self._write(self._early.pop(self._next))
            self._next += 1

    def finish(self) -> None:
        """Writes what is held back: of a rehearsal that was stopped some numbers never come."""
        for place in sorted(self._early):
            self._write(self._early[place])
        self._early.clear()

    def _write(self, run: RunSummary) -> None:
        bundle, number = run.ticket.bundle, run.ticket.number
        seed = run_seed(self._seed, bundle, number)
        self._file.write(run.owed, self._scenario, self._kit, self._scenario.name, bundle, number, seed)
