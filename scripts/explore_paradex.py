"""Two tables of docs/incidents/paradex.md: the zero index found without a hint, and harm that is sought beside chance.

    python scripts/explore_paradex.py found [SEED ..]     seeds 1 to 5: until a smallest case of one part shows it
    python scripts/explore_paradex.py harm [SEED ..]      the costliest of 100 runs: sought, uniform, and swept

Seconds are of the processor, of all processes together, whatever else the machine does (Linux only).
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # appended: an installed Drydock is measured first, the checkout where none is

from drydock.harness.bundle import Ticket  # noqa: E402
from drydock.harness.explore.found import Failure  # noqa: E402
from drydock.harness.explore.minima import Boxes, Minima  # noqa: E402
from drydock.harness.explore.minimum import Minimum  # noqa: E402
from drydock.harness.explore.search import ExploreOptions, explore  # noqa: E402
from drydock.harness.port import Scenario  # noqa: E402
from drydock.harness.scenario import load_scenario  # noqa: E402
from drydock.harness.shrink.parts import parts_of  # noqa: E402
from drydock.harness.sweep import Bench  # noqa: E402
from drydock.models.kit import VenueKit  # noqa: E402

SCENARIO = "paradex-2026-01-19"
REDUCED = (
    "venue.markets.only=[BTC-USD-PERP,ETH-USD-PERP,PAXG-USD-PERP]",
    "population.accounts=40",
    "population.open_interest_usd=2560000USD",
    "population.fills_per_minute=12",
)
LAW, WORKERS, BUDGET, RUNS, SEEDS = "F3", 2, 200, 100, range(1, 6)


def found(scenario: Scenario, seed: int) -> str:
    """Searches as ``drydock explore`` does, until the zero index is one fault or one laggard; a row of the table."""
    first: list[str] = []
    smallest: list[Minimum] = []
    began_s = processor_s()

    def take(failure: Failure) -> None:
        if failure.signature.law == LAW and not first:
            first.extend((str(failure.run), failure.strategy, f"{processor_s() - began_s:.0f}"))
        minima.take(failure)

    def look(minimum: Minimum) -> None:
        is_shown = any(signature.law == LAW for signature in minimum.shows)
        if is_shown and minimum.shrunk.is_minimal and len(parts_of(minimum.shrunk.case)) == 1:
            smallest.append(minimum)
            minima.stop()

    def go_on(*_: int) -> None:
        if smallest:
            raise KeyboardInterrupt

    minima = Minima(VenueKit(), scenario, Boxes(is_beside=True, clock=time.thread_time), look)
    options = ExploreOptions(budget=BUDGET, seed=seed, workers=WORKERS, found=take, again=minima.take, progress=go_on)
    with minima:
        explored = explore(scenario, VenueKit(), options)
    part = parts_of(smallest[0].shrunk.case)[0] if smallest else "-"
    of = smallest[0].failure if smallest else None
    told = f"`{of.signature}` of run {smallest[0].run}" if of else "-"
    run, strategy, found_s = first or ("-", "-", "-")
    cells = (seed, f"{run} ({strategy})", found_s, told, f"{processor_s() - began_s:.0f}", explored.runs, f"`{part}`")
    return f"| {' | '.join(map(str, cells))} |"


def harm(scenario: Scenario, seed: int) -> str:
    """The greatest harm of as many runs, sought and by chance, in whole USD; a row of the table."""
    worst = {name: searched(scenario, seed, name) for name in ("harm", "uniform")}
    bench = Bench(VenueKit(), scenario, seed)
    swept = (bench.play(Ticket("sweep", number)) for number in range(RUNS))
    worst["sweep"] = max(sum(amount for amount in run.harm.values()) for run in swept)
    return f"| {seed} | {' | '.join(f'{quantums // 1_000_000:,}' for quantums in worst.values())} |"


def searched(scenario: Scenario, seed: int, strategy: str) -> int:
    """The greatest harm that one strategy alone finds, in 1e-6 USD."""
    options = ExploreOptions(budget=RUNS, seed=seed, strategies=(strategy,))
    worst = explore(scenario, VenueKit(), options).worst
    return worst.harm_quantums if worst else 0


def processor_s() -> float:
    """Seconds of processor that this process group has used, by its own account: workers are nobody's children here."""
    used = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields: list[Any] = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[2]) == os.getpgrp():
            used += sum(map(int, fields[11:15]))
    return used / os.sysconf("SC_CLK_TCK")


def main(arguments: Sequence[str]) -> None:
    """Prints one table, row by row."""
    os.setpgrp()
    scenario = load_scenario(SCENARIO, REDUCED)
    what, seeds = arguments[0], [int(seed) for seed in arguments[1:]] or SEEDS
    for seed in seeds:
        print({"found": found, "harm": harm}[what](scenario, seed), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
