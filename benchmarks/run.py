"""Benchmarks P1 to P7: CPU time of whole nights, side by side with bare SimPy timeouts in the same process.

    python benchmarks/run.py [--rounds N] [--write] [--record]

A machine's neighbours can cost a factor of 1.9, so a goal is a ratio of two things measured in turns, in one process,
and the median of the rounds counts. Each scenario has a committed digest, event count and order rate: a ratio cannot be
improved by adding empty events, and a faster build that plays another night is refused. ``--record`` writes them anew
(a change of the model that is meant), ``--write`` the table in docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import simpy
from parts import profile

from drydock.harness.port import Case, Scenario
from drydock.harness.recorder import Recorder
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.sim import Ties
from drydock.models.events import BlockSealed, Fill, ModeChanged
from drydock.models.kit import VenueKit
from drydock.models.order_events import IntentRejected, OrderPlaced

HERE = Path(__file__).parent
RECORD = HERE / "recorded.json"
PAGE = HERE.parent / "docs" / "performance.md"
BEGIN, END = "<!-- benchmarks/run.py writes from here -->", "<!-- to here -->"
SEED = 0
EVENTS_MIN = {"p1": 97_000, "p1-book": 97_000}
WITH_BOOK = ("venue.order_book={}", "venue.declared.post_only=[cancel, post]")
"""Real books: makers quote, intents are market and limit orders, triggers wait, the mark listens."""
NIGHTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "p1": ("p1.yaml", ()),
    "p1-book": ("p1.yaml", WITH_BOOK),
    "p3": ("p3.yaml", ()),
    "p3-book": ("p3.yaml", WITH_BOOK),
    "p4-300": ("p4.yaml", ()),
    "p4-30000": ("p4.yaml", ("population.accounts=30000",)),
}
KIT = VenueKit()
Triple = tuple[float, float, float]
Facts = dict[str, dict[str, Any]]
Rows = list[tuple[str, str, str, str]]


# ---- nights -------------------------------------------------------------------------------------------------------
def case_of(night: str) -> Case:
    """The case of a benchmark: seed 0, the scenario's only regime, no faults."""
    file, sets = NIGHTS[night]
    scenario: Scenario = load_scenario(str(HERE / file), sets)
    return Case(scenario, scenario.regimes[0], (), SEED)


def facts(case: Case) -> tuple[dict[str, Any], int, int]:
    """What is recorded of a night (digest, events, orders a second of trading), its length in ms, and its blocks."""
    result = run_case(case, KIT, keep_trace=True)
    if result.error or result.findings:
        raise SystemExit(f"the benchmark's night is not clean: {result.error or result.findings[0]}")
    events = result.events or []
    orders = sum(1 for event in events if isinstance(event.data, Fill | IntentRejected | OrderPlaced))
    blocks = sum(1 for event in events if isinstance(event.data, BlockSealed))
    fact = {
        "digest": result.digest,
        "served_events": result.served_events,
        "orders_per_minute": orders * 60_000 // trading_ms(result),
    }
    return fact, result.ended_ms, blocks


def trading_ms(result: RunResult) -> int:
    """How long the venue was in OK."""
    since_ms, total_ms, is_ok = 0, 0, True
    for event in result.events or []:
        if isinstance(event.data, ModeChanged):
            total_ms += event.at_ms - since_ms if is_ok else 0
            since_ms, is_ok = event.at_ms, event.data.mode == "ok"
    return total_ms + (result.ended_ms - since_ms if is_ok else 0)


def check(found: Facts) -> list[str]:
    """What differs from the committed record."""
    recorded = json.loads(RECORD.read_text(encoding="utf-8"))
    wrong = [
        f"{night}: {key} is {found[night][key]}, recorded {value}; --record if the model was meant to change"
        for night, facts_of_night in recorded.items()
        for key, value in facts_of_night.items()
        if night in found and found[night][key] != value
    ]
    for night, least in EVENTS_MIN.items():
        if found[night]["served_events"] < least:
            wrong.append(f"{night}: {found[night]['served_events']} events; at least {least} are asked for")
    return wrong


# ---- measuring ----------------------------------------------------------------------------------------------------
def cpu_s(run: Callable[[], Any]) -> float:
    """CPU seconds of one call."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


def bare(events: int) -> None:
    """As many stock SimPy timeouts, in a hundred processes."""
    env = simpy.Environment()

    def steps() -> Any:
        while True:
            yield env.timeout(1)

    for _ in range(100):
        env.process(steps())
    env.run(until=events // 100)


def in_turns(variants: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """CPU seconds of each variant in each round, one after another within a round."""
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            spent[name].append(cpu_s(run))
    return spent


def variants_of_p1(case: Case, events: int) -> dict[str, Callable[[], Any]]:
    """The whole night, bare SimPy, and the night with one part switched off at a time."""

    def without_digest() -> None:
        with patch.object(Recorder, "record", lambda recorder, happened: None):
            run_case(case, KIT)

    return {
        "night": lambda: run_case(case, KIT),
        "bare": lambda: bare(events),
        "fifo": lambda: run_case(replace(case, ties=Ties("fifo")), KIT),
        "no digest": without_digest,
        "no laws": lambda: run_case(case, KIT, laws=()),
    }


def triple(values: Sequence[float]) -> Triple:
    """Least, median, greatest."""
    return min(values), median(values), max(values)


def measure(rounds: int) -> tuple[Facts, Rows, dict[str, int]]:
    """What is recorded of each night; the rows of the table (id, what, measured, asked for); where P1's time goes."""
    cases = {night: case_of(night) for night in NIGHTS}
    told = {night: facts(case) for night, case in cases.items()}
    found = {night: fact for night, (fact, _, _) in told.items()}
    fact, ended_ms, blocks = told["p1"]
    of_book, book_ms, _ = told["p1-book"]
    with_book = {
        "book": lambda: run_case(cases["p1-book"], KIT),
        "bare, book": lambda: bare(of_book["served_events"]),
    }
    p1 = in_turns({**variants_of_p1(cases["p1"], fact["served_events"]), **with_book}, rounds)
    shares = profile(lambda: run_case(cases["p1"], KIT))
    others = in_turns({n: lambda n=n: run_case(cases[n], KIT) for n in NIGHTS if n[:2] != "p1"}, max(1, rounds // 2))  # type: ignore[misc]
    night = p1["night"]
    risk_s = median(night) * shares.get("risk scan", 0) / 100
    laws_us = [
        (with_laws - without + risk_s) / blocks * 1e6 for with_laws, without in zip(night, p1["no laws"], strict=True)
    ]
    speed = [ended_ms / 1000 / spent_s for spent_s in night]
    speed_of_p3, speed_of_p3_book = ([told[n][1] / 1000 / spent_s for spent_s in others[n]] for n in ("p3", "p3-book"))
    speed_of_book = [book_ms / 1000 / spent_s for spent_s in p1["book"]]
    rows = [
        ("P1", "simulated / CPU time, 12 x 300", spread(speed, "{:,.0f}"), "5,000, then 15,000"),
        ("P2", "CPU / bare SimPy timeouts, as P1", spread(ratios(night, p1["bare"])), "4.5, then 3.0"),
        ("P3", "simulated / CPU time, 117 x 2,000", spread(speed_of_p3, "{:,.0f}"), "1,500, then 5,000"),
        ("P1, book", "the same with order books", spread(speed_of_book, "{:,.0f}"), "5,000, then 15,000"),
        ("P2, book", "the same with order books", spread(ratios(p1["book"], p1["bare, book"])), "4.5, then 3.0"),
        ("P3, book", "the same with order books", spread(speed_of_p3_book, "{:,.0f}"), "1,500, then 5,000"),
        ("P4", "quiet night, 30,000 accounts / 300", spread(ratios(others["p4-30000"], others["p4-300"])), "10"),
        ("P5", "seeded ties, share of a night", spread(saved(night, p1["fifo"]), "{:.0f} %"), "5 %"),
        ("P6", "digest, share of a night", spread(saved(night, p1["no digest"]), "{:.0f} %"), "10 %"),
        ("P7", "laws and risk checks a block, 300 accounts", spread(laws_us, "{:.0f} us"), "25 us"),
    ]  # fmt: skip
    return found, rows, shares


def ratios(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Round by round: neighbours disturb both alike."""
    return [one / other for one, other in zip(ones, others, strict=True)]


def saved(whole: Sequence[float], without: Sequence[float]) -> list[float]:
    """What switching a part off saves, in percent of the whole, round by round."""
    return [100 * (1 - other / one) for one, other in zip(whole, without, strict=True)]


def spread(values: Sequence[float], form: str = "{:.2f}") -> str:
    """``least / median / greatest``."""
    return " / ".join(form.format(value) for value in triple(values))


# ---- telling ------------------------------------------------------------------------------------------------------
def page(
    found: dict[str, dict[str, Any]], rows: list[tuple[str, str, str, str]], shares: dict[str, int], rounds: int
) -> str:
    """The generated part of docs/performance.md."""
    parts = ", ".join(f"{part} {share} %" for part, share in shares.items() if share)
    lines = [
        BEGIN,
        f"{time.strftime('%Y-%m-%d')}, commit {commit()}, Python {platform.python_version()}, {rounds} rounds, "
        "least / median / greatest of turns with bare SimPy.",
        "",
        "| id | what | measured | asked for |",
        "|---|---|---|---|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        "| night | served events | orders a minute | digest |",
        "|---|---|---|---|",
        *(
            f"| {n} | {f['served_events']:,} | {f['orders_per_minute']} | `{f['digest'][:12]}` |"
            for n, f in found.items()
        ),
        "",
        f"Where the time of P1 goes (profiled): {parts}.",
        END,
    ]
    return "\n".join(lines)


def commit() -> str:
    """The commit that was measured, marked where files differ from it."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=HERE, capture_output=True, text=True, check=False
    )
    return told.stdout.strip() or "unknown"


def write_page(text: str) -> None:
    """Puts the generated part in its place."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    PAGE.write_text(before + text + rest.partition(END)[2], encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures, checks against the record, tells."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of P1 (default: 5); the others take half")
    parser.add_argument("--record", action="store_true", help="write digests, events and order rates anew")
    parser.add_argument("--write", action="store_true", help="write the table in docs/performance.md")
    options = parser.parse_args(arguments)
    found, rows, shares = measure(options.rounds)
    if options.record:
        RECORD.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    text = page(found, rows, shares, options.rounds)
    print(text)
    if wrong := check(found):
        print("\n".join(wrong), file=sys.stderr)
        return 1
    if options.write:
        write_page(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
