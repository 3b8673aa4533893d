"""Contamination: who counts as touched, what each side costs, and when repair stops being the cheaper one."""

from __future__ import annotations

import numpy as np
import pytest

from drydock.faults.slow_load import SlowLoad
from drydock.models.contamination import Contamination, Minute, Spread
from drydock.models.events import Fill, IndexPublished, Liquidation, ModeChanged
from drydock.models.ledger import VenueLedger
from drydock.models.perp.units import INDEX_SHIFT
from tests.nights import Stage, bench, case_of

MAKER, USD = 1, 1_000_000
QUIET = ("population.transfers_per_hour=0", "population.fills_per_minute=0", "venue.declared.mark_band_ppm=0")
WRONGED = ("venue.funding.readiness=process_up", "venue.safeguards.mode_matrix=false")


class Watched:
    """A quiet stage whose indices, fills and modes a test tells: its funding engine has stopped, and corrects none."""

    def __init__(self) -> None:
        self.stage = Stage(*QUIET).at(1)
        world = self.stage.world
        world.funding.stop()
        self.fold = Contamination(world.population.first_person)
        self.fold.begin(world.truth)
        for payload in self.fold.hears:
            self.stage.sim.hear(payload, self.fold.observe)
        self.size, self.layout = world.truth.shadow.holdings.size, world.layout
        people = np.flatnonzero((self.layout.account >= world.population.first_person) & (self.size > 100))
        self.slot = int(people[0])
        self.account, self.market = int(self.layout.account[self.slot]), int(self.layout.market[self.slot])
        self.price = int(world.truth.mark(1)[self.market])

    def fill(self) -> None:
        self.stage.sim.emit(Fill(self.market, self.account, MAKER, 10, self.price, 0))

    def publish(self, gap_quantums: int) -> None:
        """One market's index is off by so many price quantums."""
        index = self.stage.world.truth.start_index.copy()
        index[self.market] += gap_quantums << INDEX_SHIFT
        self.stage.sim.emit(IndexPublished(1, np.arange(3), index, np.full(3, 5_000), 0))


def spread_of(fold: Contamination) -> Spread:
    (spread,) = fold.end()
    return spread


def test_nothing_is_contaminated_where_no_index_was_wrong() -> None:
    """Fills at right indices touch nobody."""
    watched = Watched()
    watched.fill()
    watched.stage.at(130_000)
    assert () == watched.fold.end()


def test_touched_are_those_whose_position_changed_since() -> None:
    """A fill before the wrong index touches nobody, one after it both parties, a liquidation the vault too."""
    watched = Watched()
    watched.fill()
    watched.publish(watched.price // 100)
    watched.stage.at(30_000)
    watched.fill()
    watched.stage.at(61_000)
    other = next(a for a in range(2, watched.layout.accounts) if a != watched.account)
    watched.stage.sim.emit(Liquidation(other, 1_000_000, 0, 0, 0, 0, "ok"))
    watched.stage.at(125_000).sim.emit(ModeChanged("ok", "maintenance", 0))
    one, two = spread_of(watched.fold).minutes
    assert (1, 2, 2) == (one.minute, one.accounts, one.positions)
    assert (2, 4) == (two.minute, two.accounts)


def test_index_put_back_as_it_is_charges_the_touched_long_once_more() -> None:
    """Published 1 % of the price too low, re-cached there by a fill: the true index then takes that 1 % of ``q``."""
    watched = Watched()
    gap = watched.price // 100
    watched.publish(-gap)
    watched.fill()
    held = int(watched.size[watched.slot]) + 10
    watched.stage.at(61_000).sim.emit(ModeChanged("ok", "maintenance", 0))
    (row,) = spread_of(watched.fold).minutes
    drift = abs(row.mischarge_quantums - held * gap)
    assert drift <= held * gap // 100  # what the true index accrued in the minute


def test_what_was_wrongly_taken_is_what_the_ledger_says() -> None:
    """An index too high takes from the long at once: it is owed, and the erased fill's fee is what going back costs."""
    watched = Watched()
    watched.publish(watched.price // 100)
    watched.fill()
    watched.stage.at(61_000).sim.emit(ModeChanged("ok", "maintenance", 0))
    (row,) = spread_of(watched.fold).minutes
    fee_ppm = watched.stage.world.venue.liquidation.taker_fee_ppm
    assert int(watched.size[watched.slot]) * (watched.price // 100) == pytest.approx(row.owed_quantums, rel=1e-3)
    assert (10 * watched.price // 1_000_000 * fee_ppm, 0) == (row.fees_quantums, row.earned_quantums)


def test_minutes_end_with_the_halt() -> None:
    """A venue that is closed contaminates nothing further."""
    watched = Watched()
    watched.publish(watched.price // 100)
    watched.stage.at(70_000).sim.emit(ModeChanged("ok", "maintenance", 0))
    watched.fill()
    watched.stage.at(300_000)
    assert [1] == [row.minute for row in spread_of(watched.fold).minutes]


# ---- who is cheaper --------------------------------------------------------------------------------------------------
def row(minute: int, accounts: int, owed_usd: int, earned_usd: int) -> Minute:
    return Minute(minute, accounts, accounts, 0, owed_usd * USD, earned_usd * USD, 2 * USD)


def test_repair_pays_until_the_first_minute_in_which_it_is_as_dear() -> None:
    """By hand: going back costs 50 + 2 and what fills earned; work is 10 an account."""
    rows = (row(1, 3, 10, 0), row(2, 4, 20, 8), row(3, 5, 21, 9), row(4, 8, 21, 9))
    spread = Spread(0, rows, access_quantums=50 * USD)
    assert [52, 60, 61, 61] == [spread.rollback(minute) // USD for minute in rows]
    assert 1 == spread.repair_pays_until(10 * USD)  # 40 of 52, then 60 of 60
    assert 3 == spread.work_pays_until(10 * USD)  # 30, 40, 50, then 80 of 61
    assert 0 == spread.repair_pays_until(20 * USD)
    assert spread.work_pays_until(1 * USD) is None


def test_night_spreads_and_is_owed_what_its_ledger_finds() -> None:
    """In a small wronged night accounts only ever join, and the last minute owes what the night's own ledger does."""
    case = case_of(bench(*WRONGED), (SlowLoad("start-services", mean_ms=20_000),))
    stage = Stage(*WRONGED, regime="calm")
    world = stage.world
    fold, ledger = Contamination(world.population.first_person), VenueLedger(world.population.first_person)
    for listener in (fold, ledger):
        listener.begin(world.truth)
        for payload in listener.hears:
            world.sim.hear(payload, listener.observe)
    world.sim.spawn("fault/0:slow_load", case.plan[0].inject(world))
    stage.at(590_000)
    minutes = spread_of(fold).minutes
    accounts = [minute.accounts for minute in minutes]
    assert sorted(accounts) == accounts
    assert 0 < accounts[0] < accounts[-1]
    taken = sum(entry.amount_quantums for entry in ledger.end() if entry.kind in ("funding", "liquidation"))
    assert 0 < minutes[0].owed_quantums <= minutes[-1].owed_quantums <= taken
