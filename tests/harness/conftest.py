"""The toy model, found as any user's own model is found: by ``--load``."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from drydock.harness import registry

_TOY = Path(__file__).resolve().parent.parent / "toy.py"


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """The module ``tests/toy.py``."""
    registry.load(_TOY)
    return sys.modules[type(registry.kit("toy")).__module__]
