"""The tables of docs/incidents/paradex-second-wave.md: what the second wave needs, costs, and is stopped by.

    python scripts/second_wave.py run [PART ...]   measures all cells, or those whose name contains a part
    python scripts/second_wave.py render           writes the page's tables from what was measured
    python scripts/second_wave.py check            plays two seeds of a few cells, and compares them

What was measured stands in docs/incidents/second_wave.json, a line a cell, with every seed's figures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # appended: an installed Drydock is measured first, the checkout where none is
sys.path.append(str(ROOT / "scripts"))

from second_wave_cells import CELLS, Cell  # noqa: E402

from drydock.faults.oracle_delay import OracleDelay  # noqa: E402
from drydock.harness.event import Event  # noqa: E402
from drydock.harness.money import refunds  # noqa: E402
from drydock.harness.port import Case, Scenario  # noqa: E402
from drydock.harness.run import run_case  # noqa: E402
from drydock.harness.scenario import load_scenario  # noqa: E402
from drydock.harness.sim import Sim  # noqa: E402
from drydock.models.events import HealthChecked, Liquidation  # noqa: E402
from drydock.models.kit import SCENARIOS, VenueKit  # noqa: E402
from drydock.models.markets import PARADEX_MARKETS  # noqa: E402
from drydock.models.order_events import MarkSampled, TriggerFired  # noqa: E402
from drydock.models.world import VenueWorld  # noqa: E402

RESULTS = ROOT / "docs" / "incidents" / "second_wave.json"
CHECKED = ("origin: set R", "origin: set D: prices", "band: 5 %", "safeguards: mode matrix, no grace, set R")
SEEDS_OF_CHECK = 2
Record = dict[str, Any]


# ---- one run --------------------------------------------------------------------------------------------------------
class Watch:
    """In which market an account was hit: the one in which the mark cost it most when it was first liquidated."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._size = world.cloud.holdings.size
        self.market_of: dict[int, int] = {}
        self.off_ppm = 0
        world.sim.hear(HealthChecked, self._on_check)
        world.sim.hear(Liquidation, self._on_liquidation)
        world.sim.hear(TriggerFired, lambda event: self.market_of.setdefault(event.data.account, event.data.market))
        world.sim.hear(MarkSampled, self._on_mark)

    def _on_check(self, event: Event) -> None:
        if event.data.under:
            self._size = self._world.cloud.holdings.size.copy()

    def _on_liquidation(self, event: Event) -> None:
        layout, cloud = self._world.layout, self._world.cloud
        slots = np.arange(*layout.bounds_of(event.data.account))
        markets = layout.market[slots]
        lost = self._size[slots] * (self._world.truth.mark(event.at_ms) - cloud.mark)[markets]
        self.market_of.setdefault(event.data.account, int(markets[int(lost.argmax())]))

    def _on_mark(self, event: Event) -> None:
        fair, mark = event.data.fair_quantums, event.data.mark_quantums
        off = np.where(fair > 0, np.abs(mark - fair) * 1_000_000 // np.maximum(fair, 1), 0)
        self.off_ppm = max(self.off_ppm, int(off.max()))


def measure(cell: Cell, seed: int) -> Record:
    """One seed of a cell, without laws: who is owed what, by kind and by market (USD), and how far marks went."""
    scenario = scenario_of(cell)
    seen: list[Watch] = []

    def make(case: Case, sim: Sim) -> VenueWorld:
        world = VenueWorld(case, sim)
        seen.append(Watch(world))
        return world

    plan = [*scenario.reported]
    if cell.late_votes:
        plan.append(OracleDelay("start-services", "external", delay_ms=900_000, lasts_ms=3_600_000))
    result = run_case(Case(scenario, cell.regime, tuple(plan), seed), VenueKit(), laws=(), world_maker=make)
    if result.error:
        raise RuntimeError(f"{cell.key}, seed {seed}: {result.error}")
    return _record(result.entries, scenario, seen[0], seed)


def _record(entries: Sequence[Any], scenario: Scenario, watch: Watch, seed: int) -> Record:
    owed: dict[str, list[int]] = {kind: [0, 0] for kind in ("liquidation", "trigger")}
    by_market: dict[str, int] = {}
    accounts = set()
    names = scenario.venue.markets.names
    for refund in refunds(entries, ("liquidation", "trigger")):
        owed[refund.kind][0] += 1
        owed[refund.kind][1] += refund.amount_quantums
        accounts.add(refund.account)
        name = names[watch.market_of[refund.account]]
        by_market[name] = by_market.get(name, 0) + refund.amount_quantums
    top = sorted(by_market.items(), key=lambda item: (-item[1], item[0]))[:3]
    debt = sum(entry.amount_quantums - entry.restored_quantums for entry in entries if entry.kind == "bad_debt")
    return {
        "seed": seed,
        "accounts": len(accounts),
        "usd": sum(usd for _, usd in owed.values()) // 1_000_000,
        **{kind: [count, usd // 1_000_000] for kind, (count, usd) in owed.items()},
        "bad_debt": debt // 1_000_000,
        "off_ppm": watch.off_ppm,
        "top": [[name, usd // 1_000_000] for name, usd in top],
    }


@lru_cache(maxsize=8)
def scenario_of(cell: Cell) -> Scenario:
    """The cell's scenario; with another band for one market it is read from a folder of its own."""
    if cell.band_pct is None:
        return load_scenario(cell.scenario, cell.sets)
    with tempfile.TemporaryDirectory() as folder:
        text = (SCENARIOS / f"{cell.scenario}.yaml").read_text("utf-8")
        Path(folder, "night.yaml").write_text(text.replace(PARADEX_MARKETS.name, "markets.csv"), "utf-8")
        Path(folder, "markets.csv").write_text(_with_band(PARADEX_MARKETS.read_text("utf-8"), cell.band_pct), "utf-8")
        return load_scenario(str(Path(folder, "night.yaml")), cell.sets)


def _with_band(csv: str, band_pct: int) -> str:
    """The market file with another band for the market whose band is widest over its margin."""
    head, *rows = csv.strip().splitlines()
    columns = head.split(",")
    imf, band = columns.index("imf_pct"), columns.index("price_band_pct")
    cells = [row.split(",") for row in rows]
    widest = max(cells, key=lambda row: float(row[band]) / float(row[imf]))
    widest[band] = str(band_pct)
    return "\n".join([head, *(",".join(row) for row in cells)]) + "\n"


# ---- commands -------------------------------------------------------------------------------------------------------
def _measure(arg: tuple[Cell, int]) -> Record:
    return measure(*arg)


def _chosen(parts: Sequence[str]) -> Iterator[Cell]:
    for cell in CELLS:
        if not parts or any(part in cell.key for part in parts):
            yield cell


def run(parts: Sequence[str]) -> None:
    """Measures, cell by cell, and keeps what was measured before of the others."""
    results = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for cell in _chosen(parts):
            results[cell.key] = list(pool.map(_measure, [(cell, seed) for seed in range(1, cell.seeds + 1)]))
            known = [cell.key for cell in CELLS if cell.key in results]
            lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(results[key])}" for key in known)
            RESULTS.write_text("{\n" + lines + "\n}\n", "utf-8")
            print(cell.key, file=sys.stderr)


def check() -> int:
    """Two seeds of a few cells against what was measured; the number of differences."""
    results = json.loads(RESULTS.read_text("utf-8"))
    different = 0
    for cell in _chosen(CHECKED):
        for seed in range(1, SEEDS_OF_CHECK + 1):
            now, then = measure(cell, seed), results[cell.key][seed - 1]
            if now != then:
                different += 1
                print(f"{cell.key}, seed {seed}: {now}; the page says {then}", file=sys.stderr)
    return different


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=("run", "render", "check"))
    parser.add_argument("parts", nargs="*", help="run: only cells whose name contains one of these")
    given = parser.parse_args()
    if given.command == "run":
        run(given.parts)
    elif given.command == "render":
        from second_wave_page import render

        render(json.loads(RESULTS.read_text("utf-8")))
    else:
        return int(check() > 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
