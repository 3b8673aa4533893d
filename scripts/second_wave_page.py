"""Writes the tables of docs/incidents/paradex-second-wave.md between their markers, from what was measured."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from second_wave_cells import CELLS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "incidents" / "paradex-second-wave.md"
HEAD = "| {what} | seeds | accounts: median [p25-p75] | USD: the same | liquidated, stopped | hit at all | {last} |"
WHAT = {
    "night": "whole or alone", "origin": "ingredients", "band": "price band of the widest market",
    "window": "length of POST_ONLY", "phase": "health check after the mark", "triggers": "orders that were preserved",
    "people": "people and vault", "safeguards": "safeguard",
}  # fmt: skip
Records = Sequence[Mapping[str, Any]]


def render(results: Mapping[str, Records]) -> None:
    """Replaces every table of the page. ``SystemExit`` where a marker or a cell is missing."""
    text = PAGE.read_text("utf-8")
    for table in WHAT:
        cells = [cell for cell in CELLS if cell.table == table]
        missing = [cell.key for cell in cells if len(results.get(cell.key, ())) != cell.seeds]
        if missing:
            raise SystemExit(f"not measured, or with another number of seeds: {', '.join(missing)}")
        text = _between(text, table, "\n".join(table_of(table, results)))
    PAGE.write_text(text, "utf-8")


def table_of(table: str, results: Mapping[str, Records]) -> list[str]:
    """The lines of one table."""
    head = HEAD.format(what=WHAT[table], last="bad debt, USD: mean" if table == "safeguards" else "worst market")
    lines = [head, re.sub(r"[^|]+", "---", head)]
    for cell in CELLS:
        if cell.table == table:
            lines.append(_row(cell.name, results[cell.key], table == "safeguards"))
    return lines


def _row(name: str, records: Records, with_debt: bool) -> str:
    accounts = _quartiles([record["accounts"] for record in records])
    usd = _quartiles([record["usd"] for record in records])
    liquidated, stopped = (_median([record[kind][0] for record in records]) for kind in ("liquidation", "trigger"))
    hit = sum(record["accounts"] > 0 for record in records) * 100 // len(records)
    debt = sum(record["bad_debt"] for record in records) // len(records)
    last = f"{debt:,}" if with_debt else _worst(records)
    return f"| {name} | {len(records)} | {accounts} | {usd} | {liquidated:,}, {stopped:,} | {hit} % | {last} |"


def _worst(records: Records) -> str:
    """The market with the most to refund over all seeds, its share, and in how many seeds it is the worst."""
    total = sum(record["usd"] for record in records)
    by_market: dict[str, int] = {}
    firsts: dict[str, int] = {}
    for record in records:
        for name, usd in record["top"]:
            by_market[name] = by_market.get(name, 0) + usd
        if record["top"]:
            firsts[record["top"][0][0]] = firsts.get(record["top"][0][0], 0) + 1
    if not total:
        return "none"
    worst = max(sorted(by_market), key=lambda name: by_market[name])
    share = by_market[worst] * 100 // total
    return f"{worst.removesuffix('-USD-PERP')}: {share} % of USD, worst in {firsts.get(worst, 0)} of {len(records)}"


def _median(values: Sequence[int]) -> int:
    """The lower of the middle two of an even number."""
    return sorted(values)[(len(values) - 1) // 2]


def _quartiles(values: Sequence[int]) -> str:
    ordered = sorted(values)
    low, high = ordered[(len(ordered) - 1) // 4], ordered[(len(ordered) - 1) * 3 // 4]
    return f"{_median(values):,} [{low:,}-{high:,}]"


def _between(text: str, table: str, lines: str) -> str:
    begin, end = f"<!-- second_wave {table}: begin -->", f"<!-- second_wave {table}: end -->"
    if begin not in text or end not in text:
        raise SystemExit(f"{PAGE.name} lacks the markers of the table '{table}': {begin} and {end}")
    before, rest = text.split(begin, 1)
    return f"{before}{begin}\n{lines}\n{end}{rest.split(end, 1)[1]}"
