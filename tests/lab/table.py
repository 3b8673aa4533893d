"""The tables of ``docs/lab.md``, made from what ``docs/lab.json`` keeps."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.lab.bugs import BUGS
from tests.lab.controls import CONTROLS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "lab.md"
BEGIN, END = "<!-- lab: begin -->", "<!-- lab: end -->"
BASELINE, PORTFOLIO = "uniform", "portfolio"

Found = dict[str, dict[str, list[int | None]]]
"""By strategy, by bug: the run that showed it, or None, of each seed."""


def write_table(known: Mapping[str, Any]) -> None:
    """Puts the tables between their markers."""
    text = PAGE.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n\n" + "\n".join(lines(known)) + "\n\n" + END + after, encoding="utf-8")


def lines(known: Mapping[str, Any]) -> list[str]:
    """Both tables and the sentence on controls."""
    found, cap = _found(known)
    return [*_by_strategy(found, cap), "", *_controls(known), "", *_by_bug(found, cap)]


def _found(known: Mapping[str, Any]) -> tuple[Found, int]:
    """Searches that ended, by strategy and bug; all have one cap, the greatest that was asked for."""
    asked = [key.split("/") for key in known if key.startswith("find/")]
    cap = max((int(parts[4]) for parts in asked), default=0)
    there = {bug.name for bug in BUGS}
    found: Found = defaultdict(lambda: defaultdict(list))
    for parts in asked:
        if int(parts[4]) == cap and parts[1] in there:
            found[parts[2]][parts[1]].append(known["/".join(parts)])
    return found, cap


def quantile(values: Sequence[int | None], share_ppm: int) -> int | None:
    """The smallest value that so large a share does not exceed; a search that gave up is beyond every value."""
    ordered = sorted(values, key=lambda value: (value is None, value))
    return ordered[max(0, -(-len(ordered) * share_ppm // 1_000_000) - 1)] if ordered else None


def _text(value: int | None, cap: int) -> str:
    return f"> {cap:,}" if value is None else f"{value:,}"


def without_memory(runs: Sequence[int | None], cap: int) -> int:
    """Median runs of a strategy that learns nothing, from all of its searches, also where most gave up at the cap.

    Each of its runs shows the bug with the same share p: what was found over all that was played. So half of all
    searches find it within ln(1/2) / ln(1 - p) runs. Where nothing was found p is below 3 / runs with 95 % confidence,
    and where most gave up it is the cap at least.
    """
    hits, played = sum(run is not None for run in runs), sum(run or cap for run in runs)
    share = (hits or 3) / played
    middle = 1 if share >= 0.5 else math.ceil(math.log(0.5) / math.log(1 - share))
    return middle if 2 * hits >= len(runs) else max(middle, cap)


def _ratio(found: Found, strategy: str, cap: int) -> str:
    """Median over bugs of (median runs of the strategy / of the baseline), one that gave up counted at the cap."""
    shares = sorted(
        (quantile(runs, 500_000) or cap) / without_memory(found[BASELINE][bug], cap)
        for bug, runs in found[strategy].items()
        if found[BASELINE].get(bug)
    )
    return f"{shares[(len(shares) - 1) // 2]:.2f} of {len(shares)} bugs" if shares else "-"


def _by_strategy(found: Found, cap: int) -> Iterator[str]:
    yield "| strategy | bugs | searches | found | median runs | p90 runs | median of runs / uniform's |"
    yield "|---|---|---|---|---|---|---|"
    for strategy, bugs in sorted(found.items(), key=lambda entry: (entry[0] != PORTFOLIO, entry[0])):
        every = [run for runs in bugs.values() for run in runs]
        share = 100 * sum(run is not None for run in every) // len(every)
        middle, late = (_text(quantile(every, ppm), cap) for ppm in (500_000, 900_000))
        ratio = _ratio(found, strategy, cap)
        yield f"| {strategy} | {len(bugs)} | {len(every)} | {share} % | {middle} | {late} | {ratio} |"


def _controls(known: Mapping[str, Any]) -> Iterator[str]:
    there = {control.name for control in CONTROLS}
    played: dict[str, list[tuple[int, list[str]]]] = defaultdict(list)
    for key, accused in known.items():
        what, name, _, _, runs = key.split("/")
        if what == "controls" and name in there:
            played[name].append((int(runs), accused))
    total = sum(runs for tries in played.values() for runs, _ in tries)
    flagged = sorted(name for name, tries in played.items() if any(accused for _, accused in tries))
    yield f"Controls: {len(played)} of {len(CONTROLS)} played, {total:,} runs in all, {len(flagged)} accused" + (
        f" ({', '.join(flagged)})." if flagged else "."
    )


def _by_bug(found: Found, cap: int) -> Iterator[str]:
    strategies = [name for name in (PORTFOLIO, BASELINE) if name in found]
    heads = " | ".join(f"{name}: median, p90, seeds" for name in strategies)
    yield f"| bug | law | needs | what is wrong | {heads} |"
    yield "|---|---|---|---|" + "---|" * len(strategies)
    for bug in BUGS:
        cells = " | ".join(_cell(found[strategy].get(bug.name, []), cap) for strategy in strategies)
        yield f"| {bug.name} | {bug.law} | {bug.needs} | {bug.sentence} | {cells} |"


def _cell(runs: Sequence[int | None], cap: int) -> str:
    if not runs:
        return "-"
    return f"{_text(quantile(runs, 500_000), cap)}, {_text(quantile(runs, 900_000), cap)}, {len(runs)}"
