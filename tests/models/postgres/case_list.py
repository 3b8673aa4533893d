"""The 200 Cases that are played on both databases: every fault that reaches the database, on builds right and wrong.

Deterministic, and the same for every server. A Case is here if its faults are exercised on the simulated database: one
that nothing meets says nothing about two databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from drydock.faults.commit_in_doubt import CommitInDoubt
from drydock.faults.crash import Crash
from drydock.faults.crash_before_commit import CrashBeforeCommit
from drydock.faults.crash_loop import CrashLoop
from drydock.faults.early_start import EarlyStart
from drydock.faults.failover import Failover
from drydock.faults.genesis_restore import GenesisRestore
from drydock.faults.held_rows import HeldRows
from drydock.faults.late_write import LateWrite
from drydock.faults.lost_tail import LostTail
from drydock.faults.lost_write import LostWrite
from drydock.faults.missing_field import MissingField
from drydock.faults.operator_repeats import OperatorRepeats
from drydock.faults.partial_copy import PartialCopy
from drydock.faults.pause import Pause
from drydock.faults.replica_switch import ReplicaSwitch
from drydock.faults.slow_load import SlowLoad
from drydock.faults.stale_read import StaleRead
from drydock.harness.port import Case, Fault
from tests.faults.example import AS_HAPPENED
from tests.nights import case_of, scenario

Plan = tuple[Fault, ...]
CASES = 200
COMPARES = "venue.funding.compare_and_set=true"
BUILDS: dict[str, tuple[str, ...]] = {
    "guarded": (),
    "guarded, compare-and-set, data validation": (COMPARES, "venue.safeguards.data_validation={}"),
    "as happened": AS_HAPPENED,
    "as happened, compare-and-set": (*AS_HAPPENED, COMPARES),
}
"""The bench venue: with its gates or without, with and without what would keep a wrong row from spreading."""

READS_AGAIN = Crash(step="resume", offset_ms=40_000)
"""Right after a scale-up an old state is as good as the new one: nobody has written meanwhile."""
ALONE: tuple[Plan, ...] = (
    (CommitInDoubt(step="resume", offset_ms=1_000),),
    (CommitInDoubt(step="maintenance", offset_ms=-60_000, commits=20),),
    (Crash(step="resume", target="database", offset_ms=1_000),),
    (Crash(step="scale-up", target="database", offset_ms=70_000),),
    (CrashBeforeCommit(step="resume", offset_ms=1_000),),
    (CrashLoop(step="start-services", offset_ms=30_000),),
    (EarlyStart(step="start-services", early_ms_max=60_000),),
    (Failover(step="resume", offset_ms=1_000),),
    (GenesisRestore(step="start-services"),),
    (GenesisRestore(step="start-services", artefact="nightly"),),
    (HeldRows(step="resume"),),
    (HeldRows(step="start-services", lock="table", lasts_ms=30_000),),
    (LateWrite(step="resume", delay_ms=30_000),),
    (LostTail(step="maintenance", lost_ms=60_000),),
    (LostTail(step="resume", offset_ms=30_000, lost_ms=20_000),),
    (LostWrite(step="resume"),),
    (MissingField(step="start-services"),),
    (PartialCopy(step="scale-up"),),
    (PartialCopy(step="scale-up", rows="late", late_ms=90_000),),
    (ReplicaSwitch(step="resume", target="funding"), READS_AGAIN),
    (SlowLoad(step="start-services"),),
    (StaleRead(step="start-services", stale_ms=20_000), READS_AGAIN),
)
"""The first is the one that reaches the database."""
TOGETHER: tuple[Plan, ...] = (
    (LostTail(step="maintenance", offset_ms=-30_000, lost_ms=20_000), LostTail(step="resume", lost_ms=40_000)),
    (StaleRead(step="start-services", stale_ms=600), LostTail(step="resume", offset_ms=1_000, lost_ms=600_000)),
    (PartialCopy(step="scale-up", rows="late", late_ms=90_000), Failover(step="resume", offset_ms=1_000)),
    (HeldRows(step="resume"), Crash(step="resume", target="database", offset_ms=20_000)),
    (LateWrite(step="resume", delay_ms=20_000, commits=5), Failover(step="resume", offset_ms=10_000)),
    (OperatorRepeats(step="scale-up"),),
    (HeldRows(step="resume", lasts_ms=20_000), HeldRows(step="resume", lock="table", offset_ms=10_000)),
)
"""Faults that meet each other, on two of the builds."""
ON_PARADEX: tuple[Plan, ...] = (
    (SlowLoad(step="start-services", mean_ms=4_000, sigma_ppm=600_000),),
    (EarlyStart(step="start-services", early_ms_max=600_000),),
    (LostTail(step="maintenance", lost_ms=60_000),),
    (PartialCopy(step="scale-up", rows="late", late_ms=120_000), Pause(step="start-services", target="liquidator")),
    (SlowLoad(step="start-services"), Crash(step="resume", target="database")),
)
PARADEX_ACCOUNTS = 300
"""A thirtieth of the night's people; its 117 markets, its hours and its rollback are all there."""


class Listed(NamedTuple):
    """One Case of the list; ``settings`` go over the scenario's own."""

    number: int
    scenario: str
    build: str
    settings: tuple[str, ...]
    regime: str
    plan: Plan
    seed: int

    @property
    def name(self) -> str:
        """For people: ``17 bench, as happened: lost_tail (seed 2)``."""
        kinds = " and ".join(fault.kind for fault in self.plan)
        return f"{self.number} {self.scenario}, {self.build}: {kinds} (seed {self.seed})"

    def case(self) -> Case:
        """The Case."""
        return case_of(scenario(self.scenario, *self.settings), self.plan, self.seed, self.regime)


def listed() -> list[Listed]:
    """All of them, in one order for ever."""
    found = [Listed(number, *rest) for number, rest in enumerate((*_on_bench(), *_on_paradex()), 1)]
    assert len(found) == CASES
    return found


def _on_bench() -> Iterator[tuple[str, str, tuple[str, ...], str, Plan, int]]:
    for seed in (1, 2):
        for build, settings in BUILDS.items():
            for plan in ALONE:
                yield "bench", build, settings, "calm", plan, seed
    for build in ("guarded", "as happened, compare-and-set"):
        for plan in TOGETHER:
            yield "bench", build, BUILDS[build], "calm", plan, 3


def _on_paradex() -> Iterator[tuple[str, str, tuple[str, ...], str, Plan, int]]:
    few = f"population.accounts={PARADEX_ACCOUNTS}"
    for name, build, regime in (
        ("paradex-2026-01-19", "as happened", "flat"),
        ("paradex-2026-01-19-hardened", "hardened", "calm"),
    ):
        for plan in ON_PARADEX:
            yield name, build, (few,), regime, plan, 1
