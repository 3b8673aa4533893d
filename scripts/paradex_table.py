"""The table of docs/incidents/paradex.md: how many markets lose their index, and who is liquidated for it.

    python scripts/paradex_table.py              measures, and writes the table between the page's markers
    python scripts/paradex_table.py --check      measures two seeds a row, and compares them with the committed table

Each run plays ``paradex-2026-01-19`` up to the first health check that sees the first tick after the restart. Which
markets *should* be corrupted follows from the order of events alone (a row that arrived after the tick), and who
*should* be liquidated from the algebra of a level shift; both are compared with what the models did.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # appended: an installed Drydock is measured first, the checkout where none is

from drydock.harness.event import Event  # noqa: E402
from drydock.harness.port import Case, Fault, Scenario  # noqa: E402
from drydock.harness.scenario import load_scenario  # noqa: E402
from drydock.harness.sim import Sim  # noqa: E402
from drydock.models.accounts import VAULT, Holdings  # noqa: E402
from drydock.models.events import HealthChecked, IndexPublished, Liquidation, LoadCompleted  # noqa: E402
from drydock.models.model import model_of  # noqa: E402
from drydock.models.perp.funding import funding_pnl  # noqa: E402
from drydock.models.perp.margin import maintenance_margin  # noqa: E402
from drydock.models.perp.units import INDEX_SHIFT  # noqa: E402
from drydock.models.world import VenueWorld, planned_steps  # noqa: E402

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

SCENARIO = "paradex-2026-01-19"
STEP = "start-services"
PAGE = ROOT / "docs" / "incidents" / "paradex.md"
BEGIN, END = "<!-- paradex_table: begin -->", "<!-- paradex_table: end -->"
MEANS_MS = (500, 1_000, 2_000, 3_000, 4_000, 5_000, 7_000, 10_000, 20_000, 30_000, 60_000)
SEEDS = 20
SEEDS_OF_CHECK = 2
AFTER_START_MS = 30_000
ROW = re.compile(r"^\| ([\d.]+) s \| (\d+) \[(\d+)-(\d+)\] \|.*\| (\d+) \[(\d+)-(\d+)\] \|", re.MULTILINE)


# ---- one run --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Measured:
    """One run. ``corrupted`` and ``late`` are market numbers, ``liquidated`` and ``due`` account numbers.

    ``late`` are the markets whose row arrived after the first tick, ``corrupted`` those whose published index is off
    the truth; ``due`` are the accounts that the rule names, ``liquidated`` those that the first health check took.
    """

    markets: int
    accounts: int
    late: frozenset[int]
    corrupted: frozenset[int]
    due: frozenset[int]
    liquidated: frozenset[int]

    @property
    def mismatches(self) -> int:
        """Accounts about which rule and health check disagree."""
        return len(self.due ^ self.liquidated)


class Watch:
    """Listens to a run: loads before the first tick after the restart, that tick, the first check that sees it."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._before: Ints | None = None
        self._loaded: Mask = np.zeros(len(world.markets), np.bool_)
        self._checked_ms = -1
        self.corrupted: Mask = self._loaded.copy()
        self.due: frozenset[int] = frozenset()
        self.liquidated: set[int] = set()
        self.tick: IndexPublished | None = None
        for payload, observer in (
            (LoadCompleted, self._on_load), (IndexPublished, self._on_tick),
            (HealthChecked, self._on_check), (Liquidation, self._on_liquidation),
        ):  # fmt: skip
            world.sim.hear(payload, observer)

    @property
    def late(self) -> Mask:
        """Markets whose row had not arrived when the first tick came."""
        return ~self._loaded

    def _on_load(self, event: Event) -> None:
        if event.data.epoch > 1 and self.tick is None:
            self._loaded[event.data.markets[event.data.found == 1]] = True

    def _on_tick(self, event: Event) -> None:
        data: IndexPublished = event.data
        if data.epoch == 1 or self.tick is not None:
            return
        self.tick = data
        self._before = self._world.chain.index.copy()
        truth = self._world.truth
        band = (truth.outside.spot(event.at_ms) * truth.index_band_ppm // 1_000_000) << INDEX_SHIFT
        off = np.abs(data.indices - truth.index(event.at_ms)[data.markets]) > band[data.markets]
        self.corrupted[data.markets[off]] = True

    def _on_check(self, event: Event) -> None:
        if self.tick is None or self._checked_ms >= 0 or self._before is None:
            return
        if not np.array_equal(self._world.cloud.index[self.tick.markets], self.tick.indices):
            return  # the tick is on its way: this check came first
        self._checked_ms = event.at_ms
        self.due = liquidated_by_rule(self._world, self._world.cloud.holdings, self._before, self.corrupted)

    def _on_liquidation(self, event: Event) -> None:
        if event.at_ms == self._checked_ms:
            self.liquidated.add(event.data.account)


def liquidated_by_rule(world: VenueWorld, holdings: Holdings, before: Ints, zeroed: Mask) -> frozenset[int]:
    """The accounts with ``-sum q I > AV - sum |q| P (MMF + fee)``; amounts in 1e-6 USD.

    On the left, over the zeroed markets, what resetting ``I`` takes from the account; on the right what it had to spare
    at the index ``before``, over all its markets.
    """
    layout, size, mark = holdings.layout, holdings.size, world.cloud.mark
    market = layout.market
    right_index = np.where(zeroed, before, world.cloud.index)
    worth = size * mark[market] + funding_pnl(size, right_index[market], holdings.cached)
    value = holdings.quote + layout.per_account(worth)
    mmf_ppm, fee_ppm = world.markets.mmf_ppm[market], world.venue.liquidation.taker_fee_ppm
    margin = layout.per_account(maintenance_margin(size, mark[market], mmf_ppm, fee_ppm))
    shift = np.where(zeroed[market], funding_pnl(size, before[market], np.zeros_like(size)), 0)
    due = (layout.per_account(shift) > value - margin) & (margin > 0)
    due[VAULT] = False
    return frozenset(np.flatnonzero(due).tolist())


def slow_case(scenario: Scenario, mean_ms: int, seed: int) -> Case:
    """The reported plan with another mean load latency."""
    faults: tuple[Any, ...] = scenario.reported
    plan: tuple[Fault, ...] = tuple(replace(fault, mean_ms=mean_ms) for fault in faults)
    return Case(scenario, scenario.reported_regime, plan, seed)


def measure(scenario: Scenario, mean_ms: int, seed: int) -> Measured:
    """Plays one night until shortly after the restart. ``RuntimeError`` where the restarted engine never ticked."""
    case = slow_case(scenario, mean_ms, seed)
    world = VenueWorld(case, Sim(seed))
    watch = Watch(world)
    world.start()
    for number, fault in enumerate(case.plan):
        world.sim.spawn(f"fault/{number}:{fault.kind}", fault.inject(world))
    started_ms = dict(planned_steps(model_of(scenario).runbook))[STEP]
    world.sim.run_until(started_ms + AFTER_START_MS)
    if watch.tick is None:
        raise RuntimeError(f"no funding tick within {AFTER_START_MS} ms of {STEP}")
    late, corrupted = (frozenset(np.flatnonzero(mask).tolist()) for mask in (watch.late, watch.corrupted))
    all_but_the_vault = world.layout.accounts - 1
    return Measured(len(world.markets), all_but_the_vault, late, corrupted, watch.due, frozenset(watch.liquidated))


def scenario_of(sets: Sequence[str] = ()) -> Scenario:
    """The packaged scenario, with ``--set`` texts over it."""
    return load_scenario(SCENARIO, tuple(sets))


# ---- the table ------------------------------------------------------------------------------------------------------
def _measure_one(job: tuple[int, int]) -> Measured:
    return measure(scenario_of(), *job)


def measure_all(means_ms: Iterable[int], seeds: int) -> dict[int, list[Measured]]:
    """Every mean with seeds 1 to ``seeds``, on all cores."""
    means = tuple(means_ms)
    jobs = [(mean_ms, seed) for mean_ms in means for seed in range(1, seeds + 1)]
    with ProcessPoolExecutor() as pool:
        runs = list(pool.map(_measure_one, jobs))
    return {mean_ms: runs[n * seeds : (n + 1) * seeds] for n, mean_ms in enumerate(means)}


def table(measured: dict[int, list[Measured]]) -> str:
    """The Markdown between the markers."""
    runs = [run for row in measured.values() for run in row]
    seeds = len(next(iter(measured.values())))
    checked, liquidated = sum(run.accounts for run in runs), sum(len(run.liquidated) for run in runs)
    mismatches = sum(run.mismatches for run in runs)
    unlike = sum(run.late != run.corrupted for run in runs)
    lines = [
        f"Median [least-most] of seeds 1 to {seeds}; {runs[0].markets} markets, {runs[0].accounts} accounts.",
        "",
        "| mean load latency | corrupted markets | share | liquidated at the first health check |",
        "|---|---|---|---|",
        *(_row(mean_ms, row) for mean_ms, row in measured.items()),
        "",
        f"Runs in which the corrupted markets are not exactly those whose row arrived after the first tick: {unlike} of"
        f" {len(runs)}.",
        f"Rule against health check, account by account: {checked:,} accounts checked, {liquidated:,} liquidated,"
        f" {mismatches} mismatches.",
    ]
    return "\n".join(lines)


def _row(mean_ms: int, row: Sequence[Measured]) -> str:
    corrupted = [len(run.corrupted) for run in row]
    share = round(100 * statistics.median_low(corrupted) / row[0].markets)
    taken = [len(run.liquidated) for run in row]
    return f"| {mean_ms / 1000:g} s | {_spread(corrupted)} | {share} % | {_spread(taken)} |"


def _spread(counts: Sequence[int]) -> str:
    return f"{statistics.median_low(counts)} [{min(counts)}-{max(counts)}]"


# ---- the page -------------------------------------------------------------------------------------------------------
def committed(page: Path = PAGE) -> str:
    """The table that stands in the page."""
    text = page.read_text(encoding="utf-8")
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()


def write(text: str, page: Path = PAGE) -> None:
    """Puts the table into the page."""
    whole = page.read_text(encoding="utf-8")
    head, tail = whole[: whole.index(BEGIN) + len(BEGIN)], whole[whole.index(END) :]
    page.write_text(f"{head}\n{text}\n{tail}", encoding="utf-8")


def complaints(stands: str, measured: dict[int, list[Measured]]) -> list[str]:
    """What of a fresh sample does not fit the committed table: its seeds are among the table's, so all must fit."""
    found = []
    rows = {round(1000 * float(row[0])): tuple(map(int, row[1:])) for row in ROW.findall(stands)}
    for mean_ms, runs in measured.items():
        if mean_ms not in rows:
            found.append(f"the table has no row for {mean_ms} ms")
            continue
        _, least, most, _, least_taken, most_taken = rows[mean_ms]
        for seed, run in enumerate(runs, start=1):
            fits = least <= len(run.corrupted) <= most and least_taken <= len(run.liquidated) <= most_taken
            if not fits or run.mismatches or run.late != run.corrupted:
                found.append(
                    f"{mean_ms} ms, seed {seed}: {len(run.corrupted)} corrupted, {len(run.late)} late,"
                    f" {len(run.liquidated)} liquidated, {run.mismatches} mismatches; the table says {rows[mean_ms]}"
                )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the table, or checks it: 0 if it fits, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="compare a fresh sample with the committed table")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"seeds a row; {SEEDS}, or {SEEDS_OF_CHECK} to check")
    options: Any = parser.parse_args(arguments)
    seeds = options.seeds or (SEEDS_OF_CHECK if options.check else SEEDS)
    measured = measure_all(MEANS_MS, seeds)
    if not options.check:
        write(table(measured))
        return 0
    wrong = complaints(committed(), measured)
    print("\n".join(wrong) or f"{PAGE.name}: the table fits a fresh sample of {seeds} seeds a row")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
