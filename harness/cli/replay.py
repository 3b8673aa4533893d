"""``drydock replay``: a saved case again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.options import Common, check_writable, common, duration_ms

if TYPE_CHECKING:
    from drydock.harness.port import Case


@click.command(name="replay")
@click.argument("file", metavar="FILE")
@click.option("--trace", metavar="FILE", help="Write every event as JSON Lines.")
@click.option("--until", callback=duration_ms, metavar="T", help="Tell no more than this of the window, e.g. 12m.")
@common
def command(file: str, trace: str | None, until: int | None, common: Common) -> int:
    """The case in FILE again, told as a timeline: with --set, does it help?

    0 clean, 1 still broken, 3 no longer applies: a fault of its plan has lost its step or target. The whole run is
    played and judged, also with --until.
    """
    from drydock.harness.cli.run import play
    from drydock.harness.registry import kit

    check_writable(trace, common.json_to)
    common.load_code()
    case = _read(file, common)
    code = play(case, kit(case.scenario.kit), common, trace=trace, until_ms=until)
    if code == exits.GO and (gone := inapplicable(case)):
        click.echo(f"{file} no longer applies: {', '.join(gone)} has lost its step or target.", err=True)
        return exits.INCONCLUSIVE
    return code


def inapplicable(case: Case) -> list[str]:
    """The faults of the plan that do not apply to the scenario, by kind and step."""
    return [f"{f.kind} at {f.step}" for f in case.plan if not f.applicable(case.scenario)]


def _read(file: str, common: Common) -> Case:
    """The case, with ``--set`` over the scenario that it embeds. ``BadFile`` with all mistakes."""
    from drydock.harness.case_file import case_from_plain
    from drydock.harness.mistakes import Mistakes
    from drydock.harness.scenario import apply_sets
    from drydock.harness.yaml_file import read_plain

    mistakes = Mistakes()
    data, places = read_plain(file, mistakes)
    mistakes.raise_if_any()
    data, places = apply_sets(data, places, [f"scenario.{setting}" for setting in common.sets], mistakes)
    mistakes.raise_if_any()
    case = case_from_plain(data, places)
    return case if common.seed is None else replace(case, seed=common.seed)
