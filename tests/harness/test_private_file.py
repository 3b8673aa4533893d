"""Private files: nobody but their owner reads them, from the first byte on."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from drydock.harness.private_file import open_private, put_text


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_private_file_is_its_owners_while_it_is_written(tmp_path: Path) -> None:
    """Before the first line is written, and whatever the umask."""
    before = os.umask(0)
    try:
        with open_private(tmp_path / "new") as file:
            assert 0o600 == mode_of(tmp_path / "new")
            file.write("öffentlich\r\n")
    finally:
        os.umask(before)
    assert "öffentlich\r\n".encode() == (tmp_path / "new").read_bytes()


def test_file_that_everybody_could_read_becomes_private(tmp_path: Path) -> None:
    """What lay there is gone, and so is the permission."""
    file = tmp_path / "old"
    file.write_text("what lay there before")
    file.chmod(0o644)
    put_text(file, "new", is_private=True)
    assert ("new", 0o600) == (file.read_text(), mode_of(file))


def test_other_files_are_written_as_ever(tmp_path: Path) -> None:
    """The umask decides."""
    before = os.umask(0o022)
    try:
        put_text(tmp_path / "plain", "text", is_private=False)
    finally:
        os.umask(before)
    assert ("text", 0o644) == ((tmp_path / "plain").read_text(), mode_of(tmp_path / "plain"))


def test_device_keeps_its_mode() -> None:
    """Writing to the null device is fine and changes nothing about it."""
    before = mode_of(Path(os.devnull))
    put_text(os.devnull, "nothing", is_private=True)
    assert before == mode_of(Path(os.devnull))
