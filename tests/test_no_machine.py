"""Nothing of the machine that it was written on: no paths, and no place where the dependencies came from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.:/{}~-])/(?:home|Users|root|work|tmp|opt|mnt|private)/\w|[A-Z]:\\{1,2}Users")


def texts(folder: Path) -> Iterator[Path]:
    """Every file of the project; nothing of environments, caches and builds."""
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix != ".pyc":
            yield path
        elif path.is_dir() and (path.name == ".ci" or not path.name.startswith((".", "__", "build", "dist"))):
            yield from texts(path)


def machine_paths(root: Path) -> list[str]:
    """``file:line: path`` of each text that only one machine could mean."""
    messages = []
    for path in texts(root):
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            if match := MACHINE_PATH.search(line):
                place = f"{path.relative_to(root).as_posix()}:{number}"
                messages.append(f"{place}: '{match[0]}...': write it relative to the checkout")
    return messages


def test_no_file_names_a_machine() -> None:
    """No path of a developer's machine stands anywhere in the project."""
    assert [] == machine_paths(ROOT)


@pytest.mark.parametrize("folder", ["/home", "/root", "/tmp", "/Users"])
def test_a_planted_machine_path_is_found(folder: str, tmp_path: Path) -> None:
    """The search for machine paths can fail."""
    (tmp_path / "README.md").write_text(f"Run it.\ncd {folder}/me/drydock\n", encoding="utf-8")
    assert 1 == len(machine_paths(tmp_path))


def test_the_lock_pins_and_hashes_and_names_no_host() -> None:
    """Every requirement of the lock is pinned and hashed, and none says where it came from."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    entries = [entry for entry in re.split(r"\n(?=[a-z])", lock) if not entry.startswith("#")]
    assert len(entries) > 20
    assert [] == [entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+.*\\\n +--hash=sha256:", entry)]
    assert [] == re.findall(r"https?:|--(?:extra-)?index-url|--find-links|@ file", lock)
