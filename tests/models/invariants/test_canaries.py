"""Every law is shown to fail: on a wrong build, for every seed, and not on the right build beside it."""

from __future__ import annotations

import re
from functools import cache

import pytest

from drydock.harness.port import Canary
from drydock.harness.result import RunResult
from drydock.harness.run import run_case
from drydock.models.invariants.canaries import canaries
from drydock.models.invariants.canaries.build import venue_with
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.invariants.register import LAWS
from drydock.models.kit import VenueKit
from drydock.models.world import VenueWorld
from tests.nights import bench, broken, case_of

SEEDS = (1, 2, 3_141_592_653)
BY_LAW = {canary.law: canary for canary in canaries()}
MANY_OF_ONE = re.compile(r"(?<!of )(?<!account )(?<!block )(?<![\d.,])\b1 (?!ms\b|s\b)[a-z]+s\b")
each_law = pytest.mark.parametrize("law", BY_LAW)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def wrong(law: str, seed: int) -> RunResult:
    return _run(BY_LAW[law], seed, is_control=False)


@cache
def right(law: str, seed: int) -> RunResult:
    return _run(BY_LAW[law], seed, is_control=True)


def _run(canary: Canary, seed: int, *, is_control: bool) -> RunResult:
    case = canary.control(seed) if is_control else canary.case(seed)
    result = run_case(case, VenueKit(), world_maker=canary.control_world if is_control else canary.world)
    assert "" == result.error
    return result


def test_every_law_has_one_canary_in_the_order_of_the_laws() -> None:
    """The list of canaries is the list of laws."""
    assert [law.id for law in LAWS] == [canary.law for canary in canaries()]


@each_seed
@each_law
def test_canary_is_caught_by_its_law(law: str, seed: int) -> None:
    """A wrong build is found by the law whose canary it is, whatever the seed."""
    assert law in broken(wrong(law, seed))


@each_seed
@each_law
def test_one_of_a_thing_is_told_as_one(law: str, seed: int) -> None:
    """Somebody reads the sentence at night: ``1 marks`` makes him look for the others."""
    told = [finding.detail for finding in wrong(law, seed).findings]
    assert [] == [detail for detail in told if MANY_OF_ONE.search(detail)]


@each_seed
@each_law
def test_control_is_clean_and_judged(law: str, seed: int) -> None:
    """The right build beside it is judged by the same law, which finds nothing."""
    control = right(law, seed)
    assert law not in broken(control)
    assert control.checks[law] > 0


@each_law
def test_canary_and_control_need_no_fault(law: str) -> None:
    """What is wrong is the build, or the venue: never a fault."""
    assert ((), ()) == (BY_LAW[law].case(1).plan, BY_LAW[law].control(1).plan)


@each_law
def test_canary_and_control_look_alike(law: str) -> None:
    """They share regime and seed, and differ in the build or in the settings: not in both, not in neither."""
    canary = BY_LAW[law]
    case, control = canary.case(7), canary.control(7)
    assert (case.regime, case.seed) == (control.regime, control.seed)
    differs = (case.scenario.hash != control.scenario.hash, canary.world is not canary.control_world)
    assert 1 == sum(differs)


def test_canaries_of_one_process_share_their_scenarios() -> None:
    """The bench venue with the same settings is read once."""
    assert BY_LAW["M2"].case(1).scenario is BY_LAW["M3"].control(2).scenario


def test_a_part_that_no_venue_has_is_refused() -> None:
    """A misspelt part would leave the build as it was, and the canary nothing but a control."""
    with pytest.raises(LookupError, match="fundign"):
        venue_with(fundign=VenueWorld)


# ---- a rollback, store by store -------------------------------------------------------------------------------------
class ForgetsTheDatabase(VenueWorld):
    """The index rows stay as they were."""

    def restore_index_rows(self) -> None:
        self.chain.index_ms[:] = self.sim.now_ms


class ForgetsTheCloud(VenueWorld):
    """The cloud goes on from where it was."""

    def _build_parts(self) -> None:
        super()._build_parts()
        self.cloud.resync = lambda chain: None  # type: ignore[method-assign]


class ForgetsThePages(VenueWorld):
    """The pages go on showing what was erased."""

    def _build_parts(self) -> None:
        super()._build_parts()
        for page in self.pages:
            page.drop = lambda height: None  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("store", "world"), [("database", ForgetsTheDatabase), ("cloud", ForgetsTheCloud), ("pages", ForgetsThePages)]
)
def test_rollback_that_forgets_a_store_is_found(store: str, world: type[VenueWorld]) -> None:
    """M6 names the store that still refers to a height which is no more."""
    result = run_case(case_of(bench(*ROLLBACK)), VenueKit(), world_maker=world)
    found = [finding.detail for finding in result.findings if finding.law == "M6"]
    assert any(f"{store} refers to" in detail for detail in found), result.error or found


def test_window_that_never_closes_is_overrun() -> None:
    """Where a gate never opens the runbook never ends; W1 says so instead of judging nothing."""
    result = run_case(case_of(bench("venue.funding.load_mean_ms=2h")), VenueKit())
    assert ["the window is still open after 600 s, when the night is over"] == [
        finding.detail for finding in result.findings if finding.law == "W1"
    ]
