"""``drydock new``: what it writes works as it is written, and what it refuses it explains."""

from __future__ import annotations

from pathlib import Path

import pytest

from drydock.harness import registry
from drydock.harness.cli.main import answer


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a folder of its own; what a test loads is gone after it."""
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))
    monkeypatch.chdir(tmp_path)


def test_a_new_fault_works_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """It loads, is in the catalogue, and breaks a law of the bench venue as it stands."""
    assert 0 == answer(["new", "fault", "cold_link"])
    assert "drydock catalogue faults cold_link --load cold_link.py" in capsys.readouterr().out
    assert 0 == answer(["catalogue", "faults", "cold_link", "--load", "cold_link.py"])
    assert capsys.readouterr().out.startswith("cold_link  transactions of the cloud reach the sequencer late")
    Path("plan.yaml").write_text("[{kind: cold_link, step: resume}]\n")
    assert 1 == answer(["run", "bench", "--load", "cold_link.py", "--plan", "plan.yaml", "-q"])
    assert "class ColdLink(" in Path("cold_link.py").read_text()


def test_a_new_law_works_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    """It is in the catalogue, holds on the bench venue, and fails where its canary says."""
    assert 0 == answer(["new", "law", "closed_too_long", "--out", "laws"])
    listed = ["catalogue", "laws", "closed_too_long", "--scenario", "bench"]
    assert 0 == answer([*listed, "--load", "laws/closed_too_long.py"])
    assert "closed_too_long  the venue is closed" in capsys.readouterr().out
    (canary,) = (c for c in registry.kit("venue").canaries() if c.law == "closed_too_long")
    from drydock.harness.run import run_case

    caught = [found.law for found in run_case(canary.case(1), registry.kit("venue")).findings]
    assert "closed_too_long" in caught
    right = run_case(canary.control(1), registry.kit("venue"))
    assert right.is_clean
    assert right.checks["closed_too_long"] > 0


def test_a_new_scenario_runs_as_it_is() -> None:
    """Its reported plan is a clean night, and no rule of the venue complains of it."""
    assert 0 == answer(["new", "scenario", "my_upgrade"])
    assert 0 == answer(["run", "./my_upgrade.yaml", "-q"])
    assert "name: my_upgrade\n" in Path("my_upgrade.yaml").read_text()


def test_what_is_there_is_never_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    """The second time it says so, and leaves the file."""
    Path("mine.py").write_text("mine = 1\n")
    assert 2 == answer(["new", "fault", "mine"])
    assert "mine.py: is there already, and is left as it is" in capsys.readouterr().err
    assert "mine = 1\n" == Path("mine.py").read_text()


MISTAKES = [
    (["falt", "x"], "there is no 'falt' to begin; did you mean 'fault'? allowed: fault, law, scenario"),
    (["fault", "ColdLink"], "'ColdLink' is no name; allowed is snake_case, such as cold_cache; did you mean cold"),
    (["law", "class"], "'class' is no name; allowed is snake_case"),
    (["fault", "a/b"], "did you mean a_b?"),
    (["fault", "crash"], "there is a fault 'crash' already"),
    (["scenario", "bench"], "there is a packaged scenario 'bench' already"),
    (["fault", "x", "--kit", "vanue"], "there is no kit 'vanue'; did you mean 'venue'?"),
]  # fmt: skip


@pytest.mark.parametrize(("words", "told"), MISTAKES)
def test_a_wrong_name_is_explained(words: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With what is allowed, and nothing is written."""
    assert 2 == answer(["new", *words])
    assert told in " ".join(capsys.readouterr().err.split())
    assert [] == list(Path().iterdir())
