"""The type check can fail: a planted error in a room is found by the very command that tox runs."""

from __future__ import annotations

import configparser
import shlex
import shutil
from pathlib import Path

import pytest


@pytest.fixture
def type_check(checkout, python, tmp_path):
    """Runs the command of tox's environment `type` beside an installed package with one module in a room."""

    def run(module: str):
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(checkout / "tox.ini", encoding="utf-8")
        command = tox["testenv:type"]["commands"].replace("{tox_root}", str(checkout))
        room = tmp_path / "drydock" / "harness"
        room.mkdir(parents=True)
        for name in ("drydock/__init__.py", "drydock/py.typed"):
            shutil.copy(checkout / name, tmp_path / name)
        (room / "__init__.py").touch()
        (room / "planted.py").write_text(module, encoding="utf-8")
        return python(["-m", *shlex.split(command.replace("{work_dir}", str(tmp_path)))], tmp_path)

    return run


def test_a_planted_type_error_is_found(type_check):
    """An error in a room of the installed package fails the type check and is named."""
    done = type_check("def share_ppm(runs: int) -> int:\n    return str(runs)\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert str(Path("drydock", "harness", "planted.py")) + ":2: error:" in done.stdout


def test_a_planted_untyped_function_is_found(type_check):
    """The check is strict: a function without types fails it."""
    done = type_check("def share_ppm(runs):\n    return runs\n")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "[no-untyped-def]" in done.stdout


def test_a_right_module_passes(type_check):
    """The control: without the error the same check passes, and it has looked at the room."""
    done = type_check("def share_ppm(runs: int) -> int:\n    return runs\n")
    assert "Success: no issues found in 3 source files" == done.stdout.strip(), done.stderr
