"""The table of docs/incidents/paradex-contamination.md: repair by hand or roll back, minute by minute.

    python scripts/contamination_table.py              measures, and writes the table between the page's markers
    python scripts/contamination_table.py --check      measures two seeds, and compares them with the committed table

Each run plays ``paradex-2026-01-19`` with its reported plan to the end of the window, under each of two regimes.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # appended: an installed Drydock is measured first, the checkout where none is

from drydock.harness.port import Case, Fault, Scenario  # noqa: E402
from drydock.harness.scenario import load_scenario  # noqa: E402
from drydock.harness.sim import Sim  # noqa: E402
from drydock.models.contamination import REPAIR_QUANTUMS, Contamination, Minute, Spread  # noqa: E402
from drydock.models.model import model_of  # noqa: E402
from drydock.models.world import VenueWorld  # noqa: E402

SCENARIO = "paradex-2026-01-19"
REGIMES = ("flat", "calm")
PAGE = ROOT / "docs" / "incidents" / "paradex-contamination.md"
BEGIN, END = "<!-- contamination_table: begin -->", "<!-- contamination_table: end -->"
EACH_USD = (20, 50, 100, 200, 500)
MINUTES = (1, 2, 5, 10, 20, 30, 40)
SEEDS = 10
SEEDS_OF_CHECK = 2
USD = 1_000_000
HEADING = re.compile(r"^### (\w+)$", re.MULTILINE)
COUNTED = r" ([\d,]+) \[([\d,]+)-([\d,]+)\] \|"
ROW = re.compile(r"^\| (\d+) \| \d+ \|" + COUNTED + COUNTED, re.MULTILINE)

Runs = dict[str, list[Spread]]


# ---- one run --------------------------------------------------------------------------------------------------------
def measure(scenario: Scenario, regime: str, seed: int) -> Spread:
    """Plays one night. ``RuntimeError`` where no index was ever wrong."""
    plan: tuple[Fault, ...] = scenario.reported
    world = VenueWorld(Case(scenario, regime, plan, seed), Sim(seed))
    watch = Contamination(model_of(scenario).population.first_person)
    watch.begin(world.truth)
    for payload in watch.hears:
        world.sim.hear(payload, watch.observe)
    world.start()
    for number, fault in enumerate(plan):
        world.sim.spawn(f"fault/{number}:{fault.kind}", fault.inject(world))
    world.sim.run_until(world.night_ms, world.window_closed)
    spreads = watch.end()
    if not spreads:
        raise RuntimeError(f"regime {regime}, seed {seed}: no index was ever wrong")
    return spreads[0]


def scenario_of(sets: Sequence[str] = ()) -> Scenario:
    """The packaged scenario, with ``--set`` texts over it."""
    return load_scenario(SCENARIO, tuple(sets))


def _measure_one(job: tuple[str, int]) -> Spread:
    return measure(scenario_of(), *job)


def measure_all(seeds: int) -> Runs:
    """Every regime with seeds 1 to ``seeds``, on all cores."""
    jobs = [(regime, seed) for regime in REGIMES for seed in range(1, seeds + 1)]
    with ProcessPoolExecutor() as pool:
        spreads = list(pool.map(_measure_one, jobs))
    return {regime: spreads[n * seeds : (n + 1) * seeds] for n, regime in enumerate(REGIMES)}


# ---- the table ------------------------------------------------------------------------------------------------------
def table(runs: Runs) -> str:
    """The Markdown between the markers."""
    seeds = len(next(iter(runs.values())))
    lines = [
        f"Medians of seeds 1 to {seeds}, [least-most] where given, of the nights not yet halted; minutes from the",
        f"first wrong index. Money in thousands of USD; work at ${REPAIR_QUANTUMS // USD} an account.",
    ]
    for regime, spreads in runs.items():
        lines += ["", f"### {regime}", "", *_section(spreads)]
    return "\n".join(lines)


def _section(spreads: Sequence[Spread]) -> list[str]:
    return [
        "| minute | nights | accounts touched | positions re-cached | index put back as it is | wrongly taken | work"
        " | roll back |",
        "|---|---|---|---|---|---|---|---|",
        *(_row(minute, spreads) for minute in MINUTES if _at(minute, spreads)),
        "",
        "| work on one account | repair is cheaper up to minute | its work alone |",
        "|---|---|---|",
        *(_until(each_usd * USD, spreads) for each_usd in EACH_USD),
        "",
        f"Halted after {_spread([len(spread.minutes) for spread in spreads])} minutes.",
    ]


def _at(minute: int, spreads: Sequence[Spread]) -> list[tuple[Spread, Minute]]:
    return [(spread, spread.minutes[minute - 1]) for spread in spreads if len(spread.minutes) >= minute]


def _row(minute: int, spreads: Sequence[Spread]) -> str:
    there = _at(minute, spreads)

    def money(amount: Callable[[Spread, Minute], int]) -> str:
        return f"{statistics.median_low([amount(*pair) for pair in there]) / (1000 * USD):,.1f}"

    return (
        f"| {minute} | {len(there)} | {_spread([row.accounts for _, row in there])}"
        f" | {_spread([row.positions for _, row in there])} | {money(lambda _, row: row.mischarge_quantums)}"
        f" | {money(lambda _, row: row.owed_quantums)} | {money(lambda _, row: row.accounts * REPAIR_QUANTUMS)}"
        f" | {money(lambda spread, row: spread.rollback(row))} |"
    )


def _until(each_quantums: int, spreads: Sequence[Spread]) -> str:
    """The minute after which repair is the dearer one; a night in which it never is counts to its halt."""
    cells = []
    for pays_until in (Spread.repair_pays_until, Spread.work_pays_until):
        found = [(pays_until(spread, each_quantums), len(spread.minutes)) for spread in spreads]
        cells.append(_spread([halt if minute is None else minute for minute, halt in found]))
    return f"| ${each_quantums // USD} | {cells[0]} | {cells[1]} |"


def _spread(counts: Sequence[int]) -> str:
    return f"{statistics.median_low(counts):,} [{min(counts):,}-{max(counts):,}]"


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


def rows_of(text: str) -> dict[tuple[str, int], tuple[int, ...]]:
    """(regime, minute) -> median, least, most of accounts and of positions, as a page says."""
    parts = HEADING.split(text)[1:]
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    return {
        (regime, int(minute)): tuple(int(number.replace(",", "")) for number in numbers)
        for regime, section in sections.items()
        for minute, *numbers in ROW.findall(section)
    }


def complaints(stands: str, runs: Runs) -> list[str]:
    """What of a fresh sample does not fit the committed table: its seeds are among the table's, so all must fit."""
    found = []
    rows = rows_of(stands)
    for regime, spreads in runs.items():
        for minute in MINUTES:
            for _, row in _at(minute, spreads):
                told = rows.get((regime, minute), (0,) * 6)
                if not (told[1] <= row.accounts <= told[2] and told[4] <= row.positions <= told[5]):
                    found.append(
                        f"{regime}, minute {minute}: {row.accounts} accounts, {row.positions} positions; the table says"
                        f" {told}"
                    )
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the table, or checks it: 0 if it fits, 1 if not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="compare a fresh sample with the committed table")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"seeds; {SEEDS}, or {SEEDS_OF_CHECK} to check")
    options: Any = parser.parse_args(arguments)
    runs = measure_all(options.seeds or (SEEDS_OF_CHECK if options.check else SEEDS))
    if not options.check:
        write(table(runs))
        return 0
    wrong = complaints(committed(), runs)
    print("\n".join(wrong) or f"{PAGE.name}: the table fits a fresh sample")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
