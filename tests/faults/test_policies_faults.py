"""Gates that are ignored, safeguards that misfire, makers who stay away, an artefact that is too long."""

from __future__ import annotations

from collections import Counter

import pytest

from drydock.faults.gate_ignored import GateIgnored
from drydock.faults.makers_late import MakersLate
from drydock.faults.mode_unheard import ModeUnheard
from drydock.faults.oversized_artefact import OversizedArtefact
from drydock.faults.safeguard_misfire import SafeguardMisfire
from drydock.harness.port import Fault
from drydock.harness.result import RunResult
from drydock.models.artefact import READERS
from drydock.models.events import (
    BreakerTripped,
    IndexPublished,
    L1Transferred,
    Liquidation,
    ModeAcked,
    ModeChanged,
    ServiceState,
    TickRejected,
    WindowClosed,
)
from drydock.models.operation_events import ArtefactRefused
from drydock.models.order_events import REJECTED_STALE, IntentRejected, QuotesPlaced
from tests.faults.examples_operators import CROWDED, LONG_CRASH
from tests.nights import bench, broken, of, play, started_at, told

LONG_DRAIN = ("runbook.steps.1={step: drain, duration_ms: 2m}",)
"""The liquidator runs for two minutes after MAINTENANCE was announced, and prices fall."""
PAYOUTS = "population.transfers_per_hour=3600"
MAKERS = ("venue.order_book={}", "population.makers=3")
SAFEGUARDS = (
    "venue.safeguards.circuit_breaker={}",
    "venue.safeguards.data_validation={}",
    "venue.safeguards.withdrawal_gate={}",
)
BEFORE_MS = -120_000


def in_crash(*sets: str, plan: tuple[Fault, ...] = (), seed: int = 2) -> RunResult:
    return play(*LONG_CRASH, *sets, plan=plan, seed=seed, regime="crash")


def is_exercised(result: RunResult) -> bool:
    return result.evidence[0].exercised


# ---- gates ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_liquidator_that_ignores_the_mode_is_seen(seed: int) -> None:
    """M2 and L3 see it liquidate in MAINTENANCE; with the gate honoured they see nothing."""
    fault = GateIgnored(step="maintenance")
    assert {"M2", "L3"} <= broken(in_crash(*LONG_DRAIN, plan=(fault,), seed=seed))
    assert set() == {"M2", "L3"} & broken(in_crash(*LONG_DRAIN, seed=seed))


def test_ignored_gate_heals_and_stays_within_its_action() -> None:
    """Nobody is liquidated in MAINTENANCE before it begins and after it ends, and nobody is paid out."""
    fault = GateIgnored(step="maintenance", offset_ms=20_000, lasts_ms=30_000)
    result = in_crash(*LONG_DRAIN, PAYOUTS, plan=(fault,))
    start_ms = started_at(result.events, "maintenance") + 20_000
    wrong = [at_ms for at_ms, e in told(result.events, Liquidation) if e.mode == "maintenance"]
    assert wrong
    assert start_ms <= min(wrong) <= max(wrong) < start_ms + 30_000
    assert {"liquidation"} == {f.events[0][1] for f in result.findings if f.law == "M2"}


def test_front_door_that_pays_out_in_maintenance_is_seen() -> None:
    """M2 judges payouts; without the fault none happens in that mode."""
    result = play(PAYOUTS, plan=(GateIgnored(step="maintenance", target="withdraw"),))
    assert {"M2"} == broken(result)
    assert all("is paid out in mode" in finding.detail for finding in result.findings)
    assert set() == broken(play(PAYOUTS))


def test_gate_that_nobody_honours_cannot_be_ignored() -> None:
    """With the matrix off there is nothing to strike; triggers and the vault's orders need an order book."""
    assert () == tuple(GateIgnored.targets(bench("venue.safeguards.mode_matrix=false")))
    assert ("liquidate", "withdraw") == tuple(GateIgnored.targets(bench()))
    assert {"trigger", "fill"} < set(GateIgnored.targets(bench("venue.order_book={}")))


def test_mode_that_a_service_hears_of_late_waits_for_it() -> None:
    """A second: the announcement waits, and all others have answered as usual."""
    usual, late = play(), play(plan=(ModeUnheard(step="maintenance", late_ms=1_000),))
    acks = [
        {e.service: at_ms for at_ms, e in told(night.events, ModeAcked) if e.mode == "maintenance"}
        for night in (usual, late)
    ]
    assert acks[0].pop("gateway") + 1_000 == acks[1].pop("gateway")
    assert acks[0] == acks[1]
    assert (0, set()) == (of(late.events, ModeChanged)[0].waiting, broken(late))


def test_mode_that_a_service_never_hears_of_is_announced_too_early() -> None:
    """Nobody waits for ever: after five seconds the mode is announced anyway, and M2 says so."""
    result = play(plan=(ModeUnheard(step="maintenance", late_ms=10_000),))
    assert [1, 0, 0, 0] == [e.waiting for e in of(result.events, ModeChanged)]
    assert {"M2"} == broken(result)


# ---- safeguards -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("safeguard", ["circuit_breaker", "price_freshness"])
def test_safeguard_that_halts_liquidations_for_nothing_costs_bad_debt(safeguard: str, seed: int) -> None:
    """L4 prices it, and no safety law is broken: too careful is no violation, it is a cost."""
    fault = SafeguardMisfire(step="maintenance", offset_ms=BEFORE_MS, target=safeguard)
    assert set() == broken(in_crash(*SAFEGUARDS, seed=seed))
    assert {"L4"} == broken(in_crash(*SAFEGUARDS, plan=(fault,), seed=seed))


def test_breaker_that_trips_for_nothing_says_what_it_saw() -> None:
    """Its event has the true numbers: less was liquidated than prices explain."""
    fault = SafeguardMisfire(step="maintenance", offset_ms=BEFORE_MS, target="circuit_breaker")
    tripped = of(in_crash(*SAFEGUARDS, plan=(fault,)).events, BreakerTripped)
    assert [True] == [e.liquidated_quantums <= e.explained_quantums for e in tripped]


def test_refused_ticks_stand_still_and_change_no_index() -> None:
    """Data validation refuses every tick of a minute; the next one goes on from where the index was."""
    fault = SafeguardMisfire(step="resume", target="data_validation", lasts_ms=30_000)
    usual, result = play(*SAFEGUARDS), play(*SAFEGUARDS, plan=(fault,))
    start_ms = started_at(result.events, "resume")
    refused = [at_ms for at_ms, _ in told(result.events, TickRejected)]
    published = [at_ms for at_ms, _ in told(result.events, IndexPublished)]
    assert 6 == len(refused)
    assert [] == [at_ms for at_ms in published if start_ms <= at_ms < start_ms + 30_000]
    assert sorted(refused + published) == [at_ms for at_ms, _ in told(usual.events, IndexPublished)]
    assert set() == broken(result)


def test_price_freshness_that_fires_for_nothing_turns_orders_down() -> None:
    """Every order while it lasts, for a price that is not old, and none after it."""
    fault = SafeguardMisfire(step="resume", lasts_ms=20_000)
    result = play(*CROWDED, plan=(fault,))
    start_ms = started_at(result.events, "resume")
    stale = [at_ms for at_ms, e in told(result.events, IntentRejected) if e.reason == REJECTED_STALE]
    assert len(stale) > 10
    assert start_ms <= min(stale) <= max(stale) < start_ms + 20_000 + 2
    assert set() == broken(result)


def test_withdrawal_gate_that_fires_for_nothing_pays_nobody() -> None:
    """While it lasts; deposits land as they do."""
    fault = SafeguardMisfire(step="maintenance", offset_ms=-100_000, target="withdrawal_gate", lasts_ms=60_000)
    usual, result = play(*SAFEGUARDS, PAYOUTS), play(*SAFEGUARDS, PAYOUTS, plan=(fault,))
    moved = [Counter(e.amount_quantums > 0 for e in of(night.events, L1Transferred)) for night in (usual, result)]
    assert moved[0][True] == moved[1][True]
    assert moved[0][False] > moved[1][False] > 0


def test_smaller_share_misfires_less_often() -> None:
    """One in ten, by seed."""
    shares = [10_000, 100_000, 1_000_000]
    faults = [SafeguardMisfire(step="resume", share_ppm=share_ppm) for share_ppm in shares]
    refused = [
        sum(e.reason == REJECTED_STALE for e in of(play(*CROWDED, plan=(fault,)).events, IntentRejected))
        for fault in faults
    ]
    assert refused == sorted(refused)
    assert 0 < refused[1] < refused[2] // 5


def test_only_safeguards_that_are_on_misfire() -> None:
    """Price freshness is, on the bench venue; the others are when they are switched on."""
    assert ("price_freshness",) == tuple(SafeguardMisfire.targets(bench()))
    assert 4 == len(SafeguardMisfire.targets(bench(*SAFEGUARDS)))


# ---- makers ---------------------------------------------------------------------------------------------------------
def back(result: RunResult) -> dict[int, int]:
    """When each maker quotes again after the window began: all markets at once."""
    since_ms = started_at(result.events, "scale-up")
    quotes = [(at_ms, e) for at_ms, e in told(result.events, QuotesPlaced) if at_ms > since_ms]
    first: dict[int, int] = {}
    for at_ms, e in quotes:
        first.setdefault(e.account, at_ms)
    return first


def test_one_late_maker_leaves_the_others_where_they_were() -> None:
    """Maker 2 is back twenty seconds later than he would have been."""
    fault = MakersLate(step="start-services", target="maker-2", late_ms=20_000)
    usual, late = (back(play(*MAKERS, plan=plan)) for plan in ((), (fault,)))
    assert [1, 2, 3] == sorted(usual)
    assert {1: 0, 2: 20_000, 3: 0} == {maker: late[maker] - usual[maker] for maker in usual}


def test_makers_who_stay_away_do_not_come_back() -> None:
    """All of them, at a share of 100 %."""
    assert {} == back(play(*MAKERS, plan=(MakersLate(step="start-services", away_ppm=1_000_000),)))


def test_makers_stay_away_only_where_there_are_books() -> None:
    """A venue without an order book has no makers to miss."""
    assert () == tuple(MakersLate.targets(bench()))
    assert ("makers", "maker-1", "maker-2", "maker-3") == tuple(MakersLate.targets(bench(*MAKERS)))


def test_late_makers_bring_the_second_wave() -> None:
    """X18, the Paradex reopening: with patient makers no mark leaves the outside price and nobody is harmed; ten
    minutes of thin books, and far orders move marks, triggers fire and people are liquidated who were healthy."""
    patient, fault = "population.traders.maker_patience_ppm=1000%", MakersLate(step="cancel-only")
    usual, thin = (play(patient, plan=plan, seed=2, regime="flat", name="paradex-reopening") for plan in ((), (fault,)))
    assert (set(), True) == ({"L1", "P6"} & broken(usual), {"L1", "P6"} <= broken(thin))
    harm = [sum(e.amount_quantums for e in night.entries if e.kind == "liquidation") for night in (usual, thin)]
    assert harm[0] == 0
    assert harm[1] > 100_000_000_000


# ---- the artefact ---------------------------------------------------------------------------------------------------
def artefact(on_excess: str) -> str:
    return f"venue.artefact={{market_data_max: 4, funding_max: 4, liquidator_max: 4, on_excess: {on_excess}}}"


@pytest.mark.parametrize("service", READERS)
def test_process_that_dies_of_its_parameters_dies_until_they_are_good(service: str) -> None:
    """Cloudflare: ``raise`` is a crash loop of that service alone; when the good file is back the venue reopens."""
    fault = OversizedArtefact(step="start-services", target=service, lasts_ms=15_000)
    result = play(artefact("raise"), plan=(fault,))
    died = {e.service for e in of(result.events, ServiceState) if e.state == "crashed"}
    assert ({service}, 7) == (died, len(of(result.events, ArtefactRefused)))
    assert set() == broken(result)


def test_crash_loop_that_never_heals_holds_the_window_open() -> None:
    """W1: the gate waits for a service that cannot start."""
    fault = OversizedArtefact(step="start-services", lasts_ms=3_600_000)
    result = play(artefact("raise"), plan=(fault,))
    assert ({"W1"}, []) == (broken(result), of(result.events, WindowClosed))


def test_entries_that_do_not_fit_are_markets_that_do_not_tick() -> None:
    """``skip``: four entries hold two markets of three; F2 misses the third."""
    fault = OversizedArtefact(step="start-services", target="funding", lasts_ms=15_000)
    result = play(artefact("skip"), plan=(fault,))
    ticks = {tuple(e.markets.tolist()) for e in of(result.events, IndexPublished) if e.epoch > 1}
    assert ({(0, 1)}, True) == (ticks, "F2" in broken(result))


def test_last_good_artefact_changes_nothing_but_that_it_is_told() -> None:
    """``keep_last``: G26, the guard of the same incident."""
    fault = OversizedArtefact(step="start-services", lasts_ms=15_000)
    result = play(artefact("keep_last"), plan=(fault,))
    assert [(service, 6, 4, "keep_last") for service in READERS] == sorted(
        (tuple(e) for e in of(result.events, ArtefactRefused)), key=lambda row: READERS.index(row[0])
    )
    assert (set(), True) == (broken(result), is_exercised(result))


@pytest.mark.parametrize("times", [(3, 5), (5, 3)])
def test_of_two_artefacts_that_are_too_long_the_longer_one_counts(times: tuple[int, int]) -> None:
    """Two generators that repeat the same entries do not make a file of fifteen times the length."""
    plan = tuple(OversizedArtefact(step="start-services", times=each, lasts_ms=15_000) for each in times)
    events = play(artefact("keep_last"), plan=plan).events
    assert {3 * 5} == {e.entries for e in of(events, ArtefactRefused)}


def test_artefact_that_fits_is_read_without_a_word() -> None:
    """A venue that has one, or has none, has the same night."""
    assert play().digest == play("venue.artefact={}").digest == play(artefact("raise")).digest
    assert () == tuple(OversizedArtefact.targets(bench()))
