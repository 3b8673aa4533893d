"""Two tables of docs/incidents/paradex.md: which laws the first wave breaks, and which single guard stops it.

    python scripts/paradex_guards.py        measures seeds 1 to 10 of the reported plan, and writes both tables

Only what happens before the rollback counts here; what follows it is the second wave's page.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))  # appended: an installed Drydock is measured first, the checkout where none is

from drydock.harness.port import Case  # noqa: E402
from drydock.harness.run import run_case  # noqa: E402
from drydock.harness.scenario import load_scenario  # noqa: E402
from drydock.models.events import Liquidation, RollbackDone  # noqa: E402
from drydock.models.kit import VenueKit  # noqa: E402

SCENARIO, SEEDS = "paradex-2026-01-19", range(1, 11)
PAGE = ROOT / "docs" / "incidents" / "paradex.md"
LINES = (
    "", "venue.funding.readiness=all_loaded", "venue.funding.readiness=checksum_verified",
    "venue.funding.readiness=per_market_loaded", "venue.funding.on_missing=skip",
    "venue.safeguards.data_validation={}", "venue.safeguards.full_downtime=true", "venue.safeguards.mode_matrix=true",
    "venue.safeguards.price_freshness={}", "venue.funding.compare_and_set=true",
)  # fmt: skip


class Night(NamedTuple):
    """One run up to its rollback: when each law first broke (ms), liquidations, and what was given back (USD)."""

    broken: dict[str, int]
    liquidations: int
    harm_usd: int


def play(arg: tuple[str, int]) -> Night:
    """One seed with one line changed."""
    line, seed = arg
    scenario = load_scenario(SCENARIO, (line,) if line else ())
    case = Case(scenario, scenario.reported_regime, scenario.reported, seed)
    result = run_case(case, VenueKit(), keep_trace=True)
    if result.error:
        raise RuntimeError(f"{line}, seed {seed}: {result.error}")
    events = result.events or []
    end_ms = next((e.at_ms for e in events if isinstance(e.data, RollbackDone)), result.ended_ms)
    broken: dict[str, int] = {}
    for finding in result.findings:
        if finding.at_ms <= end_ms:
            broken[finding.law] = min(finding.at_ms, broken.get(finding.law, finding.at_ms))
    liquidations = sum(1 for e in events if isinstance(e.data, Liquidation) and e.at_ms <= end_ms)
    restored = sum(entry.restored_quantums for entry in result.entries)
    return Night(broken, liquidations, restored // 1_000_000)


def table_of_laws(nights: Sequence[Night], window_ms: int) -> list[str]:
    """Which laws break, in how many nights, and when first, counted from the start of the window."""
    first: dict[str, list[int]] = {}
    for night in nights:
        for law, at_ms in night.broken.items():
            first.setdefault(law, []).append(at_ms - window_ms)
    lines = ["| law | broken in | first broken at |", "|---|---|---|"]
    for law, times in sorted(first.items(), key=lambda item: (min(item[1]), item[0])):
        told = clock(min(times)) if len(set(times)) == 1 else f"{clock(min(times))} to {clock(max(times))}"
        lines.append(f"| {law} | {len(times)} of {len(nights)} | {told} |")
    return lines


def row_of(line: str, nights: Sequence[Night]) -> str:
    """One guard's row."""
    counts = Counter(law for night in nights for law in night.broken)
    always = sorted(law for law, count in counts.items() if count == len(nights))
    some = [f"{law} ({count})" for law, count in sorted(counts.items()) if count < len(nights)]
    laws = ", ".join([f"{', '.join(always)} (all {len(nights)})"] * bool(always) + some) or "none"
    name = f"`{line}`" if line else "as happened"
    liquidations, harm = ([night[place] for night in nights] for place in (1, 2))
    told = f"{middle(liquidations)} [{min(liquidations)}-{max(liquidations)}]"
    return f"| {name} | {laws} | {told} | {middle(harm):,} |"


def middle(values: Sequence[int]) -> int:
    """The lower of the middle two of an even number."""
    return sorted(values)[(len(values) - 1) // 2]


def clock(ms: int) -> str:
    """``+00:20:35.520``."""
    return f"+{ms // 3_600_000:02d}:{ms // 60_000 % 60:02d}:{ms // 1000 % 60:02d}.{ms % 1000:03d}"


def main() -> int:
    """Measures, and writes both tables between their markers."""
    jobs = [(line, seed) for line in LINES for seed in SEEDS]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        nights = dict(zip(jobs, pool.map(play, jobs), strict=True))
    by_line = {line: [nights[(line, seed)] for seed in SEEDS] for line in LINES}
    window_ms = load_scenario(SCENARIO).venue.runbook.before_ms
    head = ["| one line changed | laws broken (runs) | liquidated | harm until the rollback |", "|---|---|---|---|"]
    guards = head + [row_of(line, by_line[line]) for line in LINES]
    text = PAGE.read_text("utf-8")
    for name, lines in (("laws", table_of_laws(by_line[""], window_ms)), ("guards", guards)):
        begin, end = f"<!-- paradex_guards {name}: begin -->", f"<!-- paradex_guards {name}: end -->"
        before, rest = text.split(begin, 1)
        text = before + begin + "\n" + "\n".join(lines) + "\n" + end + rest.split(end, 1)[1]
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
