"""``drydock explore`` on the toy: what it exits with, what it shows, and what it leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drydock.harness.cli import exits, main
from drydock.harness.explore.minima import Minima
from drydock.harness.explore.portfolio import NAMES
from tests.harness.commands import TOY, drydock

Capture = pytest.CaptureFixture[str]
RACING = (
    "kit: toy\nname: racing\nregimes: [flat]\nthreats: []\n"
    "reported: []\nvenue: {waits: false, load_ms: 100ms}\n"
)  # fmt: skip


def explore(*arguments: str) -> int:
    """A small search in this process."""
    return drydock("explore", "--workers", "1", "--budget", "40", *arguments)


def test_it_exits_with_what_it_found(night: Path) -> None:
    """0 nothing found, 1 found, 2 for a bad file, 4 where the harness failed."""
    assert exits.GO == explore("good.yaml", "-q")
    assert exits.NO_GO == explore("bad.yaml", "-q")
    assert exits.USAGE == explore("mistaken.yaml", "-q")
    assert exits.HARNESS_FAILED == explore("raising.yaml", "-q")


def test_the_help_names_every_strategy(capsys: Capture) -> None:
    """Nobody has to guess one."""
    assert exits.GO == main.answer(["explore", "--help"])
    told = capsys.readouterr().out
    assert [] == [name for name in NAMES if name not in told]


def test_between_two_runs_what_waits_may_be_shrunk(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what waited for its half of the time would wait for the next failure, and there may be none."""
    asked: list[Minima] = []
    monkeypatch.setattr(Minima, "go_on", lambda minima: asked.append(minima))
    explore("good.yaml", "-q")
    assert 40 == len(asked)


def test_nothing_ran_is_no_success(night: Path, capsys: Capture) -> None:
    """A time that is over at once leaves no run, and that is neither found nor clean."""
    assert exits.INCONCLUSIVE == explore("good.yaml", "--max-time", "0s", "-q")
    assert "NOTHING FOUND  good in 0 runs" == capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--strategy", "swram"), "did you mean 'swarm'"),
        (("--law", "T9"), "'T9' is not a law of this scenario; T1, T2, T3"),
        (("--regime", "calm"), "no regime 'calm'"),
        (("--max-time", "30"), "a duration with its unit"),
        (("--out", "good.yaml/here"), "cannot be made a folder"),
    ],
)
def test_names_that_nobody_knows_are_told_before_anything_runs(
    night: Path, capsys: Capture, arguments: tuple[str, ...], told: str
) -> None:
    """Each with what is allowed."""
    assert exits.USAGE == explore("good.yaml", *arguments)
    assert told in capsys.readouterr().err


def test_kinds_that_strike_nothing_here_are_no_search(night: Path, capsys: Capture) -> None:
    """A search without a fault of the kind that was asked for would find nothing, and that would read as clean."""
    (night / "racing.yaml").write_text(RACING)
    assert exits.USAGE == explore("racing.yaml", "--kind", "SlowCount", "--within-threats")
    assert "--kind: SlowCount is no threat of racing" in capsys.readouterr().err


def test_a_failure_is_shown_at_once_shrunk_told_and_can_be_replayed(night: Path, capsys: Capture) -> None:
    """First the case as found, on stderr, and what of it is needed; then the smallest, its story, and a replay."""
    assert exits.NO_GO == explore("bad.yaml", "--out", "found")
    told = capsys.readouterr()
    first, then, finally_ = (line for line in told.err.splitlines() if "T1@counter/ticker" in line)
    assert first.startswith("run ")
    assert "T1@counter/ticker: left out what it does not need: 1 part after" in then
    assert "T1@counter/ticker: shrunk: 1 part after" in finally_
    assert "Smallest: 1 fault, nothing of it can be left out" in told.out
    assert "How T1 came to be broken" in told.out
    assert "none of them enters a bound" in " ".join(told.out.split())
    replay = next(line.strip() for line in told.out.splitlines() if line.strip().startswith("drydock replay found/"))
    assert exits.NO_GO == drydock(*replay.removesuffix(f" --load {TOY}").split()[1:])


def test_a_race_is_told_as_which_two_events(night: Path, capsys: Capture) -> None:
    """FIFO never shows it; it is found without a fault, and both occurrences are named."""
    (night / "racing.yaml").write_text(RACING)
    assert exits.NO_GO == explore("racing.yaml", "--strategy", "ties", "--law", "T1")
    told = " ".join(capsys.readouterr().out.split())
    assert "Smallest: no fault and 1 laggard, nothing of it can be left out" in told
    assert "race: at 1,100 ms counter/loader:loaded#1 comes after counter/ticker:tick#1" in told


def test_the_orders_of_an_instant_are_a_scope_of_their_own(night: Path, told: Callable[..., Any]) -> None:
    """The search ends when all orders are played, and says so."""
    (night / "racing.yaml").write_text(RACING)
    answer = told(explore, "racing.yaml", "--instant", "1100ms", "--shrink", "0s")
    assert (3, ["orders"], "2 of 2 orders at 1,100 ms") == (
        answer["runs"],
        [line["name"] for line in answer["strategies"]],
        answer["strategies"][0]["scope"],
    )


def test_an_instant_in_which_nobody_meets_is_no_success(night: Path, capsys: Capture) -> None:
    """Nothing was tried, and the answer says so: inconclusive."""
    assert exits.INCONCLUSIVE == explore("good.yaml", "--instant", "99h")
    assert "no two lanes meet at 356,400,000 ms" in capsys.readouterr().out


def test_a_kept_case_says_what_broke(night: Path, told: Callable[..., Any]) -> None:
    """Not the law, which reads as if it held, but what the smallest case does against it."""
    smallest = next(one for one in told(explore, "bad.yaml")["smallest"] if one["signature"].startswith("T1"))
    known = json.loads(Path(smallest["regression"]).read_text())
    assert known["because"].startswith("counter 0 went from")
    assert known["because"].endswith("; found by explore in run 1 (crowd)")


def test_json_has_all_that_the_text_has(night: Path, told: Callable[..., Any]) -> None:
    """Failures with their cases and files, smallest cases with proof, yields, worst harm, what was outside."""
    answer = told(explore, "bad.yaml", "--out", "found")
    assert ("drydock.explored/1", 40, 1, None) == (
        answer["schema"], answer["runs"], answer["seed"], answer["stopped"]
    )  # fmt: skip
    failure = next(one for one in answer["failures"] if one["law"] == "T1")
    smallest = answer["smallest"][failure["smallest"]]
    assert smallest["is_minimal"]
    assert [["SlowCount"], [[]]] == [
        [fault["kind"] for fault in smallest["case"]["plan"]],
        [row["without"] for row in smallest["proof"]],
    ]
    written = {one["file"] for one in (*answer["failures"], *answer["smallest"])}
    written |= {one["regression"] for one in answer["smallest"]}
    assert written == {str(file) for file in Path("found").iterdir()}
    assert 40 == sum(line["runs"] for line in answer["strategies"])
    assert (["SlowCount"], "198") == (answer["outside"], answer["worst"]["harm_usd"].split(".")[0])


def test_what_it_writes_does_not_depend_on_workers(night: Path, told: Callable[..., Any]) -> None:
    """But for machine and clock, which have a key of their own."""
    one, two = (told(explore, "bad.yaml", "--workers", workers, "--out", "found") for workers in ("1", "2"))
    for answer in (one, two):
        del answer["run"]
    assert json.dumps(one) == json.dumps(two)


def test_the_smallest_case_is_kept_in_the_corpus_and_known_from_then_on(night: Path, told: Callable[..., Any]) -> None:
    """Beside the scenario, once; with --set it is none of the scenario's, and only the case is kept."""
    first, again = told(explore, "bad.yaml"), told(explore, "bad.yaml", "--seed", "2")
    files = [one["regression"] for one in first["smallest"]]
    assert sorted(files) == sorted(str(file) for file in Path("drydock-corpus/bad").iterdir())
    assert set(files) >= {one["regression"] for one in again["smallest"] if one["signature"].startswith("T1")}
    other = told(explore, "good.yaml", "--set", "venue.waits=false")
    assert [None] * len(other["smallest"]) == [one["regression"] for one in other["smallest"]]
    assert not Path("drydock-corpus/good").exists()
    assert exits.NO_GO == drydock("replay", files[0])


def test_without_shrinking_the_first_case_is_told(night: Path, capsys: Capture) -> None:
    """With no time for it, a failure is listed as it was found."""
    assert exits.NO_GO == explore("bad.yaml", "--shrink", "0s")
    told = capsys.readouterr().out
    assert "Smallest" not in told
    assert "Found\n" in told
    assert "drydock replay .drydock/cases/" in told


def test_within_the_threats_nothing_outside_is_played(night: Path, told: Callable[..., Any]) -> None:
    """A search of the design basis alone has nothing to say of what is outside of it."""
    answer = told(explore, "bad.yaml", "--within-threats", "--shrink", "0s")
    assert answer["failures"]
    assert [] == answer["outside"]


def test_ctrl_c_writes_what_exists(night: Path, told: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The failures until then, and that it was stopped; the exit code is the signal's."""
    from drydock.harness.report.progress import Lines

    def interrupt(self: Lines, done: int, total: int, violations: int) -> None:
        if done == 17:
            raise KeyboardInterrupt

    monkeypatch.setattr(Lines, "__call__", interrupt)
    codes: list[int] = []
    answer = told(lambda *arguments: codes.append(explore(*arguments)) or 0, "bad.yaml", "--shrink", "0s")
    assert ([exits.INTERRUPTED], 17, "SIGINT") == (codes, answer["runs"], answer["stopped"])
