"""The commands on the toy model: what they exit with, what they write, and to whom."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from drydock.harness.cli import exits
from drydock.harness.cli.main import answer

CHECKOUT = Path(__file__).resolve().parents[2]
TOY = str(CHECKOUT / "tests" / "toy.py")
GOOD = "kit: toy\nname: good\nregimes: [flat, busy]\n"
BAD = GOOD.replace("good", "bad") + "venue: {waits: false}\n"
MISTAKEN = "kit: toy\nname: mistaken\nregimes: [flat]\nvenue: {wiats: false, ticks: -1}\n"
RAISING = GOOD.replace("good", "raising") + "venue: {trouble: law raises}\n"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with toy scenarios, and the current one."""
    texts = {"good": GOOD, "bad": BAD, "mistaken": MISTAKEN, "raising": RAISING}
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRYDOCK_CACHE", raising=False)
    return tmp_path


def drydock(*arguments: str) -> int:
    """One command line, with the toy loaded."""
    return answer([*arguments, "--load", TOY])


def gonogo(*arguments: str) -> int:
    """A small rehearsal in this process."""
    return drydock("gonogo", "--workers", "1", "--runs", "4", "--today", "2026-11-22", *arguments)


@pytest.fixture
def told(capsys: Capture) -> Callable[..., Any]:
    """Runs a command that writes its answer to stdout, and reads it."""

    def read(command: Callable[..., int], *arguments: str) -> Any:
        command(*arguments, "--json", "-")
        return json.loads(capsys.readouterr().out)

    return read


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


# ---- refunds, accepted risks, the twin -------------------------------------------------------------------------------
REFUNDING = BAD.replace("bad", "refunding") + "policy: {refunds: [lost]}\n"
RISK = "accepted: [{law: T1, reason: the gate comes in May, owner: ops, expires: 2027-05-31}]\n"
LENIENT = "policy: {limits: [{law: T3, share_ppm_max: 1000000}]}\n"


def amounts(file: str) -> list[str]:
    """The column of amounts."""
    with Path(file).open(newline="") as stream:
        return [row["amount_usd"] for row in csv.DictReader(stream)]


def test_refunds_of_a_run_are_its_refund(night: Path, told: Callable[..., Any]) -> None:
    """The lines add up to ``refund_usd``, there are as many as accounts, and nobody else may read them."""
    Path("refunding.yaml").write_text(REFUNDING)
    run = told(drydock, "run", "refunding.yaml", "--refunds", "r.csv")
    assert ("198.00", ["99.00", "99.00"], 2) == (run["refund_usd"], amounts("r.csv"), run["accounts"])
    assert {"lost": "198.00"} == run["refund_by_kind_usd"]
    assert 0o600 == Path("r.csv").stat().st_mode & 0o777


def test_refunds_of_a_rehearsal_are_its_refunds(night: Path, told: Callable[..., Any]) -> None:
    """Of several scenarios in one file, each line with the scenario, bundle and run that it belongs to."""
    Path("refunding.yaml").write_text(REFUNDING)
    verdicts = told(gonogo, "refunding.yaml", "good.yaml", "--refunds", "r.csv")
    with Path("r.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {("refunding", "reported"), ("refunding", "sweep")} == {(row["scenario"], row["bundle"]) for row in rows}
    assert ["99.00"] * 8 == [row["amount_usd"] for row in rows if row["bundle"] == "reported"]
    assert "198.00" == verdicts[0]["reported"]["refund_usd"]["mean"]


def test_a_refund_file_changes_no_verdict(night: Path, told: Callable[..., Any]) -> None:
    """Asked for or not: the same digest."""
    Path("refunding.yaml").write_text(REFUNDING)
    digests = [told(gonogo, "refunding.yaml", *more)["verdict_digest"] for more in ((), ("--refunds", "r.csv"))]
    assert digests[0] == digests[1]


def test_nothing_to_refund_is_told_from_nothing_decided(night: Path, capsys: Capture) -> None:
    """A policy without refunds leaves a header, and stderr says why."""
    drydock("run", "bad.yaml", "--refunds", "r.csv")
    assert ([], True) == (amounts("r.csv"), "the policy of bad refunds no kind of harm" in capsys.readouterr().err)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_swallows_no_verdict(night: Path, capsys: Capture) -> None:
    """The verdict is printed; the file that could not be written exits 2."""
    assert exits.USAGE == gonogo("bad.yaml", "--refunds", "/dev/full", "-q")
    streams = capsys.readouterr()
    assert [True] * 2 == ["NO-GO" in streams.out, "/dev/full: cannot be written" in streams.err]


def test_an_accepted_risk_decides_until_it_expires(night: Path, capsys: Capture, told: Callable[..., Any]) -> None:
    """From file to exit code: accepted it is GO and named in the claim; a day later NO-GO, and the date is printed."""
    Path("known.yaml").write_text(BAD.replace("bad", "known") + LENIENT + RISK)
    assert exits.GO == gonogo("known.yaml", "--runs", "9", "--today", "2027-05-31")
    head, _, rest = " ".join(capsys.readouterr().out.split()).partition(" Risks taken knowingly ")
    assert head.endswith("in question; accepted: T1 level smoke · seed 1 · today 2027-05-31")
    assert rest.startswith("- T1 the gate comes in May (accepted by ops until 2027-05-31); came true in 9 reported")
    assert exits.NO_GO == gonogo("known.yaml", "--runs", "9", "--today", "2027-06-01")
    assert "EXPIRED: accepts nothing" in " ".join(capsys.readouterr().out.split())
    days = ("2027-05-30", "2027-05-31")
    verdicts = [told(gonogo, "known.yaml", "--runs", "9", "--today", day) for day in days]
    assert ("GO", ("T1", False)) == (verdicts[0]["decision"], itemgetter("law", "expired")(verdicts[0]["accepted"][0]))
    assert verdicts[0]["verdict_digest"] != verdicts[1]["verdict_digest"]


def test_a_twin_is_a_second_opinion(night: Path, told: Callable[..., Any], capsys: Capture) -> None:
    """The key ``twin`` and a section of its own, only where asked for; the digest is that of the run without it."""
    run, alone = told(drydock, "run", "bad.yaml", "--twin"), told(drydock, "run", "bad.yaml")
    assert ("200.00", 2, "200.00") == itemgetter("refund_need_usd", "accounts", "noise_floor_usd")(run["twin"])
    assert [{"account": "counter 0", "need_usd": "100.00"}] == run["twin"]["largest"][:1]
    assert (False, run["digest"]) == ("twin" in alone, alone["digest"])
    drydock("run", "bad.yaml", "--twin")
    assert "Second opinion" in capsys.readouterr().out


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
