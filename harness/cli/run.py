"""``drydock run``: one run, told as a timeline."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import click

from drydock.harness.cli import exits
from drydock.harness.cli.database import Wanted, database_options, strikes_of
from drydock.harness.cli.options import Common, check_targets, common, report_option, say_if_nothing_is_refunded

if TYPE_CHECKING:
    from rich.console import Console

    from drydock.harness.port import Case, Kit, Plain, Scenario
    from drydock.harness.regression import Regression, Standing
    from drydock.harness.result import RunResult
    from drydock.harness.told import Told
    from drydock.harness.twin import Twin


@click.command(name="run")
@click.argument("scenario", metavar="SCENARIO")
@click.option("--plan", default="reported", show_default=True, metavar="reported|none|FILE", help="What goes wrong.")
@click.option("--regime", metavar="R", help="What the market does; default: that of the reported plan.")
@click.option("--ties", type=click.Choice(("seeded", "fifo")), default="seeded", help="Who is first in an instant.")
@click.option("--trace", metavar="FILE", help="Write every event as JSON Lines.")
@click.option("--refunds", metavar="FILE", help="Write who is owed what, and on what evidence, as CSV (mode 0600).")
@database_options
@report_option
@click.option("--twin", is_flag=True, help="A second opinion: the same night without its faults (four more runs).")
@click.option("--dry", is_flag=True, help="Print the resolved schedule and run nothing: nothing is judged.")
@common
def command(
    scenario: str,
    plan: str,
    regime: str | None,
    ties: str,
    trace: str | None,
    refunds: str | None,
    report: str | None,
    twin: bool,
    dry: bool,
    wanted: Wanted,
    common: Common,
) -> int:
    """One run of SCENARIO (a name or a file), told as a timeline.

    0 clean, 1 a law was broken, 3 the run came to no end. One run decides nothing: `drydock gonogo` does.
    """
    from drydock.harness.port import Case
    from drydock.harness.sim import Ties

    check_targets(common, trace=trace, refunds=refunds, report=report)
    loaded, kit = common.scenario(scenario)
    faults = plan_of(plan, loaded, kit)
    case = Case(loaded, regime_of(regime, loaded), faults, common.first_seed, Ties(ties))
    if dry:
        wanted.check(kit)
        return _schedule(case, kit, common)
    with wanted.under(kit, loaded, strikes_of(faults)) as kit:
        return play(case, kit, common, trace=trace, refunds_to=refunds, report_to=report, has_twin=twin)


def plan_of(plan: str, scenario: Scenario, kit: Kit) -> tuple[Any, ...]:
    """The faults that ``--plan`` names. ``BadFile`` for a plan file with mistakes."""
    from drydock.harness.plan import read_plan

    if plan == "reported":
        return scenario.reported
    return () if plan == "none" else read_plan(plan, scenario, kit)


def regime_of(regime: str | None, scenario: Scenario) -> str:
    """The regime that ``--regime`` names. ``UsageError`` for one that the scenario does not have."""
    from drydock.harness.mistakes import did_you_mean

    known = tuple(dict.fromkeys((scenario.reported_regime, *scenario.regimes)))
    if regime is None:
        return scenario.reported_regime
    if regime not in known:
        raise click.UsageError(f"--regime: {scenario.name} has no regime '{regime}'; {did_you_mean(regime, known)}")
    return regime


def play(
    case: Case,
    kit: Kit,
    common: Common,
    *,
    trace: str | None = None,
    until_ms: int | None = None,
    refunds_to: str | None = None,
    report_to: str | None = None,
    has_twin: bool = False,
    known: Regression | None = None,
) -> int:
    """Plays a case, tells it, and returns the exit code. A run that fails is a failure of the harness.

    A run that came to no end has no twin: there is no time at which to compare. ``known`` is the regression that the
    case is: what became of it decides then. What is to be shown on a page is played with notes, which change nothing.
    """
    from drydock.harness.regression import standing_of
    from drydock.harness.run import HarnessError, run_case
    from drydock.harness.told import tell as tell_run
    from drydock.harness.twin import second_opinion

    told_run = tell_run(case, kit, keep_worth=has_twin) if report_to else None
    result = told_run.result if told_run else run_case(case, kit, keep_trace=True, keep_worth=has_twin)
    if trace:
        _write_trace(trace, case, result)
    if result.error:
        raise HarnessError(result.error)
    stood = None if known is None else standing_of(known, result, case, kit)
    twin = second_opinion(case, kit, result) if has_twin and not result.is_budget_exhausted else None

    def tell(console: Console) -> None:
        from drydock.harness.report.timeline import print_timeline, until

        told = until(result, case, kit, until_ms)
        print_timeline(console, told, case, kit, verbosity=common.verbosity, twin=twin)
        if known is not None and stood is not None:
            from drydock.harness.report.known import print_standing

            print_standing(console, known, stood, verbosity=common.verbosity)

    def plain() -> Plain:
        twins = {"twin": twin and twin_json(twin, case, kit)} if has_twin else {}
        return run_json(result, case, kit) | {"database": kit.stands_on.plain()} | twins | known_json(known, stood)

    with _refund_file(refunds_to, result, case, kit):
        common.answer(plain, tell, is_private=case.scenario.is_private)
    if report_to and told_run:
        _write_page(report_to, told_run, kit, common)
    return exit_of(result) if stood is None else exits.of_regression(stood.outcome)


def known_json(known: Regression | None, stood: Standing | None) -> dict[str, Plain]:
    """The key ``regression`` of ``replay --json``; nothing for a case that is none."""
    if known is None or stood is None:
        return {}
    told = {"id": known.id, "signature": str(known.signature), "because": known.because}
    others = [str(other) for other in stood.others]
    return {"regression": told | {"outcome": stood.outcome, "told": stood.told, "others": others}}


def _write_page(target: str, told: Told, kit: Kit, common: Common) -> None:
    """The page of a run; where it broke a law, with the command that shows it again."""
    from drydock.harness.cli.cache import replay_command
    from drydock.harness.cli.options import write_text
    from drydock.harness.report.page import render
    from drydock.harness.report.page_run import part_of_run

    replay = replay_command(told.case, common.load) if told.result.findings else ""
    page = render([part_of_run(told, kit, replay=replay)])
    write_text(target, page, is_private=told.case.scenario.is_private)


def exit_of(result: RunResult) -> int:
    """1 where a law was broken, 3 where the run came to no end, else 0."""
    if result.findings:
        return exits.NO_GO
    return exits.INCONCLUSIVE if result.is_budget_exhausted else exits.GO


def run_json(result: RunResult, case: Case, kit: Kit) -> Plain:
    """The answer of ``run --json``. Money is a decimal string in USD; ``refund_usd`` is null if nothing is refunded."""
    from drydock.harness.case_file import case_to_plain
    from drydock.harness.event import identity_text
    from drydock.harness.money import accounts_owed, harm_by_kind, owed_by_kind, refunds
    from drydock.harness.signature import signature_of
    from drydock.harness.units import format_usd as usd

    laws = {law.id: law for law in kit.laws(case.scenario)}
    harm, kinds = harm_by_kind(result.entries), case.scenario.policy.refunds
    owed = refunds(result.entries, kinds)
    return {
        "schema": "drydock.run/1",
        "digest": result.digest,
        "findings": [
            {
                "law": finding.law,
                "sentence": laws[finding.law].sentence,
                "class": laws[finding.law].law_class,
                "at_ms": finding.at_ms,
                "detail": finding.detail,
                "events": [identity_text(identity) for identity in finding.events],
                "amount_usd": usd(finding.amount_quantums),
                "signature": str(signature_of(finding)),
            }
            for finding in result.findings
        ],
        "harm_usd": usd(sum(harm.values())),
        "harm_by_kind_usd": {kind: usd(amount) for kind, amount in harm.items()},
        "refund_usd": usd(sum(refund.amount_quantums for refund in owed)) if kinds else None,
        "refund_by_kind_usd": {kind: usd(amount) for kind, amount in owed_by_kind(owed).items()} if kinds else None,
        "accounts": accounts_owed(owed) if kinds else None,
        "goals": dict(result.goals),
        "faults": [
            {"kind": e.kind, "step": e.step, "applicable": e.applicable, "exercised": e.exercised}
            for e in result.evidence
        ],
        "is_budget_exhausted": result.is_budget_exhausted,
        "events": result.served_events,
        "ended_ms": result.ended_ms,
        "case": case_to_plain(case),
    }


def twin_json(twin: Twin, case: Case, kit: Kit) -> Plain:
    """The key ``twin`` of ``run --json``. ``noise_floor_usd`` is null where no client's message could be lost."""
    from drydock.harness.report.harm import largest_needs
    from drydock.harness.units import format_usd as usd

    floor = twin.floor
    return {
        "refund_need_usd": usd(twin.gap.need),
        "accounts": twin.gap.accounts,
        "windfall_usd": usd(twin.gap.windfall),
        "noise_floor_usd": None if floor is None else usd(floor.need),
        "noise_floor_accounts": None if floor is None else floor.accounts,
        "disturbances": len(twin.noise),
        "compared_ms": twin.ended_ms,
        "largest": [
            {"account": kit.account_label(case.scenario, account), "need_usd": usd(amount)}
            for account, amount in largest_needs(twin)
        ],
    }


def _refund_file(target: str | None, result: RunResult, case: Case, kit: Kit) -> AbstractContextManager[object]:
    """The file that ``--refunds`` names, with all that this run owes; what cannot be written is told at the end."""
    from drydock.harness.money import refunds
    from drydock.harness.refunds import RefundFile

    if target is None:
        return nullcontext()
    say_if_nothing_is_refunded(target, case.scenario)
    file = RefundFile(target)
    file.write(refunds(result.entries, case.scenario.policy.refunds), case.scenario, kit)
    return file


def _write_trace(target: str, case: Case, result: RunResult) -> None:
    from drydock.harness.case_file import case_to_plain
    from drydock.harness.cli.options import write_text
    from drydock.harness.report.trace import trace_lines

    text = "".join(trace_lines(case_to_plain(case), result.digest, result.events or ()))
    write_text(target, text, is_private=case.scenario.is_private)


# ---- --dry ----------------------------------------------------------------------------------------------------------
def _schedule(case: Case, kit: Kit, common: Common) -> int:
    """Prints what would happen when. Nothing is judged, and both answers say so."""
    from drydock.harness.case_file import case_to_plain
    from drydock.harness.typed import to_plain

    def plain() -> Plain:
        steps = [to_plain(step) for step in kit.steps(case.scenario)]
        return {"schema": "drydock.schedule/1", "is_judged": False, "steps": steps, "case": case_to_plain(case)}

    def tell(console: Console) -> None:
        from drydock.harness.report.timeline import print_schedule

        print_schedule(console, case, kit)

    common.answer(plain, tell)
    return exits.GO
