"""Where the time of a run goes: a profile, summed by what the code is for."""

from __future__ import annotations

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

Function = tuple[str, int, str]

RISK = {"value", "value_one", "under_margin", "initial_margin", "margin", "<lambda>"}
BY_FILE = {
    "events": ("sim.py", "events.py", "event.py", "seam.py", "service.py"),
    "digest": ("recorder.py",),
    "matching, fills": ("cloud.py", "people.py", "accounts.py"),
    "books": ("book.py", "ladders.py", "orders.py", "matching.py", "mass_quotes.py", "open_orders.py", "auction.py"),
    "makers": ("makers.py", "opportunists.py", "traders.py"),
    "marks, triggers": ("mark_engine.py", "order_desk.py", "triggers.py", "resync.py", "unwinding.py"),
    "blocks": ("chain.py", "liquidation.py"),
    "prices": ("market_data.py",),
    "funding": ("funding_engine.py",),
    "risk scan": ("liquidator.py",),
    "database": ("database.py",),
    "laws, ledger": ("ledger.py", "shadow.py", "truth.py", "watch.py", "law.py"),
    "set-up": ("population.py", "regimes.py", "draws.py", "stream.py", "model.py", "kit.py", "markets.py"),
    "operators, pages": ("runbook.py", "operators.py", "pages.py", "world.py", "run.py"),
}
_PART_OF = {file: part for part, files in BY_FILE.items() for file in files}
OTHER = "other"


def profile(run: Callable[[], Any]) -> dict[str, int]:
    """Share of each part in percent, greatest first. What a formula or numpy takes is its caller's."""
    profiler = cProfile.Profile()
    profiler.enable()
    run()
    profiler.disable()
    return shares(pstats.Stats(profiler).stats)  # type: ignore[attr-defined]


def shares(stats: dict[Function, Any]) -> dict[str, int]:
    """The same, of the entries of a finished profile."""
    seconds: Counter[str] = Counter()
    for function, (_, _, own, _, callers) in stats.items():
        part = part_of(function)
        if part is not None or not callers:
            seconds[part or OTHER] += own
            continue
        for caller, (_, _, under_caller, _) in callers.items():
            seconds[_owner(caller, stats)] += under_caller
    total = sum(seconds.values())
    return {part: round(100 * spent / total) for part, spent in seconds.most_common()}


def part_of(function: Function) -> str | None:
    """The part that a function belongs to; None for formulas and libraries, which belong to who calls them."""
    path, _, name = function
    file = PurePath(path)
    if "invariants" in file.parts:
        return "laws, ledger"
    if file.name == "accounts.py" and name in RISK:
        return "risk scan"
    if file.name == "accounts.py" and name in ("per_account", "per_market"):
        return None
    is_ours = file.parent.name in ("models", "harness")
    return _PART_OF.get(file.name) if is_ours else None


def _owner(function: Function, stats: dict[Function, Any], depth: int = 0) -> str:
    part = part_of(function)
    callers = stats.get(function, (0, 0, 0, 0, {}))[4]
    if part is not None or not callers or depth > 8:
        return part or OTHER
    return _owner(max(callers, key=lambda caller: callers[caller][2]), stats, depth + 1)
