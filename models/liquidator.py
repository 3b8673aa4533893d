"""The liquidator: every five seconds a health check of all accounts, on the cloud's copy of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.accounts import Valuation
from drydock.models.beat import Beat
from drydock.models.breaker import Breaker
from drydock.models.chain import LiquidationTx
from drydock.models.events import HealthChecked, Liquidation
from drydock.models.liquidation import liquidate
from drydock.models.perp.liquidation import liquidation_share
from drydock.models.perp.units import PPM, least
from drydock.models.phase import to_phase_ms
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS, Service
from drydock.models.stale_view import StaleView
from drydock.models.unwinding import Unwinding

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]

SEALED_POLL_MS = 100
"""How often a loading liquidator asks whether the chain has sealed what waits [A]."""


class Liquidator(Service):
    """The risk engine's process. Starting, it takes accounts and indices from the chain, the source of truth."""

    name = "liquidator"
    boot_steps = ("process_up", "load")

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._load_seam = new_seam(world.seams, "liquidator.load")
        self._view = StaleView(world)
        self._checker = self.sim.lane_of("liquidator/checker")
        spec = world.venue.liquidation
        self._beat = Beat(self, "check", self._checker, self._check, spec.check_ms, spec.check_phase_ms)
        book = world.venue.order_book
        self._unwinding = None if book is None else Unwinding(self, book)
        breaker = world.venue.safeguards.circuit_breaker
        self._breaker = None if breaker is None else Breaker(world, breaker)

    def begin_ready(self) -> None:
        """Before the night: checking in its phase, two seconds after the marks where it has none."""
        self.epoch += 1
        self.state = "ready"
        self._begin(2_000)

    def boot_step(self, step: str) -> Steps:
        """Loading takes all accounts at once, from a chain on which all is sealed that was filled before.

        Nothing fills while the liquidator is not ready; what filled before it died is on its way to the sequencer or
        waits for its block, and a state without these fills would never hear of them again.
        """
        yield from super().boot_step(step)
        if step == "load":
            passage = self._load_seam.through(Passage(1, "load"))
            yield self.sim.sleep(int(passage.delay_ms[0]), "load")
            while self.world.chain.has_fills_waiting or self.world.cloud.has_fills_under_way:
                yield self.sim.sleep(SEALED_POLL_MS, "load")
            self.world.cloud.resync(self.world.chain)

    def on_ready(self) -> None:
        """The first check comes a full period after start, or at the next instant of its phase after that."""
        self._begin(self.world.venue.liquidation.check_ms)

    def _begin(self, wait_ms: int) -> None:
        spec = self.world.venue.liquidation
        if spec.check_phase_ms is not None:
            wait_ms += to_phase_ms(self.clock_ms() + wait_ms, spec.check_ms, spec.check_phase_ms)
        self._beat.begin(wait_ms)
        if self._unwinding is not None:
            self._unwinding.begin()

    def _check(self, at_ms: int) -> None:
        if not self.world.may_act("liquidate", at_ms):
            return
        spec, cloud = self.world.venue.liquidation, self.world.cloud
        if self._breaker is not None and self._breaker.is_tripped():
            return
        price_age_ms = self.sim.now_ms - least(cloud.price_ms)
        old = self._view.read()
        if cloud.nobody_is_under() and old is None:
            self.sim.emit(HealthChecked(0, price_age_ms, 0), self._checker)
            return
        value, under = self._found(old)
        trusted = self._trusted(self._in_order(under), at_ms)
        if not self.is_ready:
            return
        self.sim.emit(HealthChecked(len(under), price_age_ms, len(under) - len(trusted)), self._checker)
        if trusted.size:
            share = liquidation_share(
                value.equity[trusted], value.margin[trusted], spec.fee_ppm, spec.step_ppm, spec.target_ppm
            )
            most = self._within_rate(trusted, share)
            self._liquidate(
                *(column[:most] for column in (trusted, share, value.equity[trusted], value.margin[trusted]))
            )

    def _found(self, old: tuple[Valuation, int] | None) -> tuple[Valuation, Ints]:
        """Who is under margin, and what everybody is worth: now, or in the state that the liquidator has."""
        if old is None:
            value = self.world.cloud.value()
            return value, value.under_margin()
        value, most = old
        under = value.under_margin()
        if self.world.venue.liquidation.rechecks:
            value = self.world.cloud.value()
            under = under[np.isin(under, value.under_margin())]
        return value, under[:most]

    def _within_rate(self, accounts: Ints, share_ppm: Ints) -> int:
        """G20: how many of these accounts, in order, one check may take over; at least one."""
        most = self.world.venue.liquidation.notional_max_quantums
        if most is None:
            return len(accounts)
        notional = np.cumsum(self._notional()[accounts] // PPM * share_ppm)
        return max(1, int(np.searchsorted(notional, most, side="right")))

    def _notional(self) -> Ints:
        """What every account's positions are worth at mark, unsigned (1e-6 USD)."""
        cloud, layout = self.world.cloud, self.world.layout
        return layout.per_account(np.abs(cloud.holdings.size) * cloud.mark[layout.market])

    def _in_order(self, under: Ints) -> Ints:
        """Accounts that are not in RESYNC: what the cloud believes of the others is about to be replaced.

        An account that holds a market without parameters cannot be assessed, and is left alone.
        """
        desk, layout = self.world.desk, self.world.layout
        if self.known is not None:
            is_held = ~self.known[layout.market] & (self.world.cloud.holdings.size != 0)
            under = under[layout.per_account(is_held.astype(np.int64))[under] == 0]
        if desk is None or not desk.matching.resyncing:
            return under
        in_order: Ints = under[~np.isin(under, sorted(desk.matching.resyncing))]
        return in_order

    def _trusted(self, under: Ints, at_ms: int) -> Ints:
        """With price freshness on, accounts that hold a market whose price is too old are left for a later check.

        That is the documented policy; ``default_zero`` takes an age for 0, ``raise`` ends the process.
        """
        freshness = self.world.venue.safeguards.price_freshness
        if freshness is None or not under.size:
            return under
        cloud, layout = self.world.cloud, self.world.layout
        if self.world.guards.misfires("price_freshness"):
            return under[:0]
        stale = at_ms - cloud.price_ms > freshness.liquidation_ms
        if not stale.any() or (does := self.policy("on_stale", "skip")) == "default_zero":
            return under
        if does == "raise":
            self.crash(RAISE_RESTART_MS)
            return under[:0]
        touched = layout.per_account((stale[layout.market] & (cloud.holdings.size != 0)).astype(np.int64))
        trusted: Ints = under[touched[under] == 0]
        return trusted

    def _oldest_price_ms(self) -> Ints:
        """Per account, the age of the oldest price among the markets that it holds."""
        cloud, layout = self.world.cloud, self.world.layout
        age_ms = (self.sim.now_ms - cloud.price_ms)[layout.market]
        oldest_ms: Ints = np.maximum.reduceat(np.where(cloud.holdings.size != 0, age_ms, 0), layout.start)
        return oldest_ms

    def _liquidate(self, accounts: Ints, share_ppm: Ints, equity: Ints, margin: Ints) -> None:
        world, cloud = self.world, self.world.cloud
        age_ms = self._oldest_price_ms()[accounts]
        notional = self._notional()[accounts] // PPM * share_ppm
        for account in accounts.tolist():
            cloud.free_collateral(account)
        done = liquidate(
            cloud.holdings, accounts, share_ppm, cloud.mark, cloud.index, world.markets, world.venue.liquidation
        )
        columns = (accounts, share_ppm, equity, margin, done.penalty_quantums, age_ms, notional)
        for *row, worth in zip(*(column.tolist() for column in columns), strict=True):
            self.sim.emit(Liquidation._make((*row, world.mode, worth)), self._checker)
        if self._breaker is not None:
            self._breaker.note(int(notional.sum()))
        cloud.send(LiquidationTx(accounts, share_ppm, done))
