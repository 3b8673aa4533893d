"""All that was started is stopped: at an end, at Ctrl-C and SIGTERM; and after kill -9 by whoever starts next."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from drydock.models.postgres.choice import Choice
from drydock.models.postgres.failures import CannotServe
from drydock.models.postgres.owner import claim, sweep
from drydock.models.postgres.process import birth_of, working_in

ROOT = Path(__file__).resolve().parents[3]
LIMIT_S = 60
VICTIM = f"""
import sys
sys.path.append({str(ROOT)!r})  # last: an installed wheel is what gets tested
from tests.models.postgres.victim import main
main(*sys.argv[1:])
"""


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory for this test alone, here and in what it starts; a servers' user may enter it."""
    place = Path(tempfile.mkdtemp(prefix="owners-"))
    place.chmod(0o711)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    yield place
    assert [] == list(working_in(str(place)))
    shutil.rmtree(place)


def left_in(temporary: Path) -> list[str]:
    """Owners' directories, and servers that still run."""
    directories = [path.name for home in temporary.glob("drydock-*") for path in home.iterdir()]
    return [*directories, *(process.words for process in working_in(str(temporary)))]


def started(*argv: str) -> subprocess.Popen[str]:
    """A process of ours, which says ``ready`` when it has its servers."""
    return subprocess.Popen([sys.executable, "-c", VICTIM, *argv], stdout=subprocess.PIPE, text=True)


def victim(choice: Choice, *how: str) -> subprocess.Popen[str]:
    """A process with a primary, a standby and an open transaction."""
    process = started(choice.kind, *how)
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process


def end(process: subprocess.Popen[str], how: signal.Signals) -> None:
    process.send_signal(how)
    process.wait(timeout=LIMIT_S)
    assert process.stdout is not None
    process.stdout.close()


def dead_number() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        return process.pid


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_is_asked_to_end_leaves_nothing(temporary: Path, choice: Choice, how: signal.Signals) -> None:
    """Ctrl-C and SIGTERM: no server and no directory is left when the process has ended."""
    end(victim(choice), how)
    assert [] == left_in(temporary)


def test_who_was_killed_leaves_it_to_the_next(temporary: Path, choice: Choice) -> None:
    """After kill -9 the servers are there until somebody else starts one, and then none of them is."""
    end(victim(choice), signal.SIGKILL)
    assert left_in(temporary)
    mine = claim("embedded")
    assert [mine.directory.name] == left_in(temporary)
    mine.close()
    assert [] == left_in(temporary)


@pytest.mark.parametrize("after_s", [0.4, 1.0])
def test_who_is_killed_while_it_starts_leaves_nothing_either(temporary: Path, choice: Choice, after_s: float) -> None:
    """At whatever point: before the owner's file, in initdb, in a copy, between a server's start and its answer."""
    process = started(choice.kind)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=after_s)
    end(process, signal.SIGKILL)
    sweep()
    assert [] == left_in(temporary)


def test_who_lives_is_left_alone(temporary: Path, choice: Choice) -> None:
    """A parallel run keeps its servers, whoever sweeps, starts and ends beside it."""
    other = victim(choice)
    before = [name for name in left_in(temporary) if name.startswith(f"{other.pid}-")]
    claim("embedded").close()
    assert [] == sweep()
    assert before == [name for name in left_in(temporary) if name.startswith(f"{other.pid}-")]
    assert other.stdout is not None
    assert "ready\n" == other.stdout.readline()  # it goes on
    end(other, signal.SIGINT)


def owned_by(temporary: Path, **facts: object) -> Path:
    """A directory of this process's, whose owner's file says something else."""
    directory = claim("embedded").directory
    file = directory / "owner.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | facts))
    return directory


def test_a_number_that_another_process_has_now_owns_nothing(temporary: Path) -> None:
    """Numbers are used again: an owner is its number and its birth."""
    directory = owned_by(temporary, birth=birth_of(1))
    assert [directory.name] == sweep()


def test_a_worker_whose_runner_is_gone_owns_nothing(temporary: Path) -> None:
    """It lives, and works for nobody."""
    directory = owned_by(temporary, runner_pid=dead_number())
    assert [directory.name] == sweep()


def test_an_owner_in_another_container_is_left_alone(temporary: Path) -> None:
    """Its number means nothing here: nobody can tell whether it lives."""
    directory = owned_by(temporary, space="pid:[1]", pid=1)
    assert [] == sweep()
    shutil.rmtree(directory)


def test_a_directory_without_an_owner_belongs_to_whom_its_name_says(temporary: Path) -> None:
    """Its maker writes the file next, or was killed before it could."""
    mine, dead = claim("embedded"), dead_number()
    home = mine.directory.parent
    (home / f"{os.getpid()}-99").mkdir()
    (home / f"{dead}-1").mkdir()
    assert [f"{dead}-1"] == sweep()
    (home / f"{os.getpid()}-99").rmdir()
    mine.close()


def test_what_a_killed_sweep_left_half_done_is_done_by_the_next(temporary: Path) -> None:
    """A directory that is being removed has another name, under which it belongs to nobody."""
    mine = claim("embedded")
    half = mine.directory.with_name("swept-1-1-by-2")
    (half / "servers").mkdir(parents=True)
    assert [half.name] == sweep()
    mine.close()


def test_who_ends_beside_a_thread_that_removes_waits_for_it(temporary: Path) -> None:
    """A worker's run ends while its watch removes what they have: the process is not over before nothing is left."""
    mine = claim("embedded")
    for number in range(5_000):
        (mine.directory / str(number)).touch()
    watch = threading.Thread(target=mine.close)
    watch.start()
    while mine.directory.exists():
        assert watch.is_alive()
    mine.close_in_the_middle()
    assert [] == left_in(temporary)
    watch.join()


def test_a_shell_in_the_directory_is_not_ended(temporary: Path) -> None:
    """Who looks at what a dead owner left is no server."""
    mine = claim("embedded")
    looking = subprocess.Popen(["sleep", str(LIMIT_S)], cwd=mine.directory)
    mine.close()
    assert looking.poll() is None
    looking.kill()
    looking.wait()


def test_a_directory_that_is_somebody_elses_is_refused(temporary: Path) -> None:
    """Who can write there could put programs in our way; the sentence says what to do."""
    mine = claim("embedded")
    home = mine.directory.parent
    mine.close()
    home.chmod(0o777)
    with pytest.raises(CannotServe, match=r"not a directory that belongs to you alone.*TMPDIR"):
        claim("embedded")
    home.chmod(0o711)


def test_a_worker_ends_with_its_runner(temporary: Path, choice: Choice) -> None:
    """Its runner killed, a worker would wait for work for ever: it ends by itself, and its servers with it."""
    end(victim(choice, "worker"), signal.SIGKILL)
    limit = time.perf_counter() + LIMIT_S
    while left := left_in(temporary):
        assert time.perf_counter() < limit, left
