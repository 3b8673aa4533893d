"""What a real PostgreSQL costs: the Paradex night on it and on the simulated database, in turns, in one process.

    python benchmarks/postgres.py [--postgres embedded] [--rounds N] [--accounts N] [--write]

Real seconds, for servers are processes of their own. Starts, crashes and promotions are counted apart: what is compared
is what statements cost. Then 50 Cases of the bench venue are played one after another, and the servers that were
started for them are counted. ``--write`` writes the table in docs/postgres.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1]))

from drydock.harness.port import Case
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.models.kit import VenueKit
from drydock.models.postgres import pool
from tests.models.postgres.page import keep

NIGHT, BENCH = "paradex-2026-01-19", "bench"
CASES = 50
RATIO_MAX = 40


class Turn(NamedTuple):
    """Real seconds of one night on each; ``apart_s`` of the real one went into starts, crashes and promotions."""

    simulated_s: float
    real_s: float
    apart_s: float

    @property
    def ratio(self) -> float:
        """Without what is taken apart."""
        return (self.real_s - self.apart_s) / self.simulated_s


def played_s(case: Case, kit: VenueKit) -> tuple[float, str]:
    """Real seconds of a night, and its digest."""
    begun_s = time.perf_counter()
    result = run_case(case, kit)
    if result.error:
        raise SystemExit(f"the night ended in an error: {result.error}")
    return time.perf_counter() - begun_s, result.digest


def turn(case: Case, kit: VenueKit) -> Turn:
    """One night on each; they are the same night, or nothing is compared."""
    simulated_s, digest = played_s(case, VenueKit())
    before_s = pool.costs().total_s
    real_s, other = played_s(case, kit)
    if digest != other:
        raise SystemExit(f"two nights, not one: {digest} simulated, {other} on a real server")
    return Turn(simulated_s, real_s, pool.costs().total_s - before_s)


def starts_of_many(kit: VenueKit) -> int:
    """How many servers were started for Cases one after another, on a process that had none free."""
    scenario, before = load_scenario(BENCH), pool.costs().starts
    for seed in range(CASES):
        played_s(Case(scenario, scenario.reported_regime, scenario.reported, seed), kit)
    return pool.costs().starts - before


def spread(values: Sequence[float]) -> str:
    """``least / median / greatest``."""
    return " / ".join(f"{value:.2f}" for value in (min(values), median(values), max(values)))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures and tells; 1 where the ratio is beyond what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgres", default="embedded", help="embedded, system, docker: as drydock has it")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accounts", type=int, default=10_000, help="people of the night (default: all)")
    parser.add_argument("--write", action="store_true", help="write the table in docs/postgres.md")
    asked = parser.parse_args(arguments)
    scenario = load_scenario(NIGHT, (f"population.accounts={asked.accounts}",))
    case = Case(scenario, scenario.reported_regime, scenario.reported, 0)
    with VenueKit().on("postgres", asked.postgres) as kit:
        told, starts = kit.databases.told, starts_of_many(kit)
        turns = [turn(case, kit) for _ in range(asked.rounds)]
    figures = {
        "simulated": spread([one.simulated_s for one in turns]),
        "real": spread([one.real_s for one in turns]),
        "apart": spread([one.apart_s for one in turns]),
        "ratio": spread([one.ratio for one in turns]),
        "rounds": asked.rounds,
        "accounts": asked.accounts,
        "cases": CASES,
        "starts": starts,
    }
    print(f"{told}: {figures}")
    if asked.write:
        keep("ratio", told, figures)
    return 0 if median([one.ratio for one in turns]) <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
