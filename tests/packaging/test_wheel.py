"""What a user installs: all three rooms under one name, and nothing that stands in the way of his own project."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

import drydock

ROOMS = ("harness", "models", "faults")
OWN_PROJECT = {
    "models/__init__.py": "OWNER = 'the project'\n",
    "faults/__init__.py": "OWNER = 'the project'\n",
    "harness/__init__.py": "OWNER = 'the project'\n",
    "tests/test_own.py": "import models\n\ndef test_own():\n    assert models.OWNER == 'the project'\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project that has its own models/, faults/, harness/ and tests/."""
    for name, text in OWN_PROJECT.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="only tox installs the wheel; run ./toxw")
def test_tox_tests_the_installed_wheel(checkout):
    """Under tox the tests import the wheel, although they stand in the checkout."""
    assert checkout / "drydock" != Path(drydock.__file__).parent
    assert "site-packages" in Path(drydock.__file__).parts


def test_the_wheel_holds_one_top_level_name(wheel):
    """The wheel installs `drydock` and its metadata: no `models`, no `tests` for others to stumble over."""
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {"drydock"} == {top for top in tops if not top.endswith(".dist-info")}
    assert len(tops) == 2


def test_the_wheel_holds_every_file_of_the_rooms(wheel, checkout):
    """Code and data (CSV, YAML, JSON) of the rooms are all in the wheel, caches are not."""
    files = [path for room in ROOMS for path in (checkout / room).rglob("*") if path.is_file()]
    wanted = {path.relative_to(checkout).as_posix() for path in files if "__pycache__" not in path.parts}
    packed = {name.removeprefix("drydock/") for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}
    assert wanted | {"__init__.py", "__main__.py", "py.typed"} == packed


def test_the_rooms_import_from_the_wheel_alone(site, project, python):
    """Installed, every room is found under `drydock`, and the data of the models lies beside them."""
    program = "import drydock.harness, drydock.models, drydock.faults as f; print(f.__file__)"
    done = python(["-P", "-c", program], project, {"PYTHONPATH": str(site)})
    assert str(site / "drydock" / "faults" / "__init__.py") == done.stdout.strip(), done.stderr


def test_the_wheel_offers_its_kit_and_faults_by_entry_point(site, project, python):
    """The harness finds the packaged model as it finds anybody's: by entry point."""
    program = (
        "from importlib.metadata import distribution as d\n"
        "print(*sorted(f'{p.group} {p.name}={p.value}' for p in d('drydock-sim').entry_points), sep='\\n')"
    )
    done = python(["-P", "-c", program], project, {"PYTHONPATH": str(site)})
    expected = [
        "console_scripts drydock=drydock.harness.cli.main:main",
        "drydock.faults drydock=drydock.faults",
        "drydock.kits venue=drydock.models.kit:VenueKit",
        "pytest11 drydock.harness.pytest_plugin=drydock.harness.pytest_plugin",
    ]
    assert expected == done.stdout.splitlines(), done.stderr


def test_a_project_with_rooms_of_its_own_is_not_disturbed(site, project, python):
    """Beside the wheel, and behind it on the path, `import models` still gives the project's own."""
    program = "import drydock, models, faults, harness; print(models.OWNER, faults.OWNER, harness.OWNER, sep=', ')"
    done = python(["-P", "-c", program], project, {"PYTHONPATH": f"{site}:{project}"})
    assert "the project, the project, the project" == done.stdout.strip(), done.stderr


def test_a_projects_own_tests_still_run(site, project, python):
    """pytest in that project collects and passes the project's tests."""
    done = python(["-m", "pytest", "-q", "-p", "no:cacheprovider"], project, {"PYTHONPATH": str(site)})
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


OWN_FAULT = """
from dataclasses import dataclass
from drydock.faults.slow_load import SlowLoad

@dataclass(frozen=True, slots=True)
class ColdShelf(SlowLoad):
    kind = "cold_shelf"
"""
OWN_NIGHT = """
import pytest
from hypothesis import given, settings
from drydock.harness.testing import fault_plans, scenario

@pytest.mark.scenario("bench")
@settings(max_examples=3, deadline=None, database=None)
@given(plan=fault_plans("bench", kinds=["cold_shelf"], within_threats=False))
def test_cold_shelf(drydock_run, plan):
    assert "cold_shelf" in drydock_run(plan).case.plan[0].kind
"""


def test_a_project_tests_its_own_fault_with_the_installed_plugin(site, project, python):
    """pytest finds the plugin by itself, once; the project's fault is loaded from its own file."""
    (project / "cold_shelf.py").write_text(OWN_FAULT, encoding="utf-8")
    (project / "tests" / "test_night.py").write_text(OWN_NIGHT, encoding="utf-8")
    (project / "pytest.ini").write_text("[pytest]\ndrydock_load = cold_shelf.py\n", encoding="utf-8")
    run = ["-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    for more in ([], ["-p", "drydock.harness.pytest_plugin"]):
        done = python([*run, *more], project, {"PYTHONPATH": str(site)})
        assert done.returncode == 0, done.stdout + done.stderr
        assert "2 passed" in done.stdout
