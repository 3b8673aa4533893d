"""Access harm of single refused orders by hand: who is at fault, when it was possible again, and what that cost."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.crash import Crash
from drydock.harness.event import Event
from drydock.models.events import Fill, IntentsBlocked, ModeChanged, ServiceState
from drydock.models.order_events import (
    REJECTED_BAND,
    REJECTED_CLOSED,
    REJECTED_CROSSES,
    REJECTED_EMPTY,
    REJECTED_MARGIN,
    REJECTED_ORDERS,
    REJECTED_RESYNC,
    REJECTED_STALE,
    IntentRejected,
    OrderPlaced,
    ResyncEnded,
    TriggerDone,
    TriggerFired,
)
from tests.models.paper import Paper
from tests.nights import play

MAKER, STOP_LOSS = 1, 2
REFUSED_MS, TAKEN_MS = 30_000, 90_000
GATEWAY_DOWN, GATEWAY_UP = ServiceState("gateway", 1, "crashed"), ServiceState("gateway", 2, "ready")
CLOSED, OPEN = ModeChanged("ok", "maintenance", 0), ModeChanged("maintenance", "ok", 0)


def at(paper: Paper, at_ms: int) -> Paper:
    paper.stage.at(at_ms)
    return paper


def on_paper(before: str, window: str) -> Paper:
    sets = f"runbook.before_ms={before}", f"runbook.window_ms={window}"
    return Paper(*sets, regime="trend", at_ms=REFUSED_MS, is_started=False)


def outside_window() -> Paper:
    """A trend, and a window that was over before the order came. Nothing happens but what the test tells."""
    return on_paper("10s", "10s")


def side_of(paper: Paper, market: int = 0) -> int:
    """The side on which waiting until the order was taken costs."""
    rise = int(paper.truth.mark(TAKEN_MS)[market] - paper.truth.mark(REFUSED_MS)[market])
    assert rise
    return 1 if rise > 0 else -1


def cost(paper: Paper, size: int, market: int = 0, refused_ms: int = REFUSED_MS, taken_ms: int = TAKEN_MS) -> int:
    return size * int(paper.truth.mark(taken_ms)[market] - paper.truth.mark(refused_ms)[market])


def fill(market: int = 0) -> Fill:
    return Fill(market, 5, MAKER, 1, 1, 0)


def placed(market: int = 0) -> OrderPlaced:
    return OrderPlaced(market, 5, 1, 1, 1, 1, 1)


@pytest.mark.parametrize(
    ("reason", "again"),
    [
        (REJECTED_CLOSED, GATEWAY_UP),
        (REJECTED_STALE, fill()),
        (REJECTED_STALE, placed()),
        (REJECTED_RESYNC, None),
    ],
    ids=["gateway down", "stale, then a fill", "stale, then an order rests", "resync"],
)
def test_refusal_by_fault_of_the_venue_costs_what_the_price_did_until_it_was_possible(
    reason: int, again: object
) -> None:
    """``(P_first_possible - P_wish) * side * q``, at the true marks of the refusal and of the end of its cause."""
    paper = outside_window()
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(GATEWAY_DOWN, IntentRejected(0, person, reason, size))
    at(paper, TAKEN_MS).tell(again or ResyncEnded(person, 0, 0))
    assert {(person, "access"): cost(paper, size)} == paper.lines()
    (entry,) = paper.entries()
    assert ["intent.rejected"] == [identity[1] for identity in entry.events]


@pytest.mark.parametrize("reason", [REJECTED_MARGIN, REJECTED_CROSSES, REJECTED_BAND, REJECTED_EMPTY, REJECTED_ORDERS])
def test_refusal_that_is_no_fault_of_the_venue_costs_nothing(reason: int) -> None:
    """Margin, post-only, band, an empty book, too many orders: rules of the venue, and known."""
    paper = outside_window()
    paper.tell(GATEWAY_DOWN, IntentRejected(0, paper.first_person, reason, 10 * side_of(paper)))
    at(paper, TAKEN_MS).tell(GATEWAY_UP, fill(), placed(), ResyncEnded(paper.first_person, 0, 0))
    assert {} == paper.lines()


@pytest.mark.parametrize("reason", [REJECTED_CLOSED, REJECTED_STALE, REJECTED_RESYNC])
def test_refusal_within_the_announced_window_costs_nothing(reason: int) -> None:
    """Planned downtime was announced, from its first to its last instant."""
    for before, window in (("30s", "10s"), ("10s", "20s")):
        paper = on_paper(before, window)
        person = paper.first_person
        paper.tell(CLOSED, IntentRejected(0, person, reason, 10 * side_of(paper)))
        at(paper, TAKEN_MS).tell(OPEN, fill(), ResyncEnded(person, 0, 0))
        assert {} == paper.lines()


def test_refusal_before_the_announced_window_counts() -> None:
    """Nobody had announced that the gateway would be down."""
    paper = on_paper("5m", "10s")
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(GATEWAY_DOWN, IntentRejected(0, person, REJECTED_CLOSED, size))
    at(paper, TAKEN_MS).tell(GATEWAY_UP)
    assert {(person, "access"): cost(paper, size)} == paper.lines()


def test_refusal_costs_nothing_where_waiting_helped_or_a_maker_waited() -> None:
    """The other side of the same move gains by it, and makers take such risks for a living."""
    paper = outside_window()
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(
        GATEWAY_DOWN,
        IntentRejected(0, person, REJECTED_CLOSED, -size),
        IntentRejected(0, MAKER, REJECTED_CLOSED, size),
    )
    at(paper, TAKEN_MS).tell(GATEWAY_UP)
    assert {} == paper.lines()


def test_closed_door_opens_when_mode_gateway_and_liquidator_are_all_there() -> None:
    """One of the three is not enough; other services are no door."""
    paper = outside_window()
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(CLOSED, GATEWAY_DOWN, ServiceState("liquidator", 1, "stopped"), ServiceState("funding", 1, "stopped"))
    paper.tell(IntentRejected(0, person, REJECTED_CLOSED, size))
    at(paper, 60_000).tell(OPEN, ServiceState("liquidator", 2, "ready"), fill(), ResyncEnded(person, 0, 0))
    assert {} == paper.lines()
    at(paper, TAKEN_MS).tell(GATEWAY_UP)
    assert {(person, "access"): cost(paper, size)} == paper.lines()


def test_stale_price_ends_with_an_order_in_its_own_market_in_ok() -> None:
    """A fill elsewhere, or of the venue's own orders while it is not in OK, tells a person nothing."""
    paper = outside_window()
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(IntentRejected(0, person, REJECTED_STALE, size))
    at(paper, 60_000).tell(fill(1), placed(1), CLOSED, fill(), OPEN)
    assert {} == paper.lines()
    at(paper, TAKEN_MS).tell(fill())
    assert {(person, "access"): cost(paper, size)} == paper.lines()


def test_refusal_whose_cause_never_ends_costs_nothing() -> None:
    """There is no price to compare with."""
    paper = outside_window()
    paper.tell(GATEWAY_DOWN, IntentRejected(0, paper.first_person, REJECTED_CLOSED, 10 * side_of(paper)))
    assert {} == at(paper, TAKEN_MS).lines()


def test_refused_and_blocked_wishes_of_one_closure_are_one_wish() -> None:
    """In flight when the door was shut, and wanted again later: the dearer of the two is charged, and once."""
    paper = outside_window()
    side, person = side_of(paper), paper.first_person
    for sizes in ((10, 3), (3, 10)):
        paper = outside_window()
        paper.tell(CLOSED, IntentRejected(0, person, REJECTED_CLOSED, side * sizes[0]))
        one = np.array([person]), np.zeros(1, np.int64), np.array([side * sizes[1]]), np.array([REFUSED_MS + 1])
        at(paper, TAKEN_MS).tell(OPEN, IntentsBlocked(1, *one))
        assert {(person, "access"): cost(paper, side * 10)} == paper.lines()


def test_second_outage_is_a_wish_of_its_own() -> None:
    """Two outages, an order in each: both are charged."""
    paper = outside_window()
    size, person = 10 * side_of(paper), paper.first_person
    paper.tell(GATEWAY_DOWN, IntentRejected(0, person, REJECTED_CLOSED, size))
    at(paper, 60_000).tell(GATEWAY_UP, GATEWAY_DOWN, IntentRejected(0, person, REJECTED_CLOSED, size))
    at(paper, TAKEN_MS).tell(GATEWAY_UP)
    parts = [cost(paper, size, taken_ms=60_000), cost(paper, size, refused_ms=60_000)]
    assert {(person, "access"): sum(max(0, part) for part in parts)} == paper.lines()


@pytest.mark.parametrize("is_false", [True, False], ids=["false trigger", "right trigger"])
def test_refused_order_of_a_trigger_counts_where_the_trigger_was_right(is_false: bool) -> None:
    """His stop was due and the venue refused it: access. Of an order that a false trigger sent nobody was deprived."""
    paper = outside_window()
    true, size, person = paper.price(0), 10 * side_of(paper), paper.first_person
    # a stop above the truth, which a mark above it reached, or one at the truth
    level = true * 2 if is_false else true
    fired = TriggerFired(7, person, 0, STOP_LOSS, level, level + 1, "ok")
    paper.tell(GATEWAY_DOWN, fired._replace(mark_quantums=level + 1 if is_false else level - 1))
    paper.tell(IntentRejected(0, person, REJECTED_CLOSED, size), TriggerDone(7, person, 0, 0, abs(size)))
    at(paper, TAKEN_MS).tell(GATEWAY_UP)
    assert ({} if is_false else {(person, "access"): cost(paper, size)}) == paper.lines()


def test_gateway_that_crashes_before_the_window_does_access_harm_and_one_that_stays_up_none() -> None:
    """In a whole night: every line of access names refused orders of that person, and the control has none."""
    night = play(plan=(Crash("maintenance", offset_ms=-60_000, target="gateway", restart_ms=30_000),), regime="crash")
    lines = [entry for entry in night.entries if entry.kind == "access"]
    assert lines
    by_identity: dict[object, Event] = {event.identity: event for event in night.events or ()}
    for entry in lines:
        for identity in entry.events:
            data = by_identity[identity].data
            assert isinstance(data, IntentRejected)
            assert (entry.account, REJECTED_CLOSED) == (data.taker, data.reason)
    assert [] == [entry for entry in play(regime="crash").entries if entry.kind == "access"]
