"""The corpus: failures that were seen once, by reference, and what became of them on the scenario as it is today."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

from drydock.harness.corpus import corpus_folder, read_corpus, save_regression, scenario_of
from drydock.harness.mistakes import BadFile
from drydock.harness.port import Case, Scenario
from drydock.harness.regression import (
    NoLongerApplies,
    Regression,
    case_today,
    read_regression,
    regression_from_json,
    regression_of,
    regression_to_json,
    regression_to_plain,
    standing,
)
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.signature import Signature, signatures
from drydock.harness.sim import Ties

BROKEN = Signature("T1", "counter/ticker")
LATE = ("counter/loader", "loaded", 1)


@pytest.fixture
def bad(night: Path, toy: ModuleType) -> Scenario:
    """The toy whose ticker does not wait, from a file in the current folder."""
    return load_scenario("bad.yaml")


@pytest.fixture
def slow(bad: Scenario, toy: ModuleType) -> Callable[..., Regression]:
    """A failure of it: both counters load late."""

    def make(scenario: Scenario = bad, seed: int = 7, **changes: Any) -> Regression:
        plan = (toy.SlowCount(**({"delay_ms": 100} | changes)),)
        return regression_of(Case(scenario, "flat", plan, seed, Ties("fifo")), BROKEN, "what loads late counts as zero")

    return make


# ---- files ----------------------------------------------------------------------------------------------------------
@given(seed=st.integers(0, 2**64 - 1), laggards=st.lists(st.integers(1, 9), max_size=3), because=st.text())
def test_a_regression_survives_its_file(toy: ModuleType, seed: int, laggards: list[int], because: str) -> None:
    """What is written is what is read, and what is played."""
    ties = Ties("fifo", tuple(("counter/ticker", "tick", nth) for nth in laggards))
    case = Case(toy.scenario(), "busy", (toy.SlowCount(delay_ms=3),), seed, ties)
    known = regression_of(case, BROKEN, because)
    read = regression_from_json(regression_to_json(known))

    assert regression_to_plain(known) == regression_to_plain(read)
    assert case == case_today(read, case.scenario, toy.ToyKit())
    assert known.id == read.id


def test_the_id_is_of_what_is_played_and_not_of_the_words(slow: Callable[..., Regression]) -> None:
    """A sentence may be bettered; another delay is another regression."""
    assert slow().id == replace(slow(), because="because").id
    assert slow().id != slow(delay_ms=101).id != slow(seed=8).id


def test_all_mistakes_of_a_file_are_told_with_their_places(tmp_path: Path, slow: Callable[..., Regression]) -> None:
    """The form is judged by itself, before any scenario is looked for."""
    plain = regression_to_plain(slow()) | {
        "signature": "T1 is broken",
        "sede": 1,
        "seed": -4,
        "plan": {},
        "ties": {"mode": "seeded", "laggards": ["late"]},
    }
    file = tmp_path / "wrong.json"
    file.write_text(json.dumps(plain, indent=0))
    with pytest.raises(BadFile) as bad:
        read_regression(file)

    told = [str(mistake).removeprefix(f"{file}:").split(";")[0] for mistake in bad.value.mistakes]
    assert [
        "4:14: signature: 'T1 is broken' is no signature",
        "7:9: plan: allowed a list of faults",
        "8:9: seed: got -4",
        "11:13: ties.laggards: laggards need mode fifo",
        "12:1: ties.laggards.0: 'late' is no identity",
        "15:1: sede: unknown key 'sede'",
    ] == told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "has no schema; a regression has drydock.regression/1"),
        ('{"schema": "drydock.case/1"}', "'drydock.case/1' is not read here"),
        ("[]", "has no schema"),
    ],
)
def test_a_file_of_another_kind_gets_one_sentence(text: str, said: str) -> None:
    """And not one for each key that differs."""
    with pytest.raises(BadFile) as bad:
        regression_from_json(text)

    assert 1 == len(bad.value.mistakes)
    assert said in str(bad.value)


# ---- the folder -----------------------------------------------------------------------------------------------------
def test_a_failure_is_saved_beside_its_scenario(night: Path, slow: Callable[..., Regression], toy: ModuleType) -> None:
    """And found there again."""
    (night / "team").mkdir()
    (night / "bad.yaml").rename(night / "team" / "bad.yaml")
    scenario = load_scenario("team/bad.yaml")
    saved = save_regression(slow(scenario), scenario, toy.ToyKit())

    assert (f"team/drydock-corpus/bad/{slow().id}.json", True) == saved
    assert [slow().id] == [known.id for known in read_corpus(scenario)]
    assert str(Path("team/bad.yaml")) == scenario_of(read_regression(saved.file))


def test_the_corpus_of_a_packaged_scenario_lies_in_the_current_folder(night: Path) -> None:
    """Never where packages are installed."""
    assert Path("drydock-corpus/bench") == corpus_folder(load_scenario("bench"))


def test_a_name_that_is_no_folder_becomes_one(bad: Scenario) -> None:
    """Slashes, spaces and dots of a name never leave the corpus."""
    names = {"../../etc/x": "etc-x", "two words": "two-words", "..": "scenario", "db-1.2": "db-1.2"}

    assert names == {name: corpus_folder(replace(bad, name=name)).name for name in names}


def test_no_folder_is_an_empty_corpus(bad: Scenario) -> None:
    """And reading makes none."""
    assert () == read_corpus(bad)
    assert not Path("drydock-corpus").exists()


def test_one_failure_is_saved_once(bad: Scenario, slow: Callable[..., Regression], toy: ModuleType) -> None:
    """Another seed and another delay make no second failure, as long as the first still fails."""
    kit = toy.ToyKit()
    first = save_regression(slow(), bad, kit)

    assert (first.file, False) == save_regression(slow(), bad, kit)
    assert (first.file, False) == save_regression(slow(seed=8, delay_ms=150), bad, kit)
    assert save_regression(slow(target="first"), bad, kit).is_new
    assert 2 == len(read_corpus(bad))


def test_a_failure_like_one_that_was_mended_is_new(
    bad: Scenario, slow: Callable[..., Regression], toy: ModuleType
) -> None:
    """The known one passes today; this one does not, and must not be lost."""
    kit = toy.ToyKit()
    save_regression(slow(delay_ms=20), bad, kit)  # 70 ms: it is there before the first tick, and passes

    assert save_regression(slow(delay_ms=100), bad, kit).is_new


def test_what_is_made_of_customer_data_is_its_owners_alone(
    bad: Scenario, slow: Callable[..., Regression], toy: ModuleType
) -> None:
    """A sentence may name an account."""
    saved = save_regression(slow(), replace(bad, is_private=True), toy.ToyKit())

    assert 0o600 == stat.S_IMODE(Path(saved.file).stat().st_mode)


def test_the_mistakes_of_all_files_are_told_together(bad: Scenario, slow: Callable[..., Regression]) -> None:
    """With a regression of another scenario among them."""
    folder = corpus_folder(bad)
    folder.mkdir(parents=True)
    (folder / "a.json").write_text("{}")
    (folder / "b.json").write_text(regression_to_json(slow(replace(bad, name="other"))))
    with pytest.raises(BadFile) as wrong:
        read_corpus(bad)

    assert ["a.json", "b.json"] == [Path(mistake.place.split(":")[0]).name for mistake in wrong.value.mistakes]
    assert "'other' lies in the corpus of 'bad'" in str(wrong.value)


def test_a_scenario_that_is_gone_is_told(bad: Scenario, slow: Callable[..., Regression], toy: ModuleType) -> None:
    """By its name and by where it was looked for."""
    saved = save_regression(slow(), bad, toy.ToyKit())
    Path("bad.yaml").unlink()
    with pytest.raises(NoLongerApplies, match="there is no scenario 'bad'"):
        scenario_of(read_regression(saved.file))


# ---- what became of it ----------------------------------------------------------------------------------------------
def test_a_regression_is_played_on_the_scenario_as_it_is_today(
    bad: Scenario, slow: Callable[..., Regression], toy: ModuleType
) -> None:
    """Broken it still fails; with the gate it is fixed."""
    gated = load_scenario("bad.yaml", ["venue.waits=true"])

    assert ["still fails", "fixed"] == [_outcome(slow(), scenario, toy) for scenario in (bad, gated)]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("plan", [{"kind": "SlowCuont"}], "plan.0.kind: unknown fault kind 'SlowCuont'; did you mean 'SlowCount'?"),
        ("plan", [{"kind": "SlowCount", "step": "reboot"}], "plan.0.step: unknown step 'reboot'"),
        ("plan", [{"kind": "SlowCount", "target": "third"}], "plan.0.target: unknown target 'third'"),
        ("plan", [{"kind": "SlowCount", "delay_ms": 301}], "plan.0.delay_ms: got 301; allowed 0 to 300 ms"),
        ("regime", "storm", "regime: unknown regime 'storm'"),
        ("signature", "T9@counter", "signature: unknown law 'T9'"),
    ],
)
def test_what_names_something_that_is_gone_no_longer_applies(
    bad: Scenario, slow: Callable[..., Regression], toy: ModuleType, key: str, value: Any, said: str
) -> None:
    """It was right once, so it is no bad file; the text says what is not there."""
    known = regression_from_json(json.dumps(regression_to_plain(slow()) | {key: value}))
    with pytest.raises(NoLongerApplies) as gone:
        case_today(known, bad, toy.ToyKit())

    assert said in str(gone.value)


def test_another_failure_is_told_as_another(slow: Callable[..., Regression]) -> None:
    """It is neither fixed nor the same."""
    other = Signature("T3", "counter/ticker")
    found = standing(slow(), [other], _run())

    assert ("fails otherwise", (other,)) == (found.outcome, found.others)


def test_a_clean_run_in_which_nothing_could_fail_is_not_fixed(slow: Callable[..., Regression]) -> None:
    """The law is not in question any more, or what was to be late never came."""
    assert "no longer applies" == standing(slow(), [], _run(checks={})).outcome
    assert "no longer applies" == standing(slow(), [], _run(missed_laggards=(LATE,))).outcome
    assert "fixed" == standing(slow(), [], _run()).outcome


def test_a_laggard_that_never_occurs_is_known_after_the_run(toy: ModuleType) -> None:
    """A run without it is the run with it."""
    never = ("counter/loader", "loaded", 9)
    case = Case(toy.scenario(), "flat", (), 1, Ties("fifo", (LATE, never)))

    assert (never,) == run_case(case, toy.ToyKit()).missed_laggards
    assert () == run_case(replace(case, ties=Ties()), toy.ToyKit()).missed_laggards


def _run(checks: Any = None, missed_laggards: Any = ()) -> Any:
    return SimpleNamespace(checks={"T1": 5} if checks is None else checks, missed_laggards=missed_laggards)


def _outcome(known: Regression, scenario: Scenario, toy: ModuleType) -> str:
    result = run_case(case_today(known, scenario, toy.ToyKit()), toy.ToyKit())
    return standing(known, signatures(result), result).outcome
