"""The venue's kit on PostgreSQL, as the commands use it: the same answers, told beside what was taken; nothing left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.bundle import RunSummary, Ticket
from drydock.harness.cli import exits
from drydock.harness.cli.main import answer
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import parse_plan
from drydock.harness.port import Case, Kit, Scenario
from drydock.harness.run import run_case
from drydock.harness.scenario import load_scenario
from drydock.harness.sweep import Bench, Crew
from drydock.models.postgres.choice import Choice
from drydock.models.postgres.template import Template

Capture = pytest.CaptureFixture[str]
ON_POSTGRES = ("--database", "postgres")
NOTHING_SPECIAL = """
name: restart
runbook:
  before_ms: 1m
  window_ms: 5m
  night_ms: 10m
  steps:
    - {step: set_mode, name: maintenance, mode: maintenance}
    - {step: stop_services, services: [funding]}
    - {step: start_services, services: [funding], duration_ms: 10s}
    - {step: resume}
venue: {markets: {only: [BTC-USD-PERP, PAXG-USD-PERP]}}
population: {accounts: 20}
regimes: [calm]
reported: {regime: calm, plan: [{kind: slow_load, step: start-services, target: funding, mean_ms: 1s}]}
threats: [{kind: slow_load, steps: [start-services], targets: [funding]}]
sweep: {name: restart, faults: [1, 1]}
"""


@pytest.fixture(scope="module")
def kit(choice: Choice) -> Iterator[Kit]:
    """The packaged kit on servers of each place, which are there for all tests of this module."""
    with registry.kit("venue").on("postgres", choice.kind) as standing:
        yield standing


@pytest.fixture(scope="module")
def bench() -> Scenario:
    """The bench venue."""
    return load_scenario("bench")


def plan(scenario: Scenario, *faults: dict[str, Any]) -> tuple[Any, ...]:
    """Faults as a plan file has them."""
    mistakes = Mistakes()
    read = parse_plan(list(faults), (), lambda _: "plan", mistakes, scenario, registry.kit("venue"))
    mistakes.raise_if_any()
    return read


def test_the_kit_says_what_it_stands_on(kit: Kit, choice: Choice) -> None:
    """Version and place are those of the server that answers; nobody had to choose here."""
    told = kit.stands_on
    assert ("postgres", choice.kind, "") == (told.name, told.choice, told.why)
    assert str(told).startswith("PostgreSQL ")
    assert str(told).endswith(f"{choice.name.split()[1]}, {choice.kind}")


def test_a_night_is_the_same_on_both(kit: Kit, bench: Scenario) -> None:
    """Events, findings and harm of a night that loses its last commits."""
    faults = plan(bench, {"kind": "lost_tail", "step": "resume", "offset_ms": "20s", "lost_ms": "10s"})
    case = Case(bench, bench.reported_regime, faults, 3)
    model, real = (run_case(case, one, keep_trace=True) for one in (registry.kit("venue"), kit))
    assert [event.identity for event in model.events or ()] == [event.identity for event in real.events or ()]
    assert (model.digest, model.findings, model.entries) == (real.digest, real.findings, real.entries)


def test_workers_have_servers_of_their_own(kit: Kit, bench: Scenario) -> None:
    """Two workers on two servers leave what one process leaves on the model."""

    def played(standing: Kit, workers: int) -> list[RunSummary]:
        with Crew(Bench(standing, bench, 1), workers) as crew:
            tickets = [Ticket("sweep", number) for number in range(6)]
            return sorted(crew.play(tickets), key=lambda run: run.ticket.number)

    assert played(registry.kit("venue"), 1) == played(kit, 2)


def test_a_kit_by_its_own_stands_on_the_model(kit: Kit) -> None:
    """Standing on a server is the affair of who asked for it; and from there the way back costs nothing."""
    assert "simulated" == registry.kit("venue").stands_on.name
    with kit.on("simulated") as model:
        assert "simulated" == model.stands_on.name


def test_the_command_tells_what_it_took(capsys: Capture) -> None:
    """``auto`` says why; JSON has it in parts."""
    assert exits.GO == answer(["run", "bench", *ON_POSTGRES, "--json", "-"])
    taken = json.loads(capsys.readouterr().out)["database"]
    assert ("postgres", True) == (taken["name"], taken["why"].startswith("auto: "))


def test_what_is_simulated_imports_no_driver() -> None:
    """``drydock run`` without ``--database`` loads neither psycopg nor anything of Docker."""
    program = (
        "import sys\nfrom drydock.harness.cli.main import answer\ncode = answer(['run', 'bench', '-q'])\n"
        "print(code, {'psycopg', 'docker', 'testcontainers', 'drydock.models.postgres.pool'} & sys.modules.keys())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert "0 set()" == done.stdout.splitlines()[-1]


# ---- a server by URL ------------------------------------------------------------------------------------------------
@pytest.fixture
def url(template: Template) -> Iterator[str]:
    """A scratch server as a user might have one."""
    server = template.clone()
    server.start()
    yield f"postgresql://postgres:{server.password}@{server.address[0]}:{server.port}/postgres"
    server.remove()


@pytest.fixture
def restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A night of plain transactions."""
    monkeypatch.chdir(tmp_path)
    Path("restart.yaml").write_text(NOTHING_SPECIAL)
    return "restart.yaml"


def test_a_server_by_url_serves_plain_transactions(url: str, restart: str, capsys: Capture) -> None:
    """The same digest as on the model; the password is told to nobody."""
    digests = []
    for options in ((), (*ON_POSTGRES, "--postgres", url)):
        assert exits.GO == answer(["run", restart, "--json", "-", *options])
        text = capsys.readouterr().out
        digests.append(json.loads(text)["digest"])
        assert url not in text
    assert digests[0] == digests[1]


@pytest.mark.parametrize("command", ["run", "gonogo"])
def test_a_night_that_needs_more_than_a_url_has_is_refused(url: str, command: str, capsys: Capture) -> None:
    """One sentence, before anything runs, with what is needed and who needs it."""
    assert exits.USAGE == answer([command, "bench", *ON_POSTGRES, "--postgres", url])
    streams = capsys.readouterr()
    assert ("", True) == (streams.out, "needs a copy to a bigger instance (step scale-up)" in streams.err)


def test_a_server_by_url_has_one_worker(url: str, restart: str, capsys: Capture) -> None:
    """It is for one process: more are refused."""
    assert exits.USAGE == answer(["gonogo", restart, "--workers", "2", *ON_POSTGRES, "--postgres", url])
    assert "one server for one process" in capsys.readouterr().err


def test_a_server_by_url_is_taken_for_as_long_as_it_is_stood_on(url: str, restart: str, capsys: Capture) -> None:
    """Somebody else is told so before the first run."""
    with registry.kit("venue").on("postgres", f"{url}?application_name=somebody"):
        assert exits.USAGE == answer(["run", restart, *ON_POSTGRES, "--postgres", url])
    assert "serves one at a time" in capsys.readouterr().err
    assert exits.GO == answer(["run", restart, "-q", *ON_POSTGRES, "--postgres", url])
