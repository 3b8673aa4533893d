"""Laws of finding kits and faults."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from drydock.harness import registry
from drydock.harness.mistakes import BadFile

TOY = Path(__file__).with_name("boundary_toy.py")

FAULT = """
from dataclasses import dataclass
from typing import ClassVar
@dataclass({options})
class Mine:
    kind: ClassVar[str] = "{kind}"
    step: str = ""
    def inject(self, world): yield
"""


def load_text(folder: Path, text: str, name: str = "mine.py") -> BadFile:
    file = folder / name
    file.write_text(text)
    with pytest.raises(BadFile) as caught:
        registry.load(file)
    assert str(file.resolve()) not in registry.loaded()
    return caught.value


def test_a_loaded_file_brings_its_faults_and_its_kit() -> None:
    """And loading it again changes nothing."""
    registry.load(TOY)
    registry.load(TOY)
    assert 1 == registry.loaded().count(str(TOY.resolve()))
    assert {"shop_slow", "shop_lose"} <= set(registry.faults())
    assert "shop" in registry.kit_names()
    assert "shop" == registry.kit("shop").name


def test_a_loaded_fault_can_be_pickled() -> None:
    """A worker that loads the same file unpickles the plans of another process."""
    registry.load(TOY)
    fault = registry.faults()["shop_slow"](step="open", target="till", delay_ms=5)  # type: ignore[call-arg]
    assert fault == pickle.loads(pickle.dumps(fault))


def test_the_packaged_kit_is_known_without_an_installation() -> None:
    """A bare checkout has no entry points."""
    assert registry.DEFAULT_KIT in registry.kit_names()


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("x = 1\nimport no_such_module\n", 2, "cannot be loaded: ModuleNotFoundError: No module named"),
        ("def f(:\n", 1, "cannot be loaded: SyntaxError: invalid syntax"),
        ("\n\nraise SystemExit(0)\n", 3, "cannot be loaded: SystemExit: 0"),
    ],
)
def test_a_broken_file_is_a_bad_file_with_its_line(tmp_path: Path, text: str, line: int, sentence: str) -> None:
    """Never a traceback, and never an exit of the file's choosing."""
    error = load_text(tmp_path, text)
    assert [f"{tmp_path / 'mine.py'}:{line}:1"] == [mistake.place for mistake in error.mistakes]
    assert error.mistakes[0].message.startswith(sentence)


def test_a_file_without_fault_and_kit_says_so(tmp_path: Path) -> None:
    """And names the class that lacks only ``frozen``."""
    assert "defines no fault, no law and no kit" == load_text(tmp_path, "x = 1\n", "empty.py").mistakes[0].message
    error = load_text(tmp_path, FAULT.format(options="", kind="mine"))
    assert error.mistakes[0].message.endswith("Mine must be a @dataclass(frozen=True) with a kind")


def test_a_kind_that_is_taken_is_refused(tmp_path: Path) -> None:
    """Two faults of one kind would make a plan ambiguous."""
    registry.load(TOY)
    error = load_text(tmp_path, FAULT.format(options="frozen=True", kind="shop_slow"))
    assert error.mistakes[0].message.startswith("the fault kind 'shop_slow' is taken by ")


def test_only_a_python_file_is_loaded(tmp_path: Path) -> None:
    """A folder, a missing file or a YAML file is no code."""
    for name in ("missing.py", "plan.yaml"):
        with pytest.raises(BadFile, match="is no Python file"):
            registry.load(tmp_path / name)


def test_a_fault_that_lacks_a_part_of_the_port_is_refused(tmp_path: Path) -> None:
    """It is told what, and not found out in the middle of a rehearsal or of the catalogue."""
    error = load_text(tmp_path, FAULT.format(options="frozen=True", kind="half"))
    told = "the fault Mine lacks sentence, keywords, offset_ms, target, targets, applicable, simpler"
    assert [told] == [mistake.message for mistake in error.mistakes]


def test_what_a_loaded_file_prints_is_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout may belong to JSON alone."""
    load_text(tmp_path, "print('hello')\n")
    assert ("", "hello\n") == capsys.readouterr()
