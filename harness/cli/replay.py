"""``drydock replay``: a saved case again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.options import Common, check_targets, common, duration_ms

if TYPE_CHECKING:
    from drydock.harness.places import Places
    from drydock.harness.port import Case, Plain


@click.command(name="replay")
@click.argument("file", metavar="FILE")
@click.option("--trace", metavar="FILE", help="Write every event as JSON Lines.")
@click.option("--until", callback=duration_ms, metavar="T", help="Tell no more than this of the window, e.g. 12m.")
@common
def command(file: str, trace: str | None, until: int | None, common: Common) -> int:
    """The case in FILE again, told as a timeline: with --set, does it help?

    0 clean, 1 still broken, 3 no longer applies: a step, a target, a fault or a file that it names is not there any
    more. The whole run is played and judged, also with --until.
    """
    from drydock.harness.cli.run import play
    from drydock.harness.registry import kit

    check_targets(common, trace)
    common.load_code()
    try:
        case = _read(file, common)
    except NoLongerApplies as gone:
        return _say_gone(file, str(gone))
    code = play(case, kit(case.scenario.kit), common, trace=trace, until_ms=until)
    idle = ", ".join(f"{fault.kind} at {fault.step}" for fault in case.plan if not fault.applicable(case.scenario))
    return _say_gone(file, f"{idle} cannot strike this scenario") if idle and code == exits.GO else code


class NoLongerApplies(Exception):
    """A case that was right when it was written names what is not there today; the text says what."""


def _say_gone(file: str, why: str) -> int:
    click.echo(f"{why}\n{file} no longer applies: neither fixed nor broken.", err=True)
    return exits.INCONCLUSIVE


def _read(file: str, common: Common) -> Case:
    """The case, with ``--set`` over the scenario that it embeds. ``BadFile`` for what never was a case."""
    from drydock.harness.case_file import case_from_plain, read_case_data
    from drydock.harness.mistakes import BadFile, Mistakes
    from drydock.harness.scenario import apply_sets

    mistakes = Mistakes()
    data, places = read_case_data(file)
    data, places = apply_sets(data, places, [f"scenario.{setting}" for setting in common.sets], mistakes)
    mistakes.raise_if_any()
    try:
        case = case_from_plain(data, places)
    except BadFile as bad:
        if common.sets or not _is_well_formed(data, places):
            raise
        raise NoLongerApplies(str(bad)) from None
    return case if common.seed is None else replace(case, seed=common.seed)


def _is_well_formed(data: Plain, places: Places) -> bool:
    """Whether this is a case by its shape: then it is the world that has changed, and not the file."""
    from drydock.harness.case_file import CaseKeys
    from drydock.harness.mistakes import Mistakes
    from drydock.harness.typed import build

    return build(CaseKeys, data, (), places, Mistakes()) is not None
