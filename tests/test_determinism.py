"""The same Case has the same digest: twice, elsewhere, with other hashes, on every interpreter and processor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from drydock.harness.run import run_case
from drydock.models.events import AlarmRaised, Liquidation, RollbackDone
from drydock.models.kit import VenueKit
from tests.golden import PINNED, cases, digests
from tests.nights import of

pytestmark = pytest.mark.digest
# As conftest.py does it: an installed wheel comes first, the checkout only where none is installed.
PROGRAM = (
    "import json, sys; sys.path.append(sys.argv[1]); from tests.golden import digests; print(json.dumps(digests()))"
)
ROOT = str(Path(__file__).resolve().parent.parent)


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    return digests()


def test_digests_are_the_pinned_ones(here: dict[str, str]) -> None:
    """Whatever interpreter, processor or library version this is: what the models do is what was pinned.

    After a change of a model that is meant to change its nights: ``python -m tests.golden --write``.
    """
    assert json.loads(PINNED.read_text(encoding="utf-8")) == here


@pytest.mark.parametrize("hash_seed", ["0", "4711"])
def test_another_process_with_other_hashes_comes_to_the_same_digests(
    here: dict[str, str], hash_seed: str, tmp_path: Path
) -> None:
    """No order of sets, no address, nothing of a process enters a trace."""
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, ROOT],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert "" == done.stderr
    assert here == json.loads(done.stdout)


def test_second_run_in_the_same_process_changes_nothing(here: dict[str, str]) -> None:
    """A run leaves nothing behind that the next one sees, and a trace that is kept changes no digest."""
    again = {name: run_case(case, VenueKit(), keep_trace=True).digest for name, case in reversed(cases().items())}
    assert here == dict(reversed(again.items()))


def test_pinned_cases_are_different_nights(here: dict[str, str]) -> None:
    """Seven cases, seven digests."""
    assert len(here) == len(set(here.values()))


def test_pinned_paradex_night_goes_all_the_way() -> None:
    """The reduced night is worth pinning: corrupted indices, liquidations, an alarm and a rollback happen in it."""
    case = cases()["paradex reduced, flat, reported plan"]
    events = run_case(case, VenueKit(), keep_trace=True).events
    assert all(of(events, payload) for payload in (Liquidation, AlarmRaised, RollbackDone))
