"""What a reader clones: it runs as it lies there, without an installation."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

HEAVY = ("faker", "hypothesis", "numpy", "pydantic", "rich", "ruamel", "simpy")


@pytest.fixture(scope="session")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that is installed here, except Drydock and its metadata."""
    folder = tmp_path_factory.mktemp("libraries")
    for place in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for entry in Path(place).iterdir():
            if not entry.name.startswith("drydock") and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
    return folder


@pytest.fixture
def bare(python, checkout, libraries):
    """Runs `python ARGUMENTS` in the checkout where Drydock is not installed."""
    return lambda *arguments: python(["-S", *arguments], checkout, {"PYTHONPATH": str(libraries)})


def test_the_checkout_imports_its_own_rooms(bare, checkout):
    """In a bare checkout the rooms are found at the top level, under the name that they have when installed."""
    done = bare("-c", "import drydock.faults as f, drydock.models as m; print(f.__file__, m.__file__)")
    assert f"{checkout / 'faults/__init__.py'} {checkout / 'models/__init__.py'}" == done.stdout.strip(), done.stderr


def test_the_checkout_runs_as_a_module(bare):
    """`python -m drydock --version` answers in a bare checkout."""
    done = bare("-m", "drydock", "--version")
    assert (0, "") == (done.returncode, done.stderr)
    assert "0.1.0" in done.stdout


def test_the_checkout_finds_its_scenarios(bare):
    """Without an installation there are no entry points; the packaged scenarios are found all the same."""
    done = bare("-m", "drydock", "catalogue", "scenarios")
    assert done.returncode == 0, done.stderr
    assert "db-scale-up" in done.stdout
    assert "paradex-2026-01-19" in done.stdout


def test_help_imports_nothing_heavy(bare):
    """`drydock --help` answers at once, because it imports none of the libraries that take their time."""
    program = (
        "import atexit, sys; sys.argv = ['drydock', '--help']\n"
        f"atexit.register(lambda: print('heavy:', *({HEAVY!r} & sys.modules.keys()), file=sys.stderr))\n"
        "from drydock.harness.cli.main import main\n"
        "main()"
    ).replace(repr(HEAVY), repr(set(HEAVY)))
    done = bare("-c", program)
    assert (0, "heavy:") == (done.returncode, done.stderr.strip())
    assert "gonogo" in done.stdout
