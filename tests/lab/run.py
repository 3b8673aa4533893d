"""The proving ground as a whole, by hand: what each strategy needs to find each planted bug, and whom it accuses.

    python -m tests.lab.run find [--seeds N] [--strategies a,b] [--bugs a,b] [--cap N]
    python -m tests.lab.run controls [--runs N] [--strategies a,b] [--seeds N]
    python -m tests.lab.run witness NAME...
    python -m tests.lab.run estimate [--seeds N] [--runs N]
    python -m tests.lab.run table

Every answer is kept in ``docs/lab.json`` as soon as it is there, and is not asked for again: it can be run in pieces,
and stopped. ``--fresh`` begins anew, as it has to after a change of ``lab.yaml``; a change of the search or of the
venue asks for it too, and nobody notices if it is forgotten.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from drydock.harness.explore.portfolio import SHARES
from tests.lab.bugs import BUGS
from tests.lab.controls import CONTROLS
from tests.lab.planted import keep_witness, scenario
from tests.lab.search import CAP, PORTFOLIO, accusations, bug_of, control_of, search, smallest
from tests.lab.table import BASELINE, write_table

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "docs" / "lab.json"
BASIS = "basis"
"""The key under which it is kept which right build and threats all answers are about."""
STRATEGIES = (PORTFOLIO, *SHARES)
WORKERS = 2
_TIMED_RUNS = 80
_FEW_SEEDS = 3
_PIECE_RUNS = 500
"""Runs of a control that are one answer: a search of its own, so that a stop loses little."""


class Task(NamedTuple):
    """One search: ``runs`` is its cap, or, for a control, how many are played."""

    what: str
    name: str
    strategy: str
    seed: int
    runs: int

    @property
    def key(self) -> str:
        """Under which its answer is kept."""
        return f"{self.what}/{self.name}/{self.strategy}/{self.seed}/{self.runs}"


def play(task: Task) -> tuple[str, Any]:
    """(key, answer): the run that showed the bug or None; of a control the signatures that it was accused of."""
    if task.what == "find":
        failure = search(bug_of(task.name), task.strategy, task.seed, task.runs)
        return task.key, None if failure is None else failure.run
    told = accusations(control_of(task.name), task.strategy, task.seed, task.runs)
    return task.key, [accused.law for accused in told]


def kept(path: Path = KEPT) -> dict[str, Any]:
    """What is known so far. ``SystemExit`` where that is of another basis: old answers and new ones make no table."""
    if not path.exists():
        return {}
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if known.pop(BASIS, None) != scenario().hash:
        raise SystemExit(f"{path.name} was played with another lab.yaml; --fresh forgets it and begins anew")
    return known


def keep(known: dict[str, Any], path: Path = KEPT) -> None:
    """Writes it, a line an answer."""
    told = {BASIS: scenario().hash, **{key: known[key] for key in sorted(known)}}
    lines = (f" {json.dumps(key)}: {json.dumps(answer)}" for key, answer in told.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def tasks_of(asked: argparse.Namespace) -> Iterator[Task]:
    """What was asked for, seed by seed, so that a stop leaves whole rounds."""
    names = asked.bugs.split(",") if asked.bugs else None
    builds: Sequence[Any] = BUGS if asked.what == "find" else CONTROLS
    runs = asked.cap if asked.what == "find" else asked.runs
    for seed in range(1, asked.seeds + 1):
        for strategy in asked.strategies.split(","):
            yield from (
                Task(asked.what, build.name, strategy, seed, runs)
                for build in builds
                if names is None or build.name in names
            )


def play_all(tasks: Sequence[Task], known: dict[str, Any]) -> None:
    """Plays what is not known yet, on two processors."""
    todo = [task for task in tasks if task.key not in known]
    print(f"{len(tasks)} searches, {len(todo)} to do", file=sys.stderr)
    with get_context("spawn").Pool(WORKERS, maxtasksperchild=20) as pool:
        for number, (key, answer) in enumerate(pool.imap_unordered(play, todo), 1):
            known[key] = answer
            keep(known)
            print(f"{number}/{len(todo)} {key}: {answer}", file=sys.stderr, flush=True)


def whole(seeds: int, cap: int, runs: int) -> list[Task]:
    """All of it: portfolio and baseline with every seed, the other strategies with a few; the controls in pieces."""
    found = [
        Task("find", bug.name, strategy, seed, cap)
        for seed in range(1, seeds + 1)
        for strategy in STRATEGIES
        if seed <= _FEW_SEEDS or strategy in (PORTFOLIO, BASELINE)
        for bug in BUGS
    ]
    pieces = range(1, runs // _PIECE_RUNS + 1)
    accused = [Task("controls", control.name, PORTFOLIO, seed, _PIECE_RUNS) for seed in pieces for control in CONTROLS]
    return [*found, *accused]


def estimate(tasks: Sequence[Task]) -> None:
    """What that would cost, from a few timed runs: an upper bound, as if no bug were ever found."""
    began_s = time.perf_counter()
    accusations(CONTROLS[0], PORTFOLIO, 1, _TIMED_RUNS)
    each_s = (time.perf_counter() - began_s) / _TIMED_RUNS
    most = sum(task.runs for task in tasks)
    hours = most * each_s / WORKERS / 3600
    print(
        f"at most {most:,} runs of {1000 * each_s:.0f} ms, if nothing were found: {hours:.1f} h on {WORKERS} processors"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what was asked."""
    parser = argparse.ArgumentParser(description="The proving ground: planted bugs and right builds.")
    parser.add_argument("what", choices=("find", "controls", "witness", "estimate", "table", "all"))
    parser.add_argument("names", nargs="*", help="bugs, for witness")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--strategies", default=",".join(STRATEGIES))
    parser.add_argument("--bugs", default="", help="bugs or controls, separated by commas; default: all")
    parser.add_argument("--cap", type=int, default=CAP, help="runs after which a search gives up")
    parser.add_argument("--runs", type=int, default=10_000, help="runs of each control (with controls: of one seed)")
    parser.add_argument("--fresh", action="store_true", help="forget what is known")
    asked = parser.parse_args(arguments)
    known = {} if asked.fresh else kept()
    if asked.what in ("find", "controls"):
        play_all(list(tasks_of(asked)), known)
    elif asked.what in ("all", "estimate"):
        tasks = whole(asked.seeds, asked.cap, asked.runs)
        estimate(tasks)
        if asked.what == "all":
            play_all(tasks, known)
    elif asked.what == "witness":
        for name in asked.names:
            _witness(name, asked.cap)
    if asked.what in ("all", "table"):
        write_table(kept())
    return 0


def _witness(name: str, cap: int) -> None:
    """Finds, shrinks and keeps the case that shows a bug."""
    bug = bug_of(name)
    failure = search(bug, PORTFOLIO, 1, cap)
    if failure is None:
        print(f"{name}: not found in {cap} runs", file=sys.stderr)
        return
    case = smallest(bug, failure)
    keep_witness(bug, case)
    print(f"{name}: run {failure.run}, {len(case.plan)} faults, {len(case.ties.laggards)} laggards")


if __name__ == "__main__":
    sys.exit(main())
