"""The verdict as text: the decision first, nothing hidden, readable at any width."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from drydock.harness.port import Case, Finding, Policy, Scenario, Sweep
from drydock.harness.report.console import console_for
from drydock.harness.report.text import LIMIT, print_verdict
from drydock.harness.report.words import usd
from drydock.harness.result import (
    Bound,
    Bundle,
    CanaryLine,
    FaultLine,
    GoalLine,
    LimitLine,
    Money,
    Verdict,
    Violation,
)

USD = 1_000_000
NIGHT = Scenario(
    name="night",
    kit="toy",
    data={},
    hash="00",
    regimes=("flat",),
    reported_regime="flat",
    reported=(),
    threats=(),
    sweep=Sweep("feared", 1, 2),
    policy=Policy(),
    accepted=(),
    venue=None,
)
NO_HARM = Money(0, 0, None, None, 0)


def violation(law: str, law_class: str = "safety", runs: int = 40) -> Violation:
    """A law broken in so many runs."""
    finding = Finding(law, 1_000, f"what {law} saw")
    return Violation(law, f"the sentence of {law}", law_class, runs, Case(NIGHT, "flat", (), 7), finding)


def bundle(name: str, *violations: Violation, harm: Money = NO_HARM, **more: Any) -> Bundle:
    """Forty runs."""
    law_runs = {v.law: v.runs for v in violations}
    return Bundle(name, 40, violations, harm, None, None, None, law_runs, {}, (), asked=40, **more)


GO = Verdict(
    decision="GO",
    exit_code=0,
    claim="GO at level smoke: 0 of 40; p <= 8.8 % for each of 2 safety laws",
    reasons=(),
    scenario="night",
    scenario_hash="00",
    level="smoke",
    seed=1,
    today="2026-11-22",
    accepted=(),
    lint=(),
    baseline=(),
    reported=bundle("reported"),
    sweep=bundle("sweep"),
    bounds=(Bound("F1", 40, 87_900), Bound("F3", 40, 87_900)),
    goals=(GoalLine("G1", "the alarm is heard", True, 3),),
    faults=(FaultLine("slow_load", True, 38, True),),
    canaries=(CanaryLine("F1", "a wrong build", True, True), CanaryLine("F3", "another", True, True)),
    untested=(),
    switches=({"name": "readiness gate", "path": "a", "value": 1, "on": True},),
)
NO_GO = replace(
    GO,
    decision="NO-GO",
    exit_code=1,
    claim="NO-GO at level smoke: F3 broken in 40 of 40 reported runs",
    reasons=("F3 broken in 40 of 40 reported runs",),
    reported=bundle("reported", violation("F3"), harm=Money(1_234_567 * USD, 5 * USD, None, None, 2_000_000 * USD)),
)


def told(
    verdict: Verdict,
    environment: Mapping[str, str] | None = None,
    *,
    verbosity: int = 0,
    replays: Mapping[str, str] | None = None,
) -> list[str]:
    """The lines of a verdict, as a file or a log would have them."""
    stream = io.StringIO()
    print_verdict(console_for(stream, environment or {}), verdict, replays or {}, verbosity=verbosity)
    return stream.getvalue().splitlines()


def section(lines: list[str], title: str) -> str:
    """The text below a heading."""
    start = lines.index(title)
    below = lines[start + 1 :]
    end = below.index("") if "" in below else len(below)
    return " ".join(" ".join(below[:end]).split())


# ---- what is said ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("verdict", [GO, NO_GO], ids=lambda verdict: verdict.decision)
def test_the_decision_comes_first_and_its_claim_next(verdict: Verdict) -> None:
    """Who reads two lines knows the answer and how far it reaches."""
    first, second, *_ = told(verdict)
    assert (f" {verdict.decision}   night", f" {verdict.claim}") == (first, second)


def test_every_verdict_says_what_it_does_not_cover() -> None:
    """The honest limit ends every verdict, a GO above all."""
    assert " ".join(told(GO)[-2:]) == LIMIT


def test_accepted_risks_stand_before_everything_else() -> None:
    """A risk taken knowingly is never below the fold; one that expired accepts nothing and says so."""
    risk = {
        "law": "F4",
        "reason": "copies differ",
        "owner": "ops",
        "expires": "2026-11-01",
        "expired": True,
        "runs": {},
    }
    lines = told(replace(NO_GO, accepted=(risk,)))
    assert lines.index("Risks taken knowingly") < lines.index("Why")
    assert "EXPIRED" in section(lines, "Risks taken knowingly")


def test_an_accepted_law_is_told_and_does_not_decide() -> None:
    """What was accepted and came true is shown, with how often."""
    runs = {"baseline": 0, "reported": 40, "sweep": 0}
    risk = {"law": "F3", "reason": "r", "owner": "ops", "expires": "2027-01-01", "expired": False, "runs": runs}
    lines = told(replace(NO_GO, accepted=(risk,)))
    assert "came true in 40 reported runs" in section(lines, "Risks taken knowingly")
    assert "· accepted" in section(lines, "What was broken")


def test_a_broken_law_has_sentence_class_share_example_and_replay() -> None:
    """Everything that a reader needs to believe it, and to see it again."""
    text = section(told(NO_GO, replays={"F3": "drydock replay x.json"}), "What was broken")
    wanted = ("F3 the sentence of F3", "safety · reported: 40 of 40 runs", "what F3 saw", "drydock replay x.json")
    assert [] == [part for part in wanted if part not in text]


def test_a_replay_line_stands_once() -> None:
    """Nine laws broken in one case: the command is printed once, and the others refer to it."""
    verdict = replace(NO_GO, reported=bundle("reported", violation("F1"), violation("F3")))
    text = section(told(verdict, replays=dict.fromkeys(("F1", "F3"), "drydock replay x.json")), "What was broken")
    assert (1, 1) == (text.count("drydock replay x.json"), text.count("replay as for F1"))


def test_a_law_within_its_limit_is_no_reason() -> None:
    """A service law that the policy tolerates is shown after those that decide, and says that it is tolerated."""
    limit = LimitLine("overrun", "service", "sweep", 1, 25_000, 110_000, 50_000, 0, passed=False)
    verdict = replace(NO_GO, sweep=bundle("sweep", violation("overrun", "service", 1)), limits=(limit,))
    text = section(told(verdict), "What was broken")
    assert text.index("F3") < text.index("overrun")
    assert "sweep: 1 of 40 runs · within the policy's limit" in text


def test_without_a_violation_nothing_is_called_broken() -> None:
    """A GO has neither reasons nor a list of what was broken."""
    assert [] == [line for line in told(GO) if line in ("Why", "What was broken")]


def test_harm_is_a_table_with_dashes_for_what_is_not_known() -> None:
    """A percentile that forty runs cannot carry is a dash, and no zero."""
    text = section(told(NO_GO), "Harm, USD a run")
    assert "reported 1,234,567 5.00 - - 2,000,000" in text


def test_refunds_are_told_as_a_distribution_by_kind_and_by_accounts() -> None:
    """What is owed beside what was lost: mean, percentiles, kinds, and how many accounts."""
    harm = Money(9 * USD, 8 * USD, None, None, 20 * USD, {"funding": 2 * USD, "leak": 7 * USD})
    owed = Money(7 * USD, 6 * USD, None, None, 15 * USD, {"funding": USD, "bad_debt": 6 * USD, "leak": 0})
    paying = replace(bundle("reported", harm=harm), refund=owed, accounts_p50=4, accounts_max=9)
    text = section(told(replace(NO_GO, reported=paying)), "Harm, USD a run")
    wanted = (
        "reported 9.00 8.00 - - 20.00 to refund 7.00 6.00 - - 15.00",
        "reported, mean by kind: leak 7.00 · funding 2.00",
        "reported, mean to refund by kind: bad_debt 6.00 · funding 1.00",
        "reported, accounts to refund: 4 in the median run, 9 at most",
    )
    assert [] == [part for part in wanted if part not in text]


def test_no_harm_is_said_and_not_left_out() -> None:
    """Zero harm is a finding too."""
    assert "Harm  none in any run" in told(GO)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"goals": (GoalLine("G1", "the alarm is heard", True, 0),)}, "never reached: G1, the alarm is heard"),
        ({"faults": (FaultLine("crash", True, 0, None),)}, "never exercised: crash"),
        ({"canaries": (CanaryLine("F1", "wrong", False, True, "not caught"),)}, "F1: not caught (wrong)"),
        ({"untested": ({"step": "any", "fault": "crash", "why": "no threat"},)}, "not tested crash: no threat"),
        (
            {"untested": tuple({"step": s, "fault": "crash", "why": "unnamed"} for s in ("stop", "start"))},
            "not tested crash at stop, start: unnamed",
        ),
        (
            {"untested": tuple({"step": "any", "fault": f"fault_{n}", "why": "no threat"} for n in range(10))},
            "fault_7 and 2 more: no threat",
        ),
        ({"switches": ({"name": "gate", "on": False},)}, "off: gate"),
        ({"sweep": bundle("sweep", exhausted=2)}, "2 runs used up the event budget"),
        ({"bounds": ()}, "bounds none"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_missing_is_named(changed: dict[str, Any], said: str) -> None:
    """Every gap of the evidence has a line of its own."""
    assert said in section(told(replace(GO, **changed)), "What this rests on")


def test_verbose_names_every_canary_goal_and_fault() -> None:
    """``-v`` shows the tables behind the counts."""
    text = section(told(GO, verbosity=1), "What this rests on")
    wanted = (
        "F1: a wrong build",
        "G1: the alarm is heard (3 hits)",
        "slow_load: exercised in 38 runs, changes the run",
    )
    assert [] == [part for part in wanted if part not in text]


def test_quiet_is_one_line() -> None:
    """The decision, the scenario and the claim."""
    assert ["NO-GO  night  at level smoke: F3 broken in 40 of 40 reported runs"] == told(NO_GO, verbosity=-1)


# ---- how it looks ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("width", [40, 60, 100, 300])
def test_no_line_is_wider_than_the_reader(width: int) -> None:
    """The text adapts to the width, up to what is still readable; commands to copy are never broken."""
    replay = "drydock replay .drydock/cases/0123abcd.json --load some/folder/with/a/long/name.py"
    lines = told(replace(NO_GO, reasons=("a long reason " * 20,)), {"COLUMNS": str(width)}, replays={"F3": replay})
    assert 1 == sum(line.strip() == replay for line in lines)
    assert [] == [line for line in lines if len(line) > min(width, 120) and replay not in line]


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ({"CI": "true"}, False),
    ],
    ids=["file", "forced", "refused", "ci"],
)
def test_colour_is_for_terminals_and_for_who_asks(environment: dict[str, str], is_coloured: bool) -> None:
    """A file gets plain text; FORCE_COLOR asks for colour, NO_COLOR refuses it."""
    assert is_coloured == any("\x1b[" in line for line in told(NO_GO, environment))


def test_plain_lines_have_no_trailing_blanks() -> None:
    """Plain output compares and pastes well."""
    assert [] == [line for line in told(NO_GO) if line != line.rstrip()]


@pytest.mark.parametrize(
    ("amount_quantums", "text"),
    [(0, "0.00"), (None, "-"), (999_994_999, "999.99"), (1_000 * USD, "1,000"), (-1_234_567_890_123, "-1,234,568")],
)
def test_money_is_rounded_for_the_eye(amount_quantums: int | None, text: str) -> None:
    """Cents below a thousand USD, whole USD from there on, a dash for what is not known."""
    assert text == usd(amount_quantums)
