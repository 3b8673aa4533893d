"""The tutorials as a reader follows them: every command in order, in an empty folder, and what the page shows of it.

In a page, ``sh`` is run (``# exit N`` says with which code it ends), ``text`` is what it shows (a line ``...`` leaves
out, a shown line may be the beginning of one), a block below a file's name is that file, and other Python stands in a
file word for word.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from ruamel.yaml import YAML

import drydock

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"^`([\w./-]+)`:\n\n\Z", re.MULTILINE)
EXIT = re.compile(r"\s+# exit (\d+)$")


class Block(NamedTuple):
    """One block of a page; ``file`` is the name that stands above it, if one does."""

    language: str
    text: str
    file: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page in order."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        named = FILE.search(text[: found.start()])
        yield Block(found[1], found[2], named[1] if named else "")


class Reader:
    """Somebody who follows a page in a folder of his own."""

    def __init__(self, folder: Path, commands: Path) -> None:
        self.folder = folder
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PYTEST", "DRYDOCK"))
        }
        self.env = kept | {"PATH": f"{commands}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "100", "NO_COLOR": "1"}
        self.env["PYTHONDONTWRITEBYTECODE"] = "1"
        self.seen = ""

    def follow(self, block: Block) -> None:
        """Does what the block says, or compares what it shows."""
        if block.file:
            file = self.folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, encoding="utf-8")
        elif block.language == "sh":
            self.run(block.text)
        elif block.language == "text":
            self.compare(block.text)
        else:
            assert "python" == block.language
            there = "\n".join(bare(file.read_text(encoding="utf-8")) for file in self.folder.glob("*.py"))
            assert bare(block.text) in there

    def run(self, text: str) -> None:
        """Line after line in one shell; each ends with the code that its comment says."""
        script = ['check() { [ "$1" = "$2" ] || { echo "exit $1 instead of $2: $3"; exit 99; }; }']
        for line in text.splitlines():
            expected = EXIT.search(line)
            command = EXIT.sub("", line)
            script += [command, f"check $? {expected[1] if expected else 0} '{command.split('$')[0]}'"]
        done = subprocess.run(
            ["sh", "-c", "\n".join(script)], cwd=self.folder, env=self.env, capture_output=True, text=True, check=False
        )
        self.seen = done.stdout
        assert 0 == done.returncode, done.stdout + done.stderr

    def compare(self, text: str) -> None:
        """Every shown line begins a line of what was seen, in this order."""
        seen = iter(self.seen.splitlines())
        for line in text.splitlines():
            if line != "...":
                assert any(one.startswith(line.rstrip()) for one in seen), f"not shown: {line}\n{self.seen}"


def bare(code: str) -> str:
    """Code without indentation and empty lines."""
    return "\n".join(line.strip() for line in code.splitlines() if line.strip())


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    """Somebody who has installed what is under test: ``drydock`` and ``pytest``, with the plugin."""
    commands, folder = tmp_path / "bin", tmp_path / "project"
    commands.mkdir()
    folder.mkdir()
    home = Path(drydock.__file__).parents[1]
    is_installed = "site-packages" in home.parts
    path = "" if is_installed else f"PYTHONPATH={home} "
    plugin = "" if is_installed else " -p drydock.harness.pytest_plugin"
    for name, module in (("drydock", "drydock"), ("pytest", f"pytest{plugin}")):
        script = commands / name
        script.write_text(f'#!/bin/sh\n{path}exec {sys.executable} -P -m {module} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return Reader(folder, commands)


@pytest.mark.smoke
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_is_true(page: Path, reader: Reader) -> None:
    """Whoever follows it sees what it shows."""
    for block in blocks(page):
        reader.follow(block)


def test_the_ci_job_of_the_tutorial_gates_with_commands_that_exist() -> None:
    """Its YAML is a job whose gate is the command of the page, at a level that there is."""
    page = ROOT / "docs" / "tutorials" / "gate-in-ci.md"
    (job,) = [block for block in blocks(page) if block.file.endswith("gate.yml")]
    steps = YAML(typ="safe", pure=True).load(job.text)["jobs"]["rehearse"]["steps"]
    (gate,) = [step["run"] for step in steps if step.get("run", "").startswith("drydock ")]
    from drydock.harness.cli.gonogo import command

    context = command.make_context("gonogo", gate.split()[2:])
    assert "ci" == context.params["level"]
