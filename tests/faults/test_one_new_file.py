"""A new fault is one new file: with no other edit it is listed, described, searched with, and held to all rules."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from drydock.harness import registry
from drydock.harness.cli.new import written
from drydock.harness.explore.space import Space
from drydock.harness.mistakes import Mistakes
from drydock.harness.plan import plan_from_plain, plan_to_plain
from drydock.harness.port import Case, Fault
from drydock.harness.run import run_case
from drydock.harness.stream import Stream
from tests.nights import bench
from tests.test_tidy import CHECKS, read

ROOT = Path(__file__).resolve().parents[2]
KIND = "held_inbox"
TEMPLATE = Path(registry.kit("venue").templates()["fault"])


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project's rooms with one more file in ``faults/``."""
    root = tmp_path_factory.mktemp("checkout")
    rubbish = shutil.ignore_patterns("__pycache__")
    for room in ("drydock", "harness", "models", "faults"):
        shutil.copytree(ROOT / room, root / room, ignore=rubbish)
    (root / "faults" / f"{KIND}.py").write_text(written(TEMPLATE, KIND), encoding="utf-8")
    return root


def answer(root: Path, *words: str, code: int = 0) -> Any:
    """What the command says as JSON, with the copy as the only Drydock there is."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [sys.executable, "-P", "-m", "drydock", *words, "--json", "-"]
    done = subprocess.run(command, cwd=root, env=keep | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert code == done.returncode, done.stderr
    return json.loads(done.stdout)


def test_the_catalogue_lists_it(checkout: Path) -> None:
    """By its kind, and by its keywords."""
    (item,) = answer(checkout, "catalogue", "faults", "sequencer", "inbox")["faults"]
    assert KIND == item["name"]


def test_the_schema_describes_it(checkout: Path) -> None:
    """An editor completes its fields."""
    assert f'"{KIND}"' in json.dumps(answer(checkout, "schema"))


def test_explore_plays_it_and_finds_what_it_breaks(checkout: Path) -> None:
    """As any other kind."""
    explored = answer(checkout, "explore", "bench", "--kind", KIND, "--budget", "8", "--shrink", "0s", code=1)
    assert [KIND] == explored["kinds"]
    assert ["S6"] == [failure["law"] for failure in explored["failures"]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_tidy_tests_look_at_it(check: Any, checkout: Path) -> None:
    """And have nothing to say of what ``drydock new`` writes."""
    assert [] == list(check(read(checkout / "faults" / f"{KIND}.py", checkout)))


# ---- what holds for every fault --------------------------------------------------------------------------------------
@pytest.fixture
def space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Space:
    """The same file, loaded as a user's own, and the bench venue with this fault alone."""
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))
    file = tmp_path / f"{KIND}.py"
    file.write_text(written(TEMPLATE, KIND), encoding="utf-8")
    registry.load(file)
    return Space(bench(), registry.kit("venue"), kinds=[KIND])


def drawn(space: Space, count: int = 6) -> list[Fault]:
    """Faults drawn from its own ranges."""
    rng = Stream(1, "tests/new")
    return [space.sampled(space.cells[rng.below(len(space.cells))], rng) for _ in range(count)]


def test_it_survives_json(space: Space) -> None:
    """Written and read again it is the same fault."""
    plan, mistakes = tuple(drawn(space)), Mistakes()
    again = plan_from_plain(json.loads(json.dumps(plan_to_plain(plan))), ("plan",), lambda path: "here", mistakes)
    assert plan == again
    assert [] == list(mistakes)


def test_simpler_ones_come_to_an_end(space: Space) -> None:
    """Shrinking by the first simpler variant ends."""
    for fault in drawn(space):
        for _ in range(60):
            variants = list(fault.simpler())
            if not variants:
                break
            assert fault not in variants
            fault = variants[0]
        assert [] == list(fault.simpler())


def test_it_strikes_overlaps_heals_and_leaves_nothing(space: Space) -> None:
    """Two of it at once: exercised, consequential, and every seam released (the run itself insists on that)."""
    kit = registry.kit("venue")
    usual = run_case(Case(bench(), "calm", (), 1), kit).digest
    struck = run_case(Case(bench(), "calm", (space.plain(space.cells[-1]),), 1), kit)
    assert [True] == [evidence.exercised for evidence in struck.evidence]
    assert usual != struck.digest
    for first, second in zip(drawn(space), reversed(drawn(space)), strict=True):
        assert "" == run_case(Case(bench(), "calm", (first, second), 1), kit).error
