"""The tables of docs/postgres.md, made from what docs/postgres.json keeps of each server."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from drydock.harness.database import Database

DOCS = Path(__file__).resolve().parents[3] / "docs"
KEPT, PAGE = DOCS / "postgres.json", DOCS / "postgres.md"
BEGIN, END = "<!-- {}: begin -->", "<!-- {}: end -->"


def keep(what: str, told: Database, figures: Mapping[str, Any]) -> None:
    """Keeps what was measured on this server in place of what was kept before, and writes the page."""
    known = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    when = {"date": time.strftime("%Y-%m-%d"), "commit": commit()}
    known.setdefault(what, {})[told.choice] = {"server": told.server, **when, **figures}
    KEPT.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    for name, lines in (("conformance", conformance), ("cases", cases), ("ratio", ratio)):
        text = _between(text, name, "\n".join(lines(known.get(name, {}))))
    PAGE.write_text(text, encoding="utf-8")


def commit() -> str:
    """The commit that was measured, marked where files differ from it; this page may."""
    asked = ("git", "rev-parse", "--short", "HEAD"), ("git", "status", "--porcelain", "--", ".", ":!docs/postgres.*")
    short, changed = (
        subprocess.run(words, cwd=DOCS.parent, capture_output=True, text=True, check=False).stdout for words in asked
    )
    return (short.strip() or "unknown") + ("-dirty" if changed else "")


def _between(text: str, name: str, lines: str) -> str:
    before, rest = text.split(BEGIN.format(name))
    return f"{before}{BEGIN.format(name)}\n\n{lines}\n\n{END.format(name)}{rest.split(END.format(name))[1]}"


def conformance(kept: Mapping[str, Any]) -> Iterator[str]:
    """A row for each server."""
    yield "| server | operations compared | differences | servers started | time | on | commit |"
    yield "|---|---|---|---|---|---|---|"
    for choice, row in kept.items():
        counts = f"{row['steps']:,} | {row['differences']} | {row['starts']} | {row['seconds']} s"
        yield f"| {row['server']}, {choice} | {counts} | {row['date']} | {row['commit']} |"
    for choice, row in kept.items():
        of = ", ".join(f"{kind} {count:,}" for kind, count in row["played"].items())
        yield f"\nOn {choice}: {of}."


def cases(kept: Mapping[str, Any]) -> Iterator[str]:
    """A row for each plan; of each server how many digests are equal."""
    heads = " | ".join(f"{row['server']}, {choice}: equal" for choice, row in kept.items())
    yield f"| scenario | faults | Cases | exercised | {heads} |"
    yield "|---|---|---|---|" + "---|" * len(kept)
    every = list(dict.fromkeys(plan for row in kept.values() for plan in row["plans"]))
    for plan in every:
        played, exercised = next(row["plans"][plan][:2] for row in kept.values() if plan in row["plans"])
        equal = " | ".join(str(row["plans"].get(plan, "---")[2]) for row in kept.values())
        yield f"| {plan.replace(': ', ' | ')} | {played} | {exercised} | {equal} |"
    for choice, row in kept.items():
        played, exercised, equal = (sum(counts[n] for counts in row["plans"].values()) for n in range(3))
        digests = f"{equal} of {played} digests equal, {exercised} of {played} Cases with every fault exercised"
        yield f"\n{_whose(choice, row)}: {digests}; {row['starts']} servers started, {row['seconds']} s."


def ratio(kept: Mapping[str, Any]) -> Iterator[str]:
    """A row for each server."""
    yield "| server | simulated | PostgreSQL | of it starts, crashes, promotions | ratio without these | asked for |"
    yield "|---|---|---|---|---|---|"
    for choice, row in kept.items():
        cells = f"{row['simulated']} | {row['real']} | {row['apart']} | {row['ratio']}"
        yield f"| {row['server']}, {choice} | {cells} | 40 |"
    for choice, row in kept.items():
        told = f"{row['accounts']:,} accounts, rounds: {row['rounds']}; least / median / greatest in seconds"
        many = f"{row['cases']} Cases of the bench venue one after another started {row['starts']} servers"
        yield f"\n{_whose(choice, row)}: {told}; {many}."


def _whose(choice: str, row: Mapping[str, Any]) -> str:
    return f"{row['server']}, {choice} ({row['date']}, commit {row['commit']})"
