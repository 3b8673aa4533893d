"""``--database`` and ``--postgres``: what runs stand on, what is told of it, what is refused, what is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.bundle import Ticket
from drydock.harness.cli import exits
from drydock.harness.cli.main import answer
from drydock.harness.database import Database, DatabaseFailed
from drydock.harness.loaded_laws import with_laws
from drydock.harness.sweep import Bench, Crew
from tests.harness.commands import BAD, GOOD, TOY

Capture = pytest.CaptureFixture[str]
SERVED = str(Path(__file__).with_name("toy_server.py"))
SERVER = ("--database", "postgres", "--postgres", "server")
WHY = "the toy was asked"

for _file in (TOY, SERVED):
    registry.load(_file)
toy = sys.modules[type(registry.kit("toy")).__module__]


def drydock(*arguments: str) -> int:
    """One command line, with the toy that has a server."""
    return answer([*arguments, "--load", TOY, "--load", SERVED])


def gonogo(*arguments: str) -> int:
    """A small rehearsal."""
    return drydock("gonogo", "--runs", "4", "--today", "2026-11-22", *arguments)


@pytest.fixture
def server(night: Path) -> Path:
    """The folder of the toy's server; beside it scenarios of the kit that can stand on it."""
    for name, text in (("good", GOOD), ("bad", BAD)):
        (night / f"{name}.yaml").write_text(text.replace("kit: toy", "kit: served"))
    (night / "server").mkdir()
    return night / "server"


def log(server: Path) -> Counter[str]:
    """How often the server was started, used by a run, and stopped."""
    file = server / "log"
    return Counter(line.split()[0] for line in file.read_text().splitlines()) if file.exists() else Counter()


def is_left(server: Path) -> list[str]:
    """Servers that are still there."""
    return [path.name for path in server.iterdir() if path.name.isdigit()]


# ---- the same, wherever it stands -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["good", "bad"])
def test_a_run_is_the_same_on_both_databases(server: Path, name: str, told: Callable[..., Any]) -> None:
    """Digest, findings and case are equal; the database is told beside them, and is gone afterwards."""
    model, real = told(drydock, "run", f"{name}.yaml"), told(drydock, "run", f"{name}.yaml", *SERVER)
    assert Database() == Database.from_plain(model.pop("database"))
    assert Database("postgres", "ToySQL 1.0", "server", WHY) == Database.from_plain(real.pop("database"))
    assert model == real
    assert ({"start": 1, "run": 1, "close": 1, "stop": 1}, []) == (log(server), is_left(server))


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_verdict_is_the_same_on_both_databases(server: Path, workers: str, told: Callable[..., Any]) -> None:
    """The verdict and its digest know nothing of the database; every worker had a server, and none is left."""
    model = told(gonogo, "bad.yaml", "--workers", workers)
    real = told(gonogo, "bad.yaml", "--workers", workers, *SERVER)
    assert model["verdict_digest"] == real["verdict_digest"]
    assert ("simulated", "postgres") == (model["run"]["database"]["name"], real["run"]["database"]["name"])
    seen = log(server)
    assert (seen["start"], []) == (seen["stop"], is_left(server))
    assert int(workers) <= seen["start"]


def test_canaries_stay_on_the_model_and_the_answer_says_so(server: Path, capsys: Capture) -> None:
    """Wrong builds are of the model: baseline, reported plan and sweep alone are played on the server."""
    gonogo("bad.yaml", "--workers", "1", *SERVER)
    text = " ".join(capsys.readouterr().out.split())
    assert f"database ToySQL 1.0, server ({WHY}); the canaries, wrong builds of the model, on the simulated one" in text
    baseline, reported, again, sweep, without = 2, 4, 1, 4, 1
    assert baseline + reported + again + sweep + without == log(server)["run"]


def test_a_run_that_stands_on_a_server_says_on_which(server: Path, capsys: Capture) -> None:
    """In the last line of the timeline, and in none where nobody asked for one."""
    drydock("run", "good.yaml")
    assert "database:" not in capsys.readouterr().out
    drydock("run", "good.yaml", *SERVER)
    assert f"  database: ToySQL 1.0, server ({WHY})" == capsys.readouterr().out.splitlines()[-1]


def test_what_is_written_of_a_verdict_names_the_database(server: Path) -> None:
    """The page and the Markdown do."""
    gonogo("bad.yaml", "--workers", "1", *SERVER, "--report", "page.html", "--markdown", "summary.md")
    assert [True, True] == ["ToySQL 1.0, server" in Path(file).read_text() for file in ("page.html", "summary.md")]


def test_a_saved_case_is_played_on_either_database(server: Path, told: Callable[..., Any]) -> None:
    """A case names no database: what one of them broke, the other breaks."""
    told(gonogo, "bad.yaml", "--workers", "1", *SERVER)
    case = str(next(Path(".drydock/cases").iterdir()))
    model, real = told(drydock, "replay", case), told(drydock, "replay", case, *SERVER)
    assert (model["digest"], "postgres") == (real["digest"], real["database"]["name"])


def test_laws_of_the_user_judge_on_a_server_too(server: Path) -> None:
    """A kit with loaded laws keeps them when it stands on another database."""

    class Own(toy.OnTime):  # type: ignore[name-defined, misc]
        id = "OWN"

    with with_laws(registry.kit("served"), [Own], []).on("postgres", str(server)) as standing:
        assert ("OWN", "postgres") == (standing.laws(_scenario())[-1].id, standing.stands_on.name)


# ---- what is refused ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--database", "postgras"], "kit served has no database 'postgras'; did you mean 'postgres'"),
        (["--postgres", "auto"], "it goes with --database postgres"),
        (["--database", "simulated", "--postgres", "auto"], "it goes with --database postgres"),
        (["--database", "postgres", "--postgres", "nowhere"], "--postgres nowhere: there is no such folder"),
        (["--database", "postgres"], "--postgres auto: there is no such folder"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
@pytest.mark.parametrize("command", ["run", "gonogo"])
def test_a_database_that_cannot_be_had_is_told_before_anything_runs(
    server: Path, command: str, arguments: list[str], said: str, capsys: Capture
) -> None:
    """Exit 2 and one sentence, without a traceback."""
    assert exits.USAGE == drydock(command, "good.yaml", *arguments)
    streams = capsys.readouterr()
    assert ("", True, False) == (streams.out, said in streams.err, "Traceback" in streams.err)


def test_a_kit_without_a_server_says_so(night: Path, capsys: Capture) -> None:
    """What is allowed depends on the kit."""
    assert exits.USAGE == drydock("run", "good.yaml", "--database", "postgres")
    assert "kit toy has no database 'postgres'; allowed: simulated" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "gonogo"])
def test_a_server_that_does_not_start_is_a_failure_of_the_harness(server: Path, command: str, capsys: Capture) -> None:
    """Exit 4: no judgement of the scenario; its own words, in one sentence."""
    (server / "full").touch()
    assert exits.HARNESS_FAILED == drydock(command, "good.yaml", *SERVER)
    told = capsys.readouterr().err
    assert told.startswith("drydock failed: the server did not start: no space left on device.\n")
    assert "Traceback" not in told


@pytest.mark.parametrize("command", ["run", "gonogo"])
def test_what_a_server_cannot_do_is_refused_beforehand(server: Path, command: str, capsys: Capture) -> None:
    """The kit is asked about the scenario and about every fault that may strike; nothing runs."""
    (server / "plain").touch()
    assert exits.USAGE == drydock(command, "good.yaml", *SERVER)
    assert "good needs a late load of both, which is not asked of ToySQL 1.0, server" in capsys.readouterr().err
    assert ({"start": 1, "stop": 1}, []) == (log(server), is_left(server))


def test_what_no_fault_of_the_run_needs_is_not_asked_for(server: Path) -> None:
    """Without the plan that needs it the same server will do."""
    (server / "plain").touch()
    assert exits.GO == drydock("run", "good.yaml", "--plan", "none", *SERVER)


def test_a_server_for_one_process_has_one_worker(server: Path, capsys: Capture) -> None:
    """More are refused, and none are taken by default."""
    (server / "shared").touch()
    assert exits.USAGE == gonogo("good.yaml", "--workers", "2", *SERVER)
    assert "one server for one process; allowed: 1" in capsys.readouterr().err
    (server / "log").unlink()
    assert exits.GO == gonogo("good.yaml", *SERVER)
    assert 1 == log(server)["start"]


def test_dry_starts_nothing(server: Path, capsys: Capture) -> None:
    """The schedule needs no server; a name that nobody knows is told all the same."""
    assert exits.GO == drydock("run", "good.yaml", "--dry", *SERVER)
    assert Counter() == log(server)
    assert exits.USAGE == drydock("run", "good.yaml", "--dry", "--database", "mysql")


# ---- what is left behind --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, exits.INTERRUPTED), (signal.SIGTERM, exits.TERMINATED)], ids=["ctrl-c", "term"]
)
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_signal_leaves_no_server(server: Path, sent: signal.Signals, code: int, workers: str) -> None:
    """Ctrl-C goes to all processes: each closes what it opened, and the verdict is written."""
    command = [sys.executable, "-P", "-m", "drydock", "gonogo", "good.yaml", "--load", TOY, "--load", SERVED]
    process = subprocess.Popen(
        [*command, "--level", "evening", "--workers", workers, *SERVER, "--json", "verdict.json"],
        env={**os.environ, "CI": "true", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
        text=True,
    )
    assert process.stderr is not None
    process.stderr.readline()  # the first line of progress: it is at work
    os.killpg(process.pid, sent) if sent == signal.SIGINT else process.send_signal(sent)
    rest = process.communicate(timeout=60)[1]
    verdict = json.loads(Path("verdict.json").read_text())
    assert (code, "INCONCLUSIVE", "") == (process.returncode, verdict["decision"], rest.partition("Traceback")[1])
    assert (log(server)["start"], []) == (log(server)["stop"], is_left(server))


def test_a_worker_that_cannot_open_its_server_is_told(server: Path) -> None:
    """What fails in a worker reaches the caller as it is."""
    kit = registry.kit("served")
    with kit.on("postgres", str(server)) as standing:
        bench = Bench(standing, _scenario(), 1)
        (server / "full").touch()
        with Crew(bench, 2) as crew, pytest.raises(DatabaseFailed, match="no space left"):
            list(crew.play([Ticket("sweep", 0)]))


@pytest.mark.parametrize("command", ["run", "gonogo"])
def test_a_server_that_fails_in_a_run_is_one_sentence(server: Path, capsys: Capture, command: str) -> None:
    """It ends the command, for the next run would meet it too; nobody takes it for a part of the model that failed."""
    (server / "gone").touch()
    assert exits.HARNESS_FAILED == drydock(command, "good.yaml", "--database", "postgres", "--postgres", str(server))
    told = capsys.readouterr().err
    assert "drydock failed: the server went down: no space left on device.\n" in told
    assert "HarnessError" not in told
    assert [] == is_left(server)


def test_doctor_says_what_would_be_taken(server: Path, told: Callable[..., Any]) -> None:
    """And starts nothing."""
    assert "ToySQL 1.0" == told(drydock, "doctor", "--scenario", "good.yaml")["facts"]["postgres"]
    assert Counter() == log(server)


def _scenario() -> Any:
    """A night of the kit with a server."""
    return toy.scenario(registry.kit("served"))
