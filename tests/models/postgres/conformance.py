"""The simulated database against a real one: the same operations, the same answers.

    python -m tests.models.postgres.conformance [--steps 10000] [--postgres embedded] [--write]

Plays until so many operations were compared, each round of examples from a seed of its own, so that a second call plays
the same. A difference ends it: what is printed is the shortest story that shows it. ``--write`` keeps the figures for
the table in docs/postgres.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from functools import partial

from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from drydock.models.kit import VenueKit
from drydock.models.postgres import pool
from tests.models.database_machine import Agreement, MakeDesk, agreement
from tests.models.desk import DoorDesk, simulated
from tests.models.postgres.page import keep
from tests.models.postgres.real import POSTGRES, real

STEPS_EACH = 40
EXAMPLES_A_ROUND = 5
EACH = 10
"""Rounds after which a line says how far it has come."""


def play(steps: int, *makers: MakeDesk) -> tuple[type[Agreement], int]:
    """The machine that has compared so many operations, and in how many rounds. Raises ``AssertionError``."""
    machine = agreement(*makers)
    asked = settings(
        max_examples=EXAMPLES_A_ROUND,
        stateful_step_count=STEPS_EACH,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    rounds = 0
    while machine.played.total() < steps:
        rounds += 1
        run_state_machine_as_test(seed(rounds)(machine), settings=asked)
        if rounds % EACH == 0:
            print(f"{machine.played.total():,} operations compared", file=sys.stderr, flush=True)
    return machine, rounds


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays, and tells what was played."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--postgres", default="embedded", help="embedded, system, docker: as drydock has it")
    parser.add_argument("--write", action="store_true", help="keep the figures for docs/postgres.md")
    asked = parser.parse_args(arguments)
    with VenueKit().on(POSTGRES, asked.postgres) as kit:
        told = kit.databases.told
        begun_s = time.perf_counter()
        try:
            machine, rounds = play(asked.steps, partial(DoorDesk, simulated()), partial(DoorDesk, real(kit.databases)))
        except AssertionError as difference:
            print(f"{told}: a difference\n{difference}", file=sys.stderr)
            return 1
        took_s = time.perf_counter() - begun_s
    steps, starts = machine.played.total(), pool.costs().starts
    print(f"{told}: {steps:,} operations in {rounds * EXAMPLES_A_ROUND} examples, no difference;")
    print(f"{took_s:.0f} s, {starts} servers started; {dict(machine.played.most_common())}")
    if asked.write:
        figures = {"steps": steps, "differences": 0, "seconds": round(took_s), "starts": starts}
        keep("conformance", told, {**figures, "played": dict(machine.played.most_common())})
    return 0


if __name__ == "__main__":
    sys.exit(main())
