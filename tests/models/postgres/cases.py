"""200 Cases on both databases: the same digest, or the model is wrong.

    python -m tests.models.postgres.cases [--postgres embedded] [--only 17 18] [--write]

``--write`` keeps what came out for the table in docs/postgres.md.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from drydock.harness.database import DatabaseFailed
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.models.kit import VenueKit
from drydock.models.postgres import pool
from tests.models.postgres.case_list import Listed, listed
from tests.models.postgres.page import keep
from tests.models.postgres.real import POSTGRES

EACH = 20
"""Cases after which a line says how far it has come."""


class Compared(NamedTuple):
    """One Case on both."""

    case: Listed
    simulated: RunResult
    real: RunResult

    @property
    def is_equal(self) -> bool:
        """The same Trace, and both of a whole night."""
        return not (self.simulated.error or self.real.error) and self.simulated.digest == self.real.digest

    @property
    def is_exercised(self) -> bool:
        """Whether an operation met every fault."""
        return all(evidence.exercised for evidence in self.real.evidence)

    @property
    def difference(self) -> str:
        """For people: what came out, where that is not the same; empty where it is."""
        if self.is_equal:
            return ""
        errors = "".join(f", {result.error}" for result in (self.simulated, self.real) if result.error)
        return f"{self.case.name}: simulated {self.simulated.digest[:12]}, real {self.real.digest[:12]}{errors}"


def compare(cases: Iterable[Listed], kit: VenueKit) -> Iterator[Compared]:
    """Plays them one after another, on the simulated database and on the kit's."""
    simulated = VenueKit()
    for each in cases:
        case = each.case()
        wanted = run_case(case, simulated)
        try:
            yield Compared(each, wanted, run_case(case, kit))
        except DatabaseFailed as failed:  # the others are played all the same
            yield Compared(each, wanted, replace(wanted, digest="", error=str(failed)))


def by_plan(compared: Iterable[Compared]) -> dict[str, tuple[int, int, int]]:
    """``bench: lost_tail`` to how many Cases, how many of them with every fault exercised, how many equal."""
    found: dict[str, list[Compared]] = defaultdict(list)
    for one in compared:
        name = one.case.scenario if one.case.scenario == "bench" else f"{one.case.scenario}, {one.case.build}"
        found[f"{name}: {' and '.join(f'`{fault.kind}`' for fault in one.case.plan)}"].append(one)
    return {
        plan: (len(those), sum(one.is_exercised for one in those), sum(one.is_equal for one in those))
        for plan, those in found.items()
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays, and tells what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--postgres", default="embedded", help="embedded, system, docker: as drydock has it")
    parser.add_argument("--only", type=int, nargs="*", help="numbers of Cases")
    parser.add_argument("--write", action="store_true", help="keep what came out for docs/postgres.md")
    asked = parser.parse_args(arguments)
    chosen = [each for each in listed() if not asked.only or each.number in asked.only]
    compared: list[Compared] = []
    begun_s = time.perf_counter()
    with VenueKit().on(POSTGRES, asked.postgres) as kit:
        told = kit.databases.told
        for one in compare(chosen, kit):
            compared.append(one)
            if one.difference:
                print(one.difference, file=sys.stderr)
            if len(compared) % EACH == 0:
                print(f"{len(compared)} of {len(chosen)} played", file=sys.stderr, flush=True)
    took_s, starts = time.perf_counter() - begun_s, pool.costs().starts
    equal, exercised = sum(one.is_equal for one in compared), sum(one.is_exercised for one in compared)
    print(f"{told}: {equal} of {len(compared)} digests equal, {exercised} with every fault exercised;")
    print(f"{took_s:.0f} s, {starts} servers started")
    if asked.write:
        keep("cases", told, {"plans": by_plan(compared), "seconds": round(took_s), "starts": starts})
    return 0 if equal == exercised == len(compared) else 1


if __name__ == "__main__":
    sys.exit(main())
