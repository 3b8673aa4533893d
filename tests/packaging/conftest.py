"""One wheel and one installation of it for all packaging tests: offline, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Finished = subprocess.CompletedProcess[str]
Python = Callable[..., Finished]


@pytest.fixture(scope="session")
def checkout() -> Path:
    """The root of the checkout that is under test."""
    return ROOT


@pytest.fixture(scope="session")
def python() -> Python:
    """Runs this interpreter with arguments, in a folder, without the Python settings of whoever runs the tests."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST_"))}

    def run(arguments: Sequence[str | Path], folder: Path, settings: Mapping[str, str] | None = None) -> Finished:
        command = [sys.executable, *map(str, arguments)]
        env = inherited | {"PYTHONDONTWRITEBYTECODE": "1"} | dict(settings or {})
        return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def wheel(python: Python, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("dist")
    built = python(["-m", "hatchling", "build", "-t", "wheel", "-d", folder], ROOT)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def site(wheel: Path, python: Python, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    done = python(["-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", folder, wheel], folder)
    assert done.returncode == 0, done.stderr
    return folder
