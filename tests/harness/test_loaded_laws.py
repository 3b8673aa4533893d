"""Laws that a user's own file brings: judged beside the kit's, and told where they are wrong."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from drydock.harness import registry
from drydock.harness.cli.main import answer
from drydock.harness.mistakes import BadFile
from drydock.harness.rehearsal import Options
from drydock.harness.scenario import load_scenario
from drydock.harness.sweep import Bench, Crew, Ticket
from drydock.harness.verdict import rehearse
from tests.harness.commands import TOY

LAW = """
import sys
from drydock.harness import registry
from drydock.harness.law import Always
from drydock.harness.port import Canary, Case
toy = sys.modules[type(registry.kit("toy")).__module__]

class Small(Always):
    id, kit, sentence, source, hears = "{id}", "toy", "a counter stays small", "taste", (toy.Stored,)
    law_class = "{law_class}"
    def observe(self, event):
        self.check(event, event.data.value < {most}, f"a counter is {{event.data.value}}")

def case(seed):
    return Case(toy.scenario(), "flat", (), seed)

def busy(seed):
    return Case(toy.scenario(), "busy", (), seed)
"""
VENUE_LAW = """
from drydock.harness.law import always
from drydock.models.events import ModeChanged

@always("own", "modes change", source="taste", hears=(ModeChanged,), law_class="service")
def modes(data):
    return None
"""
CANARY = "CANARIES = (Canary('{id}', 'it counts on and on', busy, case),)\n"


@pytest.fixture(autouse=True)
def _own_files(monkeypatch: pytest.MonkeyPatch, toy: ModuleType) -> None:
    """What a test loads is gone after it: a law judges every run."""
    monkeypatch.setattr(registry, "_loaded", dict(registry._loaded))


def law_file(folder: Path, *, id: str = "small", law_class: str = "safety", most: int = 1000, more: str = "") -> Path:
    """A file with a law for the toy."""
    file = folder / "own_law.py"
    file.write_text(LAW.format(id=id, law_class=law_class, most=most) + more, encoding="utf-8")
    return file


def refused(file: Path) -> list[str]:
    """What is told of a file that cannot be loaded."""
    with pytest.raises(BadFile) as caught:
        registry.load(file)
    return [mistake.message for mistake in caught.value.mistakes]


def test_a_loaded_law_is_judged_beside_the_laws_of_its_kit(tmp_path: Path, toy: ModuleType) -> None:
    """In this process and in workers, and only of its kit."""
    registry.load(law_file(tmp_path, most=3))
    kit = registry.kit("toy")
    assert "small" in [law.id for law in kit.laws(toy.scenario())]
    assert "small" not in [law.id for law in registry.kit("venue").laws(load_scenario("bench"))]
    with Crew(Bench(kit, toy.scenario(), 1), 2) as crew:
        assert [1] == [run.finding_counts["small"] > 0 for run in crew.play([Ticket("baseline", 0)])]


def test_a_loaded_law_without_a_canary_is_no_evidence(tmp_path: Path, toy: ModuleType) -> None:
    """Nobody has seen it fail; with one that is caught, the verdict no longer lacks it."""
    registry.load(law_file(tmp_path))
    verdict = rehearse(toy.scenario(), registry.kit("toy"), Options(today="2026-11-22", runs=2))
    assert any("law small has no canary" in reason for reason in verdict.reasons)


def test_the_canary_of_a_loaded_law_is_played(tmp_path: Path, toy: ModuleType) -> None:
    """Beside those of the kit."""
    registry.load(law_file(tmp_path, most=120, more=CANARY.format(id="small")))
    verdict = rehearse(toy.scenario(), registry.kit("toy"), Options(today="2026-11-22", runs=2))
    (line,) = [line for line in verdict.canaries if line.law == "small"]
    assert (True, True) == (line.caught, line.control_clean), line.why


def test_a_policy_may_limit_a_loaded_law(tmp_path: Path) -> None:
    """A scenario names it as it names any other; without the file it is unknown."""
    file = tmp_path / "own_law.py"
    file.write_text(VENUE_LAW, encoding="utf-8")
    limit = ("run", "bench", "-q", "--set", "policy.limits=[{law: own, share_max: 10%}]")
    assert 2 == answer(limit)
    assert 0 == answer([*limit, "--load", str(file)])


def test_a_law_of_a_file_that_brings_a_kit_is_the_kits_own_affair(toy: ModuleType) -> None:
    """The toy's own laws are not judged twice, nor of the venue."""
    assert TOY in registry.loaded()
    assert {} == registry.loaded_laws("venue") == registry.loaded_laws("toy")


BARE = "class Bare:\n    id = 'bare'\n    def observe(self, event): ...\n"
MISTAKES = [
    ({"id": "T1", "more": ""}, "the law id 'T1' is taken by kit toy; choose another id"),
    ({"id": "free money"}, "the law Small has the id 'free money'; allowed: letters, digits and _, a letter first"),
    (
        {"law_class": "safty"},
        "the law Small: law_class: 'safty' is not allowed; did you mean 'safety'? allowed: loss, safety, service",
    ),
    ({"more": CANARY.format(id="smal")}, "CANARIES: there is no law 'smal' in this file; did you mean 'small'?"),
    ({"more": "CANARIES = 3\n"}, "CANARIES must be a tuple of Canary"),
    ({"more": "Small.kit = 'tyo'\n"}, "the kit 'tyo' of a law is unknown; did you mean 'toy'?"),
    ({"more": "Small.hears = ()\n"}, "the law Small: hears must be a tuple of event classes, such as (ModeChanged,)"),
    ({"more": BARE}, "the law Bare lacks sentence, source"),
]  # fmt: skip


@pytest.mark.parametrize(("how", "told"), MISTAKES)
def test_a_wrong_law_is_told_when_it_is_loaded(tmp_path: Path, how: dict[str, str], told: str) -> None:
    """And not in the middle of a rehearsal."""
    messages = refused(law_file(tmp_path, **how))  # type: ignore[arg-type]
    assert [True] == [message.startswith(told) for message in messages], messages
    assert {} == registry.loaded_laws("toy")


def test_a_class_that_observes_and_has_no_id_is_named(tmp_path: Path) -> None:
    """It was meant as a law."""
    file = tmp_path / "own_law.py"
    file.write_text("class Mine:\n    def observe(self, event): ...\n", encoding="utf-8")
    assert ["defines no fault, no law and no kit; Mine must have an id"] == refused(file)


def test_a_law_that_raises_is_named_by_file_and_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever wrote it looks there, and not where the harness called it."""
    file = tmp_path / "own_law.py"
    file.write_text(VENUE_LAW.replace("return None", "return data.nothing"), encoding="utf-8")
    assert 4 == answer(["run", "bench", "-q", "--load", str(file)])
    assert "AttributeError: 'ModeChanged' object has no attribute 'nothing' (own_law.py:7)" in capsys.readouterr().err
