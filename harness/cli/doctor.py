"""``drydock doctor``: this machine, and a proof that runs are deterministic on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.options import Common, common, default_scenario

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.doctor import Diagnosis
    from drydock.harness.port import Case, Plain

_PREFERRED = "bench"


@click.command(name="doctor")
@click.option("--scenario", metavar="NAME|FILE", help="What to run for the proof; default: bench.")
@common
def command(scenario: str | None, common: Common) -> int:
    """Facts about this machine, and one case run three times: twice here, once in another process.

    0 where all digests are equal, 1 where they differ: then nothing that Drydock says here can be relied on.
    """
    from drydock.harness.doctor import diagnose
    from drydock.harness.port import Case

    common.load_code()
    loaded, _ = common.scenario(scenario or default_scenario(_PREFERRED))
    case = Case(loaded, loaded.reported_regime, loaded.reported, common.first_seed)
    diagnosis = diagnose(lambda: case)
    common.answer(lambda: _plain(diagnosis, case), lambda console: _tell(console, diagnosis, case, common.verbosity))
    return exits.GO if diagnosis.is_healthy else exits.NO_GO


def _plain(diagnosis: Diagnosis, case: Case) -> Plain:
    return {
        "schema": "drydock.doctor/1",
        "is_healthy": diagnosis.is_healthy,
        "facts": dict(diagnosis.facts),
        "case": {"scenario": case.scenario.name, "regime": case.regime, "seed": case.seed},
        "proofs": [
            {"name": p.name, "holds": p.holds, "expected": p.expected, "actual": p.actual, "divergence": p.divergence}
            for p in diagnosis.proofs
        ],
    }


def _tell(console: Console, diagnosis: Diagnosis, case: Case, verbosity: int) -> None:
    from rich.text import Text

    from drydock.harness.report.console import grid, heading, indented, print_lines

    if verbosity >= 0:
        facts = grid(False, False)
        for name, value in diagnosis.facts.items():
            facts.add_row(Text(name.replace("_", " "), style="dim"), value)
        print_lines(console, Text("This machine", style="bold"), indented(facts))
        print_lines(console, heading(f"The same case twice: {case.scenario.name}, {case.regime}, seed {case.seed}"))
        for proof in diagnosis.proofs:
            told = f"equal digests, {proof.actual}" if proof.holds else f"DIFFERS first at {proof.divergence}"
            line = Text(f"{proof.name}: {told}", style="" if proof.holds else "red")
            print_lines(console, indented(line, bullet="-"))
        print_lines(console, "")
    healthy = Text("Runs are deterministic on this machine.", style="bold green")
    broken = Text("Runs are NOT deterministic on this machine: rely on no verdict made here.", style="bold red")
    print_lines(console, healthy if diagnosis.is_healthy else broken)
