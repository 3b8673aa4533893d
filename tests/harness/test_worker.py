"""Workers whose runner was killed end, and do their last things first."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path

from drydock.harness.worker import end_with_runner

ROOT = Path(__file__).resolve().parents[2]
RUNNER = f"""
import sys
sys.path.append({str(ROOT)!r})  # last: an installed wheel is what gets tested
from tests.harness.test_worker import run
run()
"""


def say(word: str) -> None:
    print(word, flush=True)


def work() -> None:
    end_with_runner(lambda: say("last"))
    end_with_runner(lambda: say("last but one"))
    say("works")
    threading.Event().wait()


def run() -> None:
    worker = multiprocessing.get_context("forkserver").Process(target=work)
    worker.start()
    worker.join()


def test_a_worker_ends_when_its_runner_is_killed() -> None:
    """Its last things are done, the latest first; then nobody holds its output any more."""
    with subprocess.Popen([sys.executable, "-c", RUNNER], stdout=subprocess.PIPE, text=True) as runner:
        assert runner.stdout is not None
        assert "works\n" == runner.stdout.readline()
        runner.kill()
        assert "last but one\nlast\n" == runner.stdout.read()


def test_who_is_no_worker_is_left_alone() -> None:
    """A runner has no runner: nothing watches, and nothing is kept."""
    before = threading.active_count()
    end_with_runner(lambda: say("never"))
    assert before == threading.active_count()
