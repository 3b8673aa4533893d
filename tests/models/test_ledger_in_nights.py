"""The ledger of harm in small nights: each kind emerges from one, and what goes for all lines."""

from __future__ import annotations

from functools import cache

import pytest

from drydock.faults.crash import Crash
from drydock.faults.slow_load import SlowLoad
from drydock.harness.event import Identity
from drydock.harness.port import Entry, Fault
from drydock.harness.result import RunResult
from drydock.models.accounts import VAULT
from drydock.models.ledger import HARM_KINDS
from tests.nights import bench, play

COLD = SlowLoad("start-services", mean_ms=20_000)
WRONGED = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")
MANY_PAYOUTS = (
    "population.accounts=400",
    "population.open_interest_usd=5000000 USD",
    "population.transfers_per_hour=2000",
    "population.withdraw_ppm=100%",
)
ROLLED_BACK = (
    *WRONGED,
    "runbook.night_ms=20m",
    "runbook.on_incident={detect_ms_min: 60s, detect_ms_max: 90s, decide_ms_min: 60s, decide_ms_max: 90s, steps: ["
    "{step: set_mode, name: incident, mode: maintenance}, {step: rollback}, {step: resume, name: again}]}",
)
LATE = "runbook.window_ms=1m"
THIN_BOOK = (
    "venue.order_book={}",
    "venue.safeguards.mode_matrix=false",
    LATE,  # so that the makers are late too
    "population.accounts=120",
    "population.opportunists=6",
    "population.squeezers=4",
    "population.traders.squeezes_per_hour=3000",
    "runbook.steps.8.duration_ms=3m",
    "runbook.night_ms=15m",
)
"""A long post-only phase without makers, and those who like that."""
Night = tuple[tuple[str, ...], tuple[Fault, ...], str]
NIGHTS: dict[str, Night] = {
    "healthy": ((), (), "calm"),
    "wronged": (WRONGED, (COLD,), "calm"),
    "wronged, many payouts": ((*MANY_PAYOUTS, *WRONGED), (COLD,), "flat"),
    "rolled back": (ROLLED_BACK, (COLD,), "calm"),
    "late": ((LATE,), (), "crash"),
    "thin book": (THIN_BOOK, (), "flat"),
}
CONTROLS: dict[str, Night] = {
    "wronged": ((), (COLD,), "calm"),
    "wronged, many payouts": (MANY_PAYOUTS, (COLD,), "flat"),
    "rolled back": (WRONGED, (COLD,), "calm"),
    "late": ((), (), "crash"),
    "thin book": (
        (*THIN_BOOK, "population.opportunists=0", "population.squeezers=0", "runbook.window_ms=5m"),
        (),
        "flat",
    ),
}
"""The same nights done right: with the funding engine ready, without going back, in time, with makers and no others."""
EMERGES = {
    "liquidation": "thin book",
    "trigger": "thin book",
    "funding": "wronged",
    "execution": "thin book",
    "access": "late",
    "rollback": "rolled back",
    "bad_debt": "thin book",
    "leak": "wronged, many payouts",
}
SEEDS = (1, 2, 3)
each_kind = pytest.mark.parametrize("kind", HARM_KINDS)
each_night = pytest.mark.parametrize("name", NIGHTS)
each_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def night(name: str, seed: int) -> RunResult:
    sets, plan, regime = NIGHTS[name]
    return play(*sets, plan=plan, seed=seed, regime=regime)


@cache
def control(name: str, seed: int) -> RunResult:
    sets, plan, regime = CONTROLS[name]
    return play(*sets, plan=plan, seed=seed, regime=regime)


def lines(result: RunResult, kind: str) -> list[Entry]:
    return [entry for entry in result.entries if entry.kind == kind]


@each_kind
def test_each_kind_emerges_from_a_night_and_not_from_its_control(kind: str) -> None:
    """Nobody scripts harm: it is there in a night that goes wrong, and gone where only that is put right."""
    name = EMERGES[kind]
    assert any(lines(night(name, seed), kind) for seed in SEEDS)
    assert [] == [entry for seed in SEEDS for entry in lines(control(name, seed), kind)]


@each_seed
@each_night
def test_no_event_carries_two_kinds_but_for_the_funding_that_it_realised(name: str, seed: int) -> None:
    """A harmful event stands in exactly one kind; a fill or liquidation may have realised wrong funding besides."""
    kinds: dict[Identity, set[str]] = {}
    for entry in night(name, seed).entries:
        for identity in entry.events:
            kinds.setdefault(identity, set()).add(entry.kind)
    assert [] == [of for of in kinds.values() if len(of - {"funding"}) > 1]


@each_seed
@each_night
def test_only_bad_debt_is_of_those_who_take_risks_for_a_living(name: str, seed: int) -> None:
    """Makers, opportunists and squeezers have no other line; the vault has none; lines stand in order, once each."""
    result = night(name, seed)
    first = bench(*NIGHTS[name][0]).venue.population.first_person
    assert {"bad_debt"} >= {entry.kind for entry in result.entries if entry.account < first}
    assert VAULT not in {entry.account for entry in result.entries}
    places = [(entry.account, HARM_KINDS.index(entry.kind)) for entry in result.entries]
    assert sorted(set(places)) == places


@each_seed
@each_night
def test_evidence_is_of_the_kind_that_it_carries(name: str, seed: int) -> None:
    """A line names the events that did it, as its kind has them."""
    may = {
        "liquidation": {"liquidation"},
        "trigger": {"trigger.fired", "fill"},
        "funding": {"liquidation", "fill"},
        "execution": {"fill"},
        "access": {"intents.blocked", "intent.rejected"},
        "rollback": {"rollback.done"},
        "bad_debt": set(),
        "leak": {"l1.transferred"},
    }
    for entry in night(name, seed).entries:
        assert {kind for _, kind, _ in entry.events} <= may[entry.kind]
        assert len(set(entry.events)) == len(entry.events)
        assert 0 <= entry.restored_quantums <= entry.amount_quantums


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", ["wronged", "thin book"])
def test_fault_that_does_nothing_changes_no_line(name: str, seed: int) -> None:
    """Who crashes while nothing runs changes neither events nor ledger, with a book as without one."""
    sets, plan, regime = NIGHTS[name]
    idle = Crash(step="scale-up", target="funding")
    bent = play(*sets, plan=(*plan, idle), seed=seed, regime=regime)
    assert (night(name, seed).digest, night(name, seed).entries) == (bent.digest, bent.entries)
