"""``drydock replay``: a saved case or a regression again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from drydock.harness.cli import exits
from drydock.harness.cli.database import Wanted, database_options, strikes_of
from drydock.harness.cli.options import Common, check_targets, common, duration_ms, report_option

if TYPE_CHECKING:
    from drydock.harness.places import Places
    from drydock.harness.port import Case, Plain
    from drydock.harness.regression import Regression


@click.command(name="replay")
@click.argument("file", metavar="FILE")
@click.option("--trace", metavar="FILE", help="Write every event as JSON Lines.")
@click.option("--until", callback=duration_ms, metavar="T", help="Tell no more than this of the window, e.g. 12m.")
@database_options
@report_option
@common
def command(file: str, trace: str | None, until: int | None, wanted: Wanted, report: str | None, common: Common) -> int:
    """The case or the regression in FILE again, told as a timeline: with --set, does it help?

    A case brings its scenario; a regression is played on the scenario as it is today. 0 clean (fixed), 1 still broken,
    3 no longer applies: a step, a target, a fault or a file that it names is not there any more. The whole run is
    played and judged, also with --until.
    """
    from drydock.harness.cli.run import play
    from drydock.harness.registry import kit
    from drydock.harness.regression import NoLongerApplies

    check_targets(common, trace=trace, report=report)
    common.load_code()
    try:
        case, known = _read(file, common)
    except NoLongerApplies as gone:
        return _say_gone(file, str(gone))
    with wanted.under(kit(case.scenario.kit), case.scenario, strikes_of(case.plan)) as standing:
        code = play(case, standing, common, trace=trace, until_ms=until, report_to=report, known=known)
    if known is not None:
        return code
    idle = ", ".join(f"{fault.kind} at {fault.step}" for fault in case.plan if not fault.applicable(case.scenario))
    return _say_gone(file, f"{idle} cannot strike this scenario") if idle and code == exits.GO else code


def _say_gone(file: str, why: str) -> int:
    click.echo(f"{why}\n{file} no longer applies: neither fixed nor broken.", err=True)
    return exits.INCONCLUSIVE


def _read(file: str, common: Common) -> tuple[Case, Regression | None]:
    """What is to be played, and the regression that it is. ``BadFile`` for what never was one or the other."""
    from drydock.harness.case_file import CASE_SCHEMA
    from drydock.harness.mistakes import BadFile, Mistake, Mistakes
    from drydock.harness.regression import REGRESSION_SCHEMA, regression_from_plain
    from drydock.harness.yaml_file import read_plain

    mistakes = Mistakes()
    data, places = read_plain(file, mistakes)
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema == REGRESSION_SCHEMA:
        mistakes.raise_if_any()
        known = regression_from_plain(data, places)
        case: Case = _today(known, common)
    elif schema in (None, CASE_SCHEMA):
        known, case = None, _read_case(file, common)
    else:
        told = f"schema: '{schema}' is not read here; allowed: {CASE_SCHEMA}, {REGRESSION_SCHEMA}"
        raise BadFile([Mistake(places(("schema",)), told)])
    return (case if common.seed is None else replace(case, seed=common.seed)), known


def _today(known: Regression, common: Common) -> Case:
    """The regression on its scenario as it is today, with ``--set`` over it."""
    from drydock.harness.corpus import scenario_of
    from drydock.harness.registry import kit
    from drydock.harness.regression import case_today
    from drydock.harness.scenario import load_scenario

    scenario = load_scenario(scenario_of(known), common.sets)
    return case_today(known, scenario, kit(scenario.kit))


def _read_case(file: str, common: Common) -> Case:
    """The case, with ``--set`` over the scenario that it embeds."""
    from drydock.harness.case_file import case_from_plain, read_case_data
    from drydock.harness.mistakes import BadFile, Mistakes
    from drydock.harness.regression import NoLongerApplies
    from drydock.harness.scenario import apply_sets

    mistakes = Mistakes()
    data, places = read_case_data(file)
    data, places = apply_sets(data, places, [f"scenario.{setting}" for setting in common.sets], mistakes)
    mistakes.raise_if_any()
    try:
        return case_from_plain(data, places)
    except BadFile as bad:
        if common.sets or not _is_well_formed(data, places):
            raise
        raise NoLongerApplies(str(bad)) from None


def _is_well_formed(data: Plain, places: Places) -> bool:
    """Whether this is a case by its shape: then it is the world that has changed, and not the file."""
    from drydock.harness.case_file import CaseKeys
    from drydock.harness.mistakes import Mistakes
    from drydock.harness.typed import build

    return build(CaseKeys, data, (), places, Mistakes()) is not None
