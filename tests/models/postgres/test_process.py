"""Processes, as /proc tells of them and, where there is none, as ps does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drydock.models.postgres import process
from drydock.models.postgres.process import birth_of, end_all_in, is_alive, working_in

WAIT = "read -r line"  # a shell alone: it waits, and is no parent of anything


@pytest.fixture(params=["proc", "ps"], autouse=True)
def asked(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways to ask, on a system that has them."""
    if request.param == "ps":
        monkeypatch.setattr(process, "_PROC", Path("/nowhere"))
    elif not Path("/proc/self/stat").exists():
        pytest.skip("there is no /proc here")
    return str(request.param)


def waiting(*argv: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(argv, stdin=subprocess.PIPE)


def ended(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.communicate()


def test_a_process_has_one_birth() -> None:
    """Asked again it is the same; of a number that nobody has there is none."""
    child = waiting("sh", "-c", WAIT)
    birth = birth_of(child.pid)
    assert birth
    assert birth == birth_of(child.pid)
    assert is_alive(child.pid)
    ended(child)
    assert "" == birth_of(child.pid)
    assert not is_alive(child.pid)


def test_a_process_whose_parent_has_not_asked_is_dead(asked: str) -> None:
    """A server's parent may be one that never asks."""
    if asked == "ps":
        pytest.skip("where there is no /proc, the first process asks for all")
    child = waiting("sh", "-c", "exit")
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive(child.pid)
    ended(child)


def test_what_prepares_or_is_a_server_there_is_ended_and_nothing_else(tmp_path: Path) -> None:
    """By its command line; a neighbour whose name begins alike, and a program of the user's, are left alone."""
    mine, neighbours = str(tmp_path / "7-1"), str(tmp_path / "7-10")
    there, beside = (waiting("sh", "-c", WAIT, f"{place}/data") for place in (mine, neighbours))
    users = waiting(sys.executable, "-c", "input()", f"{mine}/data")
    assert [there.pid] == [found.pid for found in working_in(mine)]
    end_all_in(mine)
    assert there.poll() or there.wait()
    assert (None, None) == (beside.poll(), users.poll())
    for child in (there, beside, users):
        ended(child)
