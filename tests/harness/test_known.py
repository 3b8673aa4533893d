"""Known failures in verdict and replay: what of a corpus decides, what is missing, and what is only told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drydock.harness.corpus import save_regression
from drydock.harness.port import Accepted, Case, Limit, Policy
from drydock.harness.regression import Regression, regression_of
from drydock.harness.result import Verdict
from drydock.harness.scenario import load_scenario
from drydock.harness.signature import Signature
from drydock.harness.sim import Ties
from drydock.harness.verdict import Options, rehearse, verdict_digest, verdict_json
from tests.harness.commands import BAD, drydock, gonogo

Capture = pytest.CaptureFixture[str]
BROKEN = Signature("T1", "counter/ticker")
LATE = Signature("T2", "runbook")
LENIENT = Policy(limits=(Limit("T2", 1_000_000), Limit("T3", 1_000_000)))
FEW = 12


@pytest.fixture
def corpus(night: Path, toy: ModuleType) -> str:
    """The file of one regression of the scenario ``bad.yaml``: a counter loads late and counts as zero."""
    scenario = load_scenario("bad.yaml")
    case = Case(scenario, "flat", (toy.SlowCount(delay_ms=200),), 7, Ties("fifo"))
    return save_regression(regression_of(case, BROKEN, "what loads late counts as zero"), scenario, toy.ToyKit()).file


@pytest.fixture
def decide(toy: ModuleType) -> Any:
    """Rehearses a toy with its corpus."""

    def run(*corpus: Regression, options: dict[str, Any] | None = None, **changes: Any) -> Verdict:
        given = {"today": "2026-11-22", "runs": FEW, "corpus": corpus} | (options or {})
        return rehearse(toy.scenario(policy=LENIENT, **changes), toy.ToyKit(), Options(**given))

    return run


def outcome(verdict: Verdict) -> tuple[str, int]:
    """Decision and exit code."""
    return (verdict.decision, verdict.exit_code)


def known(toy: ModuleType, signature: Signature = BROKEN, **changes: Any) -> Any:
    """A regression of a toy."""
    plan = (toy.SlowCount(delay_ms=200),)
    return regression_of(Case(toy.scenario(**changes), "flat", plan, 7, Ties("fifo")), signature, "it was seen once")


# ---- the verdict ----------------------------------------------------------------------------------------------------
SEEN = {"waits": False, "load_ms": 0, "threats": (), "reported": ()}
"""A toy whose only failure is the one of the corpus: nothing else makes its loads late."""


def test_a_known_failure_that_still_fails_is_no_go(decide: Any, toy: ModuleType) -> None:
    """Though no run of the sweep shows it; and none of it enters a bound."""
    verdict = decide(known(toy), **SEEN)

    assert ("NO-GO", 1) == outcome(verdict)
    (reason,) = (reason for reason in verdict.reasons if "regression" in reason)
    assert reason.startswith(f"regression {known(toy).id}: T1@counter/ticker still fails")
    assert {FEW} == {bound.runs_clean for bound in verdict.bounds}


def test_a_known_failure_outside_of_the_threats_says_how_to_live_with_it(decide: Any, toy: ModuleType) -> None:
    """A search goes beyond the design basis, a sweep does not: who reads NO-GO must see which of them it was."""
    (outside,) = decide(known(toy), **SEEN).regressions
    (reason,) = (one for one in decide(known(toy), **SEEN).reasons if "regression" in one)
    within = decide(known(toy), **(SEEN | {"threats": toy.scenario().threats})).regressions[0]

    assert (("SlowCount",), ()) == (outside.outside, within.outside)
    ways = f"mend it, accept it (law: T1, regression: {outside.id}), or delete it"
    assert reason.endswith(f"still fails; SlowCount is outside of the threats: {ways}")


def test_a_known_failure_that_is_fixed_is_told_and_no_more(decide: Any, toy: ModuleType) -> None:
    """The gate is there now."""
    verdict = decide(known(toy))

    assert ("GO", 0) == outcome(verdict)
    assert ["fixed"] == [line.outcome for line in verdict.regressions]


@pytest.mark.parametrize("narrowed", [True, False])
def test_a_risk_may_accept_one_regression_or_its_law(decide: Any, toy: ModuleType, narrowed: bool) -> None:
    """By its law, or by its law as far as this regression shows it; until it expires."""
    only = known(toy).id if narrowed else ""
    risk = Accepted("T1", "the gate comes in May", "ops", "2026-11-22", only)
    accepted, expired = (
        decide(known(toy), **SEEN, accepted=(risk,), options={"today": today}) for today in ("2026-11-22", "2026-11-23")
    )

    assert (True, False) == (accepted.regressions[0].is_accepted, accepted.regressions[0].decides)
    assert "NO-GO" != accepted.decision
    assert "NO-GO" == expired.decision
    assert (only or None) == accepted.accepted[0]["regression"]
    if narrowed:
        assert {"corpus": 1} == accepted.accepted[0]["runs"]


def test_a_risk_for_one_regression_leaves_the_law_in_force_elsewhere(decide: Any, toy: ModuleType) -> None:
    """The sweep breaks the same law by itself."""
    risk = Accepted("T1", "the gate comes in May", "ops", "2026-11-22", known(toy).id)
    verdict = decide(known(toy), waits=False, load_ms=0, accepted=(risk,))

    assert ("NO-GO", 1) == outcome(verdict)
    assert not any("regression" in reason for reason in verdict.reasons)


def test_a_known_failure_of_a_service_law_does_not_decide(decide: Any, toy: ModuleType) -> None:
    """Its limit is on a share of independent runs, and this is one that somebody chose."""
    verdict = decide(known(toy, LATE), slow_restart_ms=1)

    assert ("GO", 0) == outcome(verdict)
    assert [("still fails", "service", False)] == [
        (line.outcome, line.law_class, line.decides) for line in verdict.regressions
    ]


def test_another_safety_failure_of_a_known_case_decides_too(decide: Any, toy: ModuleType) -> None:
    """It was about being late; today it goes back."""
    verdict = decide(known(toy, LATE), **SEEN)

    assert ("NO-GO", "fails otherwise") == (verdict.decision, verdict.regressions[0].outcome)


def test_a_known_failure_that_no_longer_applies_is_missing_evidence(decide: Any, toy: ModuleType) -> None:
    """A protection that was there is not there: somebody has to say that it may go."""
    gone = known(toy, Signature("T9"))
    missing = decide(gone)

    assert ("INCONCLUSIVE", 3) == outcome(missing)
    assert "no longer applies" in missing.reasons[0]
    assert "unknown law 'T9'" in missing.reasons[0]
    assert ":1:" not in missing.reasons[0]  # a place depends on where the command was given, and the digest must not


def test_what_was_not_played_in_its_time_is_missing_evidence(decide: Any, toy: ModuleType) -> None:
    """No time at all is the shortest box."""
    verdict = decide(known(toy), options={"corpus_time_s": 0.0})

    assert ("INCONCLUSIVE", 3) == outcome(verdict)
    assert ["not played"] == [line.outcome for line in verdict.regressions]


def test_known_failures_are_the_same_on_many_workers(decide: Any, toy: ModuleType) -> None:
    """And in JSON; the digest knows what became of them, and not where their files lie."""
    one, two = (decide(known(toy), known(toy, LATE), **SEEN, options={"workers": workers}) for workers in (1, 2))

    assert verdict_digest(one) == verdict_digest(two) != verdict_digest(decide(**SEEN))
    told = json.loads(json.dumps(verdict_json(one)))["regressions"]
    assert [
        ("T1@counter/ticker", "still fails", "safety", True),
        ("T2@runbook", "fails otherwise", "service", True),
    ] == [(line["signature"], line["outcome"], line["class"], line["decides"]) for line in told]


# ---- the command line -----------------------------------------------------------------------------------------------
def test_gonogo_plays_the_corpus_and_says_how_to_see_it(corpus: str, capsys: Capture) -> None:
    """Still fails, because of what, and the line that replays it, with the settings of this rehearsal."""
    gonogo("bad.yaml", "--set", "venue.load_ms=0")
    text = " ".join(capsys.readouterr().out.split())

    assert "Known failures, on the scenario as it is today still fails T1@counter/ticker" in text
    assert "because: what loads late counts as zero" in text
    assert f"drydock replay {corpus} --set venue.load_ms=0 --load" in text

    gonogo("bad.yaml", "--set", "venue.waits=true")
    assert "fixed: 1 of 1 regression" in " ".join(capsys.readouterr().out.split())


def test_a_bad_file_in_the_corpus_is_told_before_anything_runs(corpus: str, capsys: Capture) -> None:
    """With its place: a regression that nobody can read protects nobody."""
    Path(corpus).write_text("{}")

    assert 2 == gonogo("bad.yaml")
    assert f"{corpus}:1:1: has no schema" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("sets", "code", "said"),
    [
        ((), 1, "still fails: it fails as it did; beside it T3"),
        (("--set", "venue.waits=true"), 0, "fixed: it passes"),
    ],
)
def test_a_regression_is_replayed_on_the_scenario_as_it_is_today(
    corpus: str, capsys: Capture, sets: tuple[str, ...], code: int, said: str
) -> None:
    """0 fixed, 1 still broken; the timeline, and what became of it."""
    assert code == drydock("replay", corpus, *sets)
    text = " ".join(capsys.readouterr().out.split())
    assert "T1@counter/ticker because: what loads late counts as zero" in text
    assert said in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("bad.yaml", None, "there is no scenario 'bad'"),
        ("bad.yaml", BAD.replace("[flat, busy]", "[busy]"), "regime: unknown regime 'flat'"),
    ],
)
def test_a_regression_whose_world_is_gone_exits_3(
    corpus: str, capsys: Capture, before: str, after: str | None, said: str
) -> None:
    """Told in words: neither fixed nor broken."""
    Path(before).unlink()
    if after is not None:
        Path(before).write_text(after)

    assert 3 == drydock("replay", corpus)
    told = capsys.readouterr().err
    assert said in told
    assert f"{corpus} no longer applies: neither fixed nor broken." in told


def test_replay_json_says_what_became_of_it(corpus: str, told: Callable[..., Any]) -> None:
    """Beside all that a run says."""
    answer = told(drydock, "replay", corpus)

    assert {"id", "signature", "because", "outcome", "told", "others"} == set(answer["regression"])
    assert ("still fails", ["T3@counter/ticker"]) == (answer["regression"]["outcome"], answer["regression"]["others"])


def test_quiet_is_two_lines(corpus: str, capsys: Capture) -> None:
    """What the run was, and what became of the regression."""
    drydock("replay", corpus, "-q")

    assert "still fails  T1@counter/ticker" == capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"schema": "drydock.verdict/1"}', "allowed: drydock.case/1, drydock.regression/1"),
        ('{"schema": "drydock.regression/1"}', "the key 'scenario' is missing"),
    ],
)
def test_a_file_that_is_neither_case_nor_regression_is_a_bad_file(
    night: Path, text: str, said: str, capsys: Capture
) -> None:
    """Exit 2, with what would be read."""
    (night / "x.json").write_text(text)

    assert 2 == drydock("replay", "x.json")
    assert said in capsys.readouterr().err
