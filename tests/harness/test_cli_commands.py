"""The commands on the toy model: what they exit with, what they write, and to whom."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drydock.harness.cli import exits
from drydock.harness.cli.main import answer
from tests.harness.commands import TOY, drydock, gonogo

Capture = pytest.CaptureFixture[str]


# ---- gonogo ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("files", "code"),
    [
        (["good.yaml"], exits.GO),
        (["bad.yaml"], exits.NO_GO),
        (["raising.yaml"], exits.HARNESS_FAILED),
        (["good.yaml", "bad.yaml"], exits.NO_GO),
        (["bad.yaml", "raising.yaml", "good.yaml"], exits.HARNESS_FAILED),
        (["mistaken.yaml"], exits.USAGE),
        (["good.yaml", "missing.yaml"], exits.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_gonogo_exits_with_its_verdict(night: Path, files: list[str], code: int) -> None:
    """One scenario exits with its own decision, several with the worst; a bad file before anything runs."""
    assert code == gonogo(*files)


def test_a_rehearsal_cut_short_is_never_go(night: Path, capsys: Capture) -> None:
    """``--max-time`` ends with what there is, and that is INCONCLUSIVE."""
    code = drydock("gonogo", "good.yaml", "--level", "evening", "--workers", "1", "--max-time", "100ms", "-q")
    assert (exits.INCONCLUSIVE, "INCONCLUSIVE") == (code, capsys.readouterr().out.split()[0])


def test_json_on_stdout_stands_alone(night: Path, capsys: Capture) -> None:
    """``--json -`` leaves stdout to JSON; progress goes to stderr."""
    assert exits.NO_GO == gonogo("bad.yaml", "--json", "-")
    streams = capsys.readouterr()
    assert "NO-GO" == json.loads(streams.out)["decision"]
    assert "bad: " in streams.err


def test_several_scenarios_write_an_array(night: Path, told: Callable[..., Any]) -> None:
    """One scenario is an object, several are an array in the order in which they were asked for."""
    assert ["GO", "NO-GO"] == [verdict["decision"] for verdict in told(gonogo, "good.yaml", "bad.yaml")]


def test_json_to_a_file_leaves_the_text(night: Path, capsys: Capture) -> None:
    """``--json FILE`` writes beside the text, not instead of it."""
    assert exits.GO == gonogo("good.yaml", "--json", "verdict.json")
    assert "GO" == json.loads(Path("verdict.json").read_text())["decision"]
    assert " GO   good" in capsys.readouterr().out


def test_quiet_is_one_line_and_no_progress(night: Path, capsys: Capture) -> None:
    """``-q`` says the decision and its claim in one line, whatever the width."""
    assert exits.NO_GO == gonogo("bad.yaml", "-q")
    streams = capsys.readouterr()
    assert (1, "") == (streams.out.count("\n"), streams.err)


def test_a_violation_leaves_a_case_and_the_line_that_replays_it(night: Path, capsys: Capture) -> None:
    """The line printed below a broken law is a command that breaks it again."""
    gonogo("bad.yaml")
    line = next(line for line in capsys.readouterr().out.splitlines() if "drydock replay" in line)
    assert exits.NO_GO == answer(line.split()[1:])
    assert "*\n" == Path(".drydock/.gitignore").read_text()


def test_the_cache_lies_where_the_environment_says(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``DRYDOCK_CACHE`` overrides the folder."""
    monkeypatch.setenv("DRYDOCK_CACHE", "elsewhere")
    gonogo("bad.yaml")
    assert (True, False) == (any(Path("elsewhere/cases").iterdir()), Path(".drydock").exists())


def test_a_cache_that_cannot_be_written_costs_no_verdict(
    night: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    """The decision stands; stderr says why no case was saved."""
    monkeypatch.setenv("DRYDOCK_CACHE", "good.yaml")
    assert exits.NO_GO == gonogo("bad.yaml")
    streams = capsys.readouterr()
    assert [True] * 2 == [" NO-GO   bad" in streams.out, "set DRYDOCK_CACHE" in streams.err]


def test_a_go_leaves_no_files(night: Path) -> None:
    """Only a violation writes cases."""
    before = sorted(night.iterdir())
    gonogo("good.yaml")
    assert before == sorted(night.iterdir())


def test_the_mistakes_of_all_files_are_told_together(night: Path, capsys: Capture) -> None:
    """Three mistakes in two files: three lines, each with its place, and no traceback."""
    assert exits.USAGE == gonogo("mistaken.yaml", "missing.yaml")
    places = [line.split(": ")[0] for line in capsys.readouterr().err.splitlines()]
    assert ["missing.yaml", "mistaken.yaml:4:9", "mistaken.yaml:4:30"] == places


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--regime", "crsh"], "has no regime 'crsh'"),
        (["--today", "tomorrow"], "YYYY-MM-DD"),
        (["--set", "venue.wiats=true"], "did you mean 'waits'"),
        (["--set", "waits"], "PATH=VALUE"),
        (["--json", "no/where/x.json"], "there is no folder no/where"),
        (["--refunds", "no/where/x.csv"], "there is no folder no/where"),
        (["--refunds", "-"], "--refunds -: takes a file"),
        (["--load", "mine.py"], "is no Python file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_bad_option_is_told_before_anything_runs(
    night: Path, arguments: list[str], said: str, capsys: Capture
) -> None:
    """What cannot be done is said at once, with what is allowed."""
    assert exits.USAGE == gonogo("good.yaml", *arguments)
    streams = capsys.readouterr()
    assert ("", True) == (streams.out, said in streams.err)


def test_the_date_is_an_input_and_part_of_the_verdict(night: Path, told: Callable[..., Any]) -> None:
    """``--today`` is what the verdict carries."""
    assert "2026-11-22" == told(gonogo, "good.yaml")["today"]


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)], ids=["ctrl-c", "term"]
)
def test_a_signal_ends_inconclusive_with_what_exists_written(night: Path, sent: signal.Signals, code: int) -> None:
    """A rehearsal that is stopped writes its verdict, INCONCLUSIVE, and exits with the signal's code."""
    command = [sys.executable, "-P", "-m", "drydock", "gonogo", "good.yaml", "--load", TOY, "--level", "evening"]
    process = subprocess.Popen(
        [*command, "--workers", "2", "--json", "verdict.json"],
        env={**os.environ, "CI": "true", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first line of progress: it is at work
    process.send_signal(sent)
    rest = process.communicate(timeout=60)[1]
    verdict = json.loads(Path("verdict.json").read_text())
    assert (code, "INCONCLUSIVE", False) == (process.returncode, verdict["decision"], "Traceback" in rest)


# ---- run and replay -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["good.yaml"], exits.GO),
        (["bad.yaml"], exits.NO_GO),
        (["bad.yaml", "--plan", "none", "--set", "venue.load_ms=0"], exits.GO),
        (["raising.yaml"], exits.HARNESS_FAILED),
        (["mistaken.yaml"], exits.USAGE),
        (["good.yaml", "--plan", "nowhere.yaml"], exits.USAGE),
        (["good.yaml", "--regime", "crsh"], exits.USAGE),
        (["good.yaml", "--trace", "-"], exits.USAGE),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_run_exits_0_clean_and_1_broken(night: Path, arguments: list[str], code: int) -> None:
    """One run: clean or broken; a law that raises is a failure of the harness, and a bad plan a bad file."""
    assert code == drydock("run", *arguments)


def test_a_plan_file_says_what_goes_wrong(night: Path, told: Callable[..., Any]) -> None:
    """``--plan FILE`` replaces the reported plan."""
    Path("plan.yaml").write_text("- {kind: SlowCount, target: first, delay_ms: 120ms}\n")
    run = told(drydock, "run", "bad.yaml", "--plan", "plan.yaml")
    assert [("first", 120)] == [(fault["target"], fault["delay_ms"]) for fault in run["case"]["plan"]]


def test_run_json_holds_the_contract(night: Path, told: Callable[..., Any]) -> None:
    """The keys that scripts depend on; money is a decimal text."""
    run = told(drydock, "run", "bad.yaml")
    assert set() == {"schema", "digest", "findings", "harm_usd", "refund_usd"} - set(run)
    assert ("198.00", None, "T1") == (run["harm_usd"], run["refund_usd"], run["findings"][0]["law"])


def test_the_same_command_has_the_same_answer(night: Path, told: Callable[..., Any]) -> None:
    """Without a seed given, two people see the same run."""
    assert told(drydock, "run", "bad.yaml") == told(drydock, "run", "bad.yaml")


def test_dry_prints_the_schedule_and_judges_nothing(night: Path, capsys: Capture) -> None:
    """``--dry`` shows steps and faults at their planned times, and says that nothing was judged."""
    assert exits.GO == drydock("run", "raising.yaml", "--dry")
    text = capsys.readouterr().out
    assert [True] * 3 == [part in text for part in ("restart (toy", "fault SlowCount", "nothing was judged")]
    assert (False, False) == ("Clean" in text, "GO" in text)


def test_a_trace_has_a_header_and_an_event_a_line(night: Path) -> None:
    """JSON Lines: schema, case and digest first, then every event, the harness channel included."""
    drydock("run", "good.yaml", "--trace", "t.jsonl")
    header, *events = [json.loads(line) for line in Path("t.jsonl").read_text().splitlines()]
    assert {"schema", "case", "digest"} == set(header)
    assert {"harness", "venue"} == {event["channel"] for event in events}
    assert sorted(event["at_ms"] for event in events) == [event["at_ms"] for event in events]


@pytest.fixture
def case(night: Path) -> str:
    """A saved case of the bad night."""
    gonogo("bad.yaml", "-q")
    return str(next(Path(".drydock/cases").iterdir()))


def test_replay_exits_1_while_the_case_is_broken(case: str) -> None:
    """A case is broken until something changes."""
    assert exits.NO_GO == drydock("replay", case)


def test_replay_exits_0_where_a_guard_fixes_it(case: str) -> None:
    """``--set`` over the scenario that the case embeds answers: does it help?"""
    assert exits.GO == drydock("replay", case, "--set", "venue.waits=true")


def test_until_limits_what_is_told_and_not_what_is_judged(case: str, capsys: Capture) -> None:
    """The exit stays that of the whole run."""
    capsys.readouterr()
    assert exits.NO_GO == drydock("replay", case, "--until", "150ms")
    times = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("+00:")]
    assert "+00:00:00.150" >= max(times)


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is no JSON"), ("[]", "is no case"), ('{"schema": "drydock.trace/1"}', "is not read here")],
)
def test_a_file_that_is_no_case_is_a_bad_file(night: Path, text: str, said: str, capsys: Capture) -> None:
    """What cannot be read exits 2 and names the place."""
    Path("case.json").write_text(text)
    assert exits.USAGE == drydock("replay", "case.json")
    assert ("case.json", True) == ((err := capsys.readouterr().err)[:9], said in err)


def test_a_case_that_no_longer_applies_is_neither_clean_nor_broken(case: str, capsys: Capture) -> None:
    """A fault whose step is gone proves nothing: 3, and it says which."""
    Path(case).write_text(Path(case).read_text().replace('"restart"', '"rewire"'))
    assert exits.INCONCLUSIVE == drydock("replay", case)
    told = capsys.readouterr().err
    assert [True] * 2 == [part in told for part in ("unknown step 'rewire'", "no longer applies")]


# ---- catalogue, schema, doctor --------------------------------------------------------------------------------------
def test_the_catalogue_finds_a_fault_by_its_keywords(told: Callable[..., Any]) -> None:
    """Words search name, sentence and keywords; each of them must occur."""
    found = told(drydock, "catalogue", "faults", "TOY", "late")
    assert ["SlowCount"] == [item["name"] for item in found["faults"]]


def test_the_catalogue_says_when_nothing_matches(capsys: Capture) -> None:
    """An empty answer says what was asked for and how to see everything."""
    assert exits.GO == drydock("catalogue", "faults", "zebra")
    assert "There are no faults that match 'zebra'" in capsys.readouterr().out


def test_the_catalogue_tells_laws_and_safeguards_of_a_scenario(night: Path, told: Callable[..., Any]) -> None:
    """``--scenario`` says whose."""
    laws = told(drydock, "catalogue", "laws", "--scenario", "bad.yaml")["laws"]
    guards = told(drydock, "catalogue", "safeguards", "--scenario", "bad.yaml")["safeguards"]
    assert ["T1", "T2", "T3", "TG"] == [law["name"] for law in laws]
    assert [("readiness gate", "off in bad: venue.waits")] == [(guard["name"], guard["note"]) for guard in guards]


def test_the_schema_is_json_of_the_kit(told: Callable[..., Any], capsys: Capture) -> None:
    """Without options the schema itself is on stdout, for an editor to keep."""
    assert exits.GO == drydock("schema", "--kit", "toy")
    assert {"type": "object"} == json.loads(capsys.readouterr().out)


def test_doctor_proves_determinism(night: Path, told: Callable[..., Any]) -> None:
    """The same case has the same digest here and in another process with another hash seed."""
    diagnosis = told(drydock, "doctor", "--scenario", "bad.yaml")
    assert (True, [True, True]) == (diagnosis["is_healthy"], [proof["holds"] for proof in diagnosis["proofs"]])
