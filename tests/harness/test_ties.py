"""The order of an instant: seeded between lanes, kept inside a lane, FIFO with laggards."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from drydock.harness.run import run_case
from drydock.harness.sim import Sim, Steps, Ties

SEEDS = 1000


def race(seed: int, ties: Ties) -> list[str]:
    """Two lanes act at one instant; the loader is always started first."""
    sim, order = Sim(seed, ties), []

    def act(name: str, kind: str) -> Steps:
        yield sim.sleep(100, kind)
        order.append(name)

    sim.spawn("funding/loader", act("loader", "loaded"))
    sim.spawn("funding/ticker", act("ticker", "tick"))
    sim.run_until(1000)
    return order


def test_fifo_never_shows_a_planted_race() -> None:
    """With FIFO ties the lane that was started first always comes first: the race hides."""
    assert {("loader", "ticker")} == {tuple(race(seed, Ties("fifo"))) for seed in range(SEEDS)}


def test_seeded_ties_show_a_planted_race_in_a_fair_share_of_seeds() -> None:
    """About every other seed lets the other lane come first."""
    shown = sum(race(seed, Ties()) == ["ticker", "loader"] for seed in range(SEEDS))
    assert 400 <= shown <= 600


def test_the_same_seed_has_the_same_order() -> None:
    """The order is a function of the seed."""
    assert [race(seed, Ties()) for seed in range(50)] == [race(seed, Ties()) for seed in range(50)]


@given(seed=st.integers(0, 2**64), clients=st.integers(1, 5), orders=st.integers(2, 6))
def test_inside_a_lane_order_is_kept(seed: int, clients: int, orders: int) -> None:
    """A client's cancel never overtakes his own place, however the clients come to lie."""
    sim, arrived = Sim(seed), []
    for number in range(orders):
        for client in range(clients):
            sim.call_at(5, arrived.append, (client, number), sim.lane_of(f"client/{client}"))
    sim.run_until(6)
    for client in range(clients):
        assert list(range(orders)) == [number for who, number in arrived if who == client]


def test_a_cancel_never_overtakes_its_place() -> None:
    """In no seed, with a process and a message of one lane at one instant."""
    for seed in range(SEEDS):
        sim, arrived = Sim(seed), []

        def client(sim: Sim = sim, arrived: list[str] = arrived) -> Steps:
            sim.call_in(10, arrived.append, "place", sim.lane)
            yield sim.sleep(0)
            sim.call_in(10, arrived.append, "cancel", sim.lane)

        sim.spawn("client/7", client())
        sim.run_until(100)
        assert ["place", "cancel"] == arrived


def test_urgent_events_are_never_shuffled() -> None:
    """Starts and interrupts keep their order before everything else of the instant, in every seed."""
    for seed in range(100):
        sim, order = Sim(seed), []

        def act(name: str, sim: Sim = sim, order: list[str] = order) -> Steps:
            order.append(name)
            yield sim.sleep(0)

        names = [f"lane/{number}" for number in range(8)]
        sim.call_at(0, order.append, "message", sim.lane_of("client"))
        for name in names:
            sim.spawn(name, act(name))
        sim.run_until(1)
        assert [*names, "message"] == order


def test_a_laggard_is_served_last_in_its_instant() -> None:
    """FIFO plus one laggard is the form to which a shuffled failure shrinks."""
    late_loader = Ties("fifo", (("funding/loader", "loaded", 1),))
    assert ["ticker", "loader"] == race(1, late_loader)


def test_a_laggard_that_does_not_occur_is_skipped() -> None:
    """A laggard's identity that no longer exists changes nothing."""
    assert ["loader", "ticker"] == race(1, Ties("fifo", (("funding/loader", "loaded", 2), ("nobody", "tick", 1))))


def test_laggards_need_fifo() -> None:
    """With seeded ties the seed alone decides."""
    with pytest.raises(ValueError, match="laggards need fifo"):
        Ties("seeded", (("funding/loader", "loaded", 1),))


def test_seeded_ties_find_the_toys_race_and_fifo_does_not(toy) -> None:  # type: ignore[no-untyped-def]
    """Loads that take exactly one tick: a whole model shows what two planted lanes show."""
    scenario = toy.scenario(waits=False, load_ms=toy.TICK_MS, reported=())

    def broken(ties: Ties) -> int:
        cases = [toy.Case(scenario, "flat", (), seed, ties) for seed in range(200)]
        return sum(bool(run_case(case, toy.ToyKit()).findings) for case in cases)

    assert 0 == broken(Ties("fifo"))
    assert 70 <= broken(Ties()) <= 130
    assert 200 == broken(Ties("fifo", (("counter/loader", "loaded", 1),)))
