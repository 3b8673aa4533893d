"""The liquidator: every five seconds a health check of all accounts, on the cloud's copy of the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.harness.seam import Passage
from drydock.harness.sim import Steps
from drydock.models.chain import LiquidationTx
from drydock.models.events import HealthChecked, Liquidation
from drydock.models.liquidation import liquidate
from drydock.models.perp.liquidation import liquidation_share
from drydock.models.seams import new_seam
from drydock.models.service import Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]


class Liquidator(Service):
    """The risk engine's process. Starting, it takes accounts and indices from the chain, the source of truth."""

    name = "liquidator"
    boot_steps = ("process_up", "load")

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._load_seam = new_seam(world.seams, "liquidator.load")
        self._checker = self.sim.lane_of("liquidator/checker")

    def begin_ready(self) -> None:
        """Before the night: checking two seconds after the marks."""
        self.epoch += 1
        self.state = "ready"
        self.sim.call_in(2_000, self._check, self.epoch, self._checker, "check")

    def boot_step(self, step: str) -> Steps:
        """Loading takes all accounts at once."""
        yield from super().boot_step(step)
        if step == "load":
            passage = self._load_seam.through(Passage(1, "load"))
            yield self.sim.sleep(int(passage.delay_ms[0]), "load")
            self.world.cloud.resync(self.world.chain)

    def on_ready(self) -> None:
        """The first check comes a full period after start."""
        self.sim.call_in(self.world.venue.liquidation.check_ms, self._check, self.epoch, self._checker, "check")

    def _check(self, epoch: int) -> None:
        if not self.is_current(epoch):
            return
        spec = self.world.venue.liquidation
        self.sim.call_in(spec.check_ms, self._check, epoch, self._checker, "check")
        if not self.world.may("liquidate"):
            return
        cloud = self.world.cloud
        value = cloud.value()
        under = value.under_margin()
        price_age_ms = self.sim.now_ms - int(cloud.price_ms.min())
        trusted = self._trusted(under)
        self.sim.emit(HealthChecked(len(under), price_age_ms, len(under) - len(trusted)), self._checker)
        if trusted.size:
            share = liquidation_share(
                value.equity[trusted], value.margin[trusted], spec.fee_ppm, spec.step_ppm, spec.target_ppm
            )
            self._liquidate(trusted, share, value.equity[trusted], value.margin[trusted])

    def _trusted(self, under: Ints) -> Ints:
        """With price freshness on, accounts that hold a market whose price is too old are left for a later check."""
        freshness = self.world.venue.safeguards.price_freshness
        if freshness is None or not under.size:
            return under
        cloud, layout = self.world.cloud, self.world.layout
        stale = self.sim.now_ms - cloud.price_ms > freshness.liquidation_ms
        if not stale.any():
            return under
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
        for account in accounts.tolist():
            cloud.free_collateral(account)
        done = liquidate(
            cloud.holdings, accounts, share_ppm, cloud.mark, cloud.index, world.markets, world.venue.liquidation
        )
        columns = (accounts, share_ppm, equity, margin, done.penalty_quantums, age_ms)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            self.sim.emit(Liquidation._make((*row, world.mode)), self._checker)
        cloud.send(LiquidationTx(accounts, share_ppm))
