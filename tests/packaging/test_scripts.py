"""The scripts around the command: the demo judges both verdicts, toxw and .ci/run say in a line what is missing."""

from __future__ import annotations

import shutil
import subprocess

import pytest

STAND_IN = """
import json, os, sys
assert sys.argv[1] == "gonogo"
print(*(a for a in sys.argv[1:] if a != "--json" and not a.endswith(".json")))
code = json.loads(os.environ["CODES"])[sys.argv[2]]
decision = {0: "GO", 1: "NO-GO", 3: "INCONCLUSIVE"}.get(abs(code))
if "--json" in sys.argv and decision and code >= 0:
    with open(sys.argv[-1], "w") as file:
        json.dump({"decision": decision}, file)
sys.exit(abs(code))
"""
TOOLS = ("bash", "cmp", "cp", "dirname", "env", "grep", "rm", "sh", "sort", "tail")
VENV_MISSING = '#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\n'


@pytest.fixture
def demo(python, checkout, tmp_path):
    """Runs scripts/demo with a stand-in for `drydock` that exits as it is told, scenario by scenario."""
    (tmp_path / "drydock").mkdir()
    (tmp_path / "drydock/__init__.py").touch()
    (tmp_path / "drydock/__main__.py").write_text(STAND_IN, encoding="utf-8")

    def run(codes: str, *arguments: str):
        return python([checkout / "scripts/demo", *arguments], tmp_path, {"PYTHONPATH": str(tmp_path), "CODES": codes})

    return run


def test_the_demo_passes_on_no_go_and_go(demo):
    """NO-GO for the Paradex night and GO for the template: exit 0, both at level smoke."""
    done = demo('{"paradex-2026-01-19": 1, "db-scale-up": 0}')
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gonogo paradex-2026-01-19 --set population.accounts=2000 --level smoke\n" in done.stdout
    assert "gonogo db-scale-up --level smoke\n" in done.stdout


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        ('{"paradex-2026-01-19": 0, "db-scale-up": 0}', "paradex-2026-01-19: GO, exit 0; FAILED: expected NO-GO"),
        ('{"paradex-2026-01-19": 1, "db-scale-up": 3}', "db-scale-up: INCONCLUSIVE, exit 3; FAILED: expected GO"),
        ('{"paradex-2026-01-19": 4, "db-scale-up": 0}', "paradex-2026-01-19: no verdict, exit 4; FAILED: expected"),
        ('{"paradex-2026-01-19": -1, "db-scale-up": 0}', "paradex-2026-01-19: no verdict, exit 1; FAILED: expected"),
    ],
)
def test_the_demo_fails_on_any_other_verdict(demo, codes, words):
    """Another verdict than expected, or none: exit 1, and the demo says what it expected and what it saw."""
    done = demo(codes)
    assert done.returncode == 1, done.stderr
    assert words in done.stdout


def test_the_demo_with_arguments_is_gonogo(demo):
    """With arguments the demo runs `gonogo` on them and keeps its exit code."""
    done = demo('{"mine.yaml": 3}', "mine.yaml", "--runs", "10")
    assert (3, "gonogo mine.yaml --runs 10\n") == (done.returncode, done.stdout)


@pytest.fixture
def poor_machine(checkout, tmp_path):
    """Runs a script of the checkout on a machine with a shell, a few tools, and the stand-ins given for python3."""
    for tool in TOOLS:
        (tmp_path / tool).symlink_to(shutil.which(tool) or tool)

    def run(script: str, python3: str = "", **settings: str):
        for name in ("toxw", "requirements.lock", ".ci/run"):
            (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(checkout / name, tmp_path / "clone" / name)
        if python3:
            (tmp_path / "python3").write_text(python3, encoding="utf-8")
            (tmp_path / "python3").chmod(0o755)
        command = [tmp_path / "clone" / script]
        env = {"PATH": str(tmp_path)} | settings
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("python3", "words"), [("", "needs Python 3.11 or later"), (VENV_MISSING, "python3 has no venv module")]
)
def test_toxw_says_in_a_line_what_is_missing(poor_machine, python3, words):
    """Without a Python that is new enough, or without venv: one line that says so and what to do."""
    done = poor_machine("toxw", python3)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"toxw: {words}")
    assert line.endswith("then run ./toxw again")


def test_ci_fails_where_an_interpreter_is_missing(poor_machine):
    """In CI a missing interpreter is a failure with a sentence, never a green run that tested less."""
    done = poor_machine(".ci/run", CI="true")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(".ci/run: python3.11 is missing")
