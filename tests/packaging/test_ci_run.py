"""What .ci/run does about containers, and what scripts/engine-up says: on machines whose tools are stand-ins."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

TOOLS = ("bash", "cat", "dirname", "env", "mktemp", "rm", "seq", "sh", "sleep", "sort", "tail")
TOXW = '#!/bin/sh\necho "toxw $*; image=${DRYDOCK_POSTGRES_IMAGE:-}"\n'
GIVES = "#!/bin/sh\necho export DRYDOCK_POSTGRES_IMAGE=postgres:15\n"
GIVES_NOTHING = "#!/bin/sh\necho 'engine-up: no' >&2\nexit 1\n"
DOCKER = """#!/bin/sh
echo "$*" >>"$CALLS"
case "$*" in
version*) [ "$ENGINE" = yes ];;
"image inspect $HAS") ;;
pull*"$PULLS") ;;
*) echo "docker: no $*" >&2; exit 1;;
esac
"""
Finished = subprocess.CompletedProcess[str]
Script = Callable[..., Finished]


def stand_in(path: Path, text: str) -> None:
    """A program that does what the text says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)


@pytest.fixture
def ci(checkout: Path, tmp_path: Path) -> Script:
    """Runs .ci/run where every interpreter is there, with stand-ins for ./toxw and scripts/engine-up."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    for version in ("3.11", "3.12", "3.13"):
        stand_in(tmp_path / f"python{version}", "#!/bin/sh\n")
    stand_in(tmp_path / "clone/toxw", TOXW)
    stand_in(tmp_path / "clone/.tox-venv/bin/python", "#!/bin/sh\necho 3.11\n")
    (tmp_path / "clone/.ci").mkdir()
    shutil.copy(checkout / ".ci/run", tmp_path / "clone/.ci/run")

    def run(engine_up: str, **settings: str) -> Finished:
        stand_in(tmp_path / "clone/scripts/engine-up", engine_up)
        env = {"PATH": str(tmp_path), **settings}
        return subprocess.run([tmp_path / "clone/.ci/run"], env=env, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("settings", [{}, {"CI": "true"}])
def test_ci_runs_the_tests_in_containers_with_what_the_engine_needs(ci: Script, settings: dict[str, str]) -> None:
    """First what a developer runs, which needs no engine; then, with its variables, the rest."""
    done = ci(GIVES, **settings)
    assert 0 == done.returncode, done.stderr
    first, second = done.stdout.splitlines()
    assert "toxw ; image=" == first
    assert second.endswith("-e docker,py312,py313,postgres-part,features-off; image=postgres:15")


def test_without_an_engine_ci_fails(ci: Script) -> None:
    """Never a green run that tested less."""
    done = ci(GIVES_NOTHING, CI="true")
    assert 1 == done.returncode
    assert ".ci/run: there is no Docker engine" in done.stderr
    assert ["toxw ; image="] == done.stdout.splitlines(), "only what needs no engine has run"


def test_without_an_engine_others_are_told_and_go_on(ci: Script) -> None:
    """Everything else runs, and a line says what did not."""
    done = ci(GIVES_NOTHING)
    assert 0 == done.returncode, done.stderr
    assert ".ci/run: no Docker engine: tests in containers are NOT run (in CI this fails)" in done.stderr
    assert "docker" not in done.stdout


@pytest.fixture
def engine_up(checkout: Path, tmp_path: Path) -> Script:
    """Runs scripts/engine-up on a machine that is not Debian, as a user who is not root, with a stand-in for docker."""
    for tool in ("bash", "dirname", "env", "sh", "tail", "timeout"):
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)
    stand_in(tmp_path / "id", "#!/bin/sh\necho ${USER_ID:-1000}\n")
    stand_in(tmp_path / "docker", DOCKER)

    def run(**settings: str) -> Finished:
        env = {"PATH": str(tmp_path), "CALLS": str(tmp_path / "calls"), "ENGINE": "yes", "HAS": "-", "PULLS": "-"}
        command = [checkout / "scripts/engine-up"]
        return subprocess.run(command, env=env | settings, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ENGINE": "no"}, "only root can start a Docker engine"),
        ({"ENGINE": "no", "USER_ID": "0"}, "this is not Debian (no apt-get)"),
        ({"ENGINE": "no", "DOCKER_HOST": "tcp://127.0.0.1:1"}, "no engine answers at DOCKER_HOST=tcp://127.0.0.1:1"),
        ({}, "only root can build an image from Debian's packages"),
        ({"DRYDOCK_POSTGRES_IMAGE": "mine:1"}, "DRYDOCK_POSTGRES_IMAGE=mine:1 is neither here nor to be pulled"),
    ],
)
def test_engine_up_says_what_it_cannot_do(engine_up: Script, settings: dict[str, str], words: str) -> None:
    """Nobody's root, no Debian, no engine where one was named, no such image: a line, exit 1, no variables."""
    done = engine_up(**settings)
    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.splitlines()[-1].startswith(f"engine-up: {words}")


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        ({"HAS": "postgres:18"}, "postgres:18"),
        ({"HAS": "postgres:15"}, "postgres:15"),
        ({"PULLS": "postgres:18"}, "postgres:18"),
        ({"DRYDOCK_POSTGRES_IMAGE": "mine:1", "HAS": "mine:1"}, "mine:1"),
        ({"DRYDOCK_POSTGRES_IMAGE": "postgres:15", "PULLS": "postgres:15"}, "postgres:15"),
    ],
)
def test_engine_up_takes_what_is_there_or_is_pulled(engine_up: Script, settings: dict[str, str], image: str) -> None:
    """A named image and no other; else the official one, else the one built here before. Nobody needs to be root."""
    done = engine_up(**settings)
    assert 0 == done.returncode, done.stderr
    assert f"export DRYDOCK_POSTGRES_IMAGE={image}" in done.stdout.splitlines()
