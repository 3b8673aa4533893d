"""The toy model, found as any user's own model is found: by ``--load``; and a folder to give commands in."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from drydock.harness import registry
from tests.harness.commands import SCENARIOS

_TOY = Path(__file__).resolve().parent.parent / "toy.py"


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module ``tests/toy.py``."""
    registry.load(_TOY)
    return sys.modules[type(registry.kit("toy")).__module__]


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with toy scenarios, and the current one."""
    for name, text in SCENARIOS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DRYDOCK_CACHE", raising=False)
    return tmp_path


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command that writes its answer to stdout, and reads it."""

    def read(command: Callable[..., int], *arguments: str) -> Any:
        command(*arguments, "--json", "-")
        return json.loads(capsys.readouterr().out)

    return read
