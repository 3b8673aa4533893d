"""S1, S2, S4: conservation. These are the checks that most teams have; they are silent when an index is reset."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.units import format_usd
from drydock.models.events import BlockSealed
from drydock.models.invariants.base import VenueLaw
from drydock.models.perp.socialised import ex_bankruptcy_quantums, loss_factor_ppm
from drydock.models.perp.units import none_true


class Cash(VenueLaw):
    """S1: the sum of balances equals deposits minus withdrawals plus what funding moved into balances; exact."""

    id, law_class = "S1", "safety"
    sentence = "no money appears or disappears"
    source = "double-entry bookkeeping"
    hears = (BlockSealed,)

    def begin(self, truth: Any) -> None:
        """Notes the total with which the night begins."""
        super().begin(truth)
        self._start = int(truth.start_holdings.quote.sum()) - int(truth.start_holdings.realised.sum())

    def observe(self, event: Event) -> None:
        """Judges the whole venue at each block."""
        view = event.data.view
        total = int(np.add.reduce(view.quote)) - int(np.add.reduce(view.realised)) - view.deposits
        self._checks += 1
        if total != self._start:
            gap = total - self._start
            self.find(event.at_ms, f"balances are {format_usd(gap)} USD off what went in and out", event.identity)


class Positions(VenueLaw):
    """S2: ``sum_i q = 0`` per market."""

    id, law_class, role = "S2", "safety", "market"
    sentence = "the positions of every market sum to zero"
    source = "every contract has two sides"
    hears = (BlockSealed,)

    def observe(self, event: Event) -> None:
        """Judges every market whenever a block changed a position."""
        view = event.data.view
        if not (view.fills or view.liquidated):
            return
        net = view.layout.per_market(view.size)
        self._checks += 1
        if not none_true(net != 0):
            market = int(np.flatnonzero(net)[0])
            self.find(event.at_ms, f"positions of {self.name(market)} sum to {int(net[market])}", event.identity)


class Solvency(VenueLaw):
    """S4: ``sum max(0, -AV) <= IF``, else the socialised factor is what the formula says."""

    id, law_class = "S4", "safety"
    sentence = "bankruptcies beyond the insurance fund are socialised by the documented formula, and only then"
    source = "paradex-docs socialized-losses.mdx"
    hears = (BlockSealed,)

    def begin(self, truth: Any) -> None:
        """No valuation seen."""
        super().begin(truth)
        self._judged: tuple[object, int] = (None, 0)

    def observe(self, event: Event) -> None:
        """Computes the factor again from the chain's own values, whenever either is new."""
        view = event.data.view
        self._checks += 1
        if self._judged[0] is view.equity and self._judged[1] == view.socialised_ppm:
            return
        self._judged = (view.equity, view.socialised_ppm)
        people = view.equity[1:]
        expected = 0
        if np.minimum.reduce(people) < 0:
            hole = ex_bankruptcy_quantums(people, int(view.equity[view.insurance_account]))
            expected = loss_factor_ppm(hole, max(0, int(np.maximum(people, 0).sum())))
        if expected != view.socialised_ppm:
            self.find(
                event.at_ms,
                f"the socialised loss factor is {view.socialised_ppm} ppm; the formula gives {expected} ppm",
                event.identity,
            )
