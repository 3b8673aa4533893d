"""Kind ``liquidation``: of a person who was healthy at the truth.

    H_liq = penalty + sum |dq| * |P_exec - P_true| * [adverse] + sum dq * (P_true(t + horizon) - P_true(t))

P_exec is the venue's own mark: at it the position goes to the vault, and what the vault later makes of it is not the
person's. The last term is the exposure he lost; the default horizon is 0: the position is priced where it was taken.
A position that was taken at a better price than the true one is a windfall, which the cap by equity sets off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.event import Event
from drydock.models.perp.liquidation import cut

if TYPE_CHECKING:
    from drydock.models.events import Liquidation, PricesPublished
    from drydock.models.harm.lines import Lines
    from drydock.models.truth import Truth


class WrongLiquidations:
    """Asks the shadow book about every liquidation, before it is applied there."""

    def __init__(self, truth: Truth, lines: Lines, first_person: int, horizon_ms: int) -> None:
        self._truth = truth
        self._lines = lines
        self._first_person = first_person
        self._horizon_ms = horizon_ms
        self._mark = truth.mark(0)

    def on_prices(self, event: Event) -> None:
        """The venue's marks, at which positions are taken over from now on."""
        data: PricesPublished = event.data
        self._mark = data.mark_quantums

    def on_liquidation(self, event: Event, data: Liquidation) -> None:
        """Prices it where it had no reason that was true."""
        truth, shadow, at_ms = self._truth, self._truth.shadow, event.at_ms
        if data.account < self._first_person or shadow.justified(at_ms)[data.account]:
            return
        layout = shadow.holdings.layout
        slots = np.array(layout.slots_of_one(data.account))
        market = layout.market[slots]
        gone, true = cut(shadow.holdings.size[slots], data.share_ppm), truth.mark(at_ms)[market]
        lost = gone * (true - self._mark[market])
        exposure = gone * (truth.mark(at_ms + self._horizon_ms)[market] - true) if self._horizon_ms else gone * 0
        adverse = int(np.maximum(lost, 0).sum()) + int(exposure.sum())
        self._lines.add(data.account, "liquidation", data.penalty_quantums + adverse, event.identity)
        self._lines.add(data.account, "liquidation", int(np.minimum(lost, 0).sum()))
