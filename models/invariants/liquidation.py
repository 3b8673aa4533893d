"""L1, L3, L4: who may be liquidated, when, and who must be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from drydock.harness.event import Event
from drydock.harness.port import Finding
from drydock.harness.report.words import count
from drydock.models.accounts import VAULT
from drydock.models.events import BlockSealed, HealthChecked, Liquidation, ModeChanged, PricesPublished, RollbackDone
from drydock.models.invariants.base import VenueLaw
from drydock.models.order_events import TriggerFired
from drydock.models.venue import Action

CHECK_EVERY_MS = 15_000


class Justified(VenueLaw):
    """L1: each liquidation has ``MMR_true >= AV_true`` at some instant of ``[t - staleness_ms_max, t]``."""

    id, law_class = "L1", "safety"
    sentence = "nobody is liquidated who was healthy at true prices and indices all the while"
    source = "house rule: a liquidation has a reason that was true; the venues refund those that had none"
    hears = (Liquidation, HealthChecked)

    def begin(self, truth: Any) -> None:
        """Nothing wrong yet."""
        super().begin(truth)
        self._wrong = 0

    def observe(self, event: Event) -> None:
        """Judges the account at the shadow truth, before its liquidation is applied there."""
        if isinstance(event.data, HealthChecked):
            self.count()
            return
        data: Liquidation = event.data
        if not self.truth.shadow.justified(event.at_ms)[data.account]:
            self._wrong += 1
            self.find(
                event.at_ms,
                f"account {data.account} is liquidated ({data.share_ppm // 10_000} %) though it was healthy; the venue "
                f"saw it worth {data.equity_quantums // 1_000_000} USD against a requirement of "
                f"{data.margin_quantums // 1_000_000} USD",
                event.identity,
                role=self.who(data.account),
            )

    def end(self) -> Sequence[Finding]:
        """The findings; where there are more than were kept, the first says how many in all."""
        if self._wrong > len(self._findings):
            first = self._findings[0]
            told = f"{first.detail}; {count(self._wrong, 'wrongful liquidation')} in all"
            self._findings[0] = replace(first, detail=told)
        return self._findings


class Gate(VenueLaw):
    """L3: no liquidation and no trigger unless the declared matrix allows it in the mode and the grace is over."""

    id, law_class = "L3", "safety"
    sentence = "nobody is liquidated, no trigger fires, in a mode that forbids it or before the grace after OK is over"
    source = "the venue's declared mode matrix; paradex-docs, 6 February 2026"
    hears = (Liquidation, TriggerFired, ModeChanged, HealthChecked)

    def begin(self, truth: Any) -> None:
        """The night begins in OK, long since."""
        super().begin(truth)
        self._ok_since_ms = -(1 << 40)

    def observe(self, event: Event) -> None:
        """Judges each liquidation, and each trigger, by the mode in which it happened."""
        data = event.data
        if isinstance(data, ModeChanged):
            self._ok_since_ms = event.at_ms if data.mode == "ok" else self._ok_since_ms
        elif isinstance(data, HealthChecked):
            self.count()
        elif isinstance(data, TriggerFired):
            self._judge(event, data, "trigger", f"a trigger of account {data.account} fires")
        else:
            self._judge(event, data, "liquidate", f"account {data.account} is liquidated")

    def _judge(self, event: Event, data: Liquidation | TriggerFired, action: Action, what: str) -> None:
        declared, mode = self.truth.venue.declared, cast(Any, data.mode)
        if not declared.allows(mode, action):
            when = f"in mode {mode}"
        elif mode == "ok" and event.at_ms < self._ok_since_ms + declared.grace_ms:
            when = f"{event.at_ms - self._ok_since_ms} ms after OK"
        else:
            return
        self.find(event.at_ms, f"{what} {when}", event.identity, role=self.who(data.account))


class Completion(VenueLaw):
    """L4: if ``AV_true < MMR_true`` for longer than D, a liquidation was attempted; the price of waiting is bad debt.

    The clock stands while the declared matrix or a declared freshness rule forbids liquidations. An account that ends
    up below zero at the truth while the clock stood, or after it ran out, costs what it is below zero.
    """

    id, law_class = "L4", "loss"
    sentence = "accounts under margin at the truth are liquidated in time; what waiting costs stays within the limit"
    source = "Aave v3.7, sentinel removal: blocked liquidations let positions deteriorate"
    hears = (BlockSealed, Liquidation, ModeChanged, PricesPublished, RollbackDone)

    def begin(self, truth: Any) -> None:
        """Nobody is late yet."""
        super().begin(truth)
        accounts = truth.start_holdings.layout.accounts
        self._since_ms = np.full(accounts, -1, np.int64)
        self._debt = np.zeros(accounts, np.int64)
        self._is_overdue = np.zeros(accounts, np.bool_)
        self._mode = "ok"
        self._checked_ms = 0
        self._ages_ms = np.zeros(1, np.int64)
        self._attempted = np.zeros(accounts, np.bool_)

    def observe(self, event: Event) -> None:
        """Looks at all accounts every quarter of a minute of trading, and whenever the mode changes."""
        data = event.data
        if isinstance(data, Liquidation):
            self._since_ms[data.account] = -1
        elif isinstance(data, PricesPublished):
            self._ages_ms = data.age_ms
        elif isinstance(data, RollbackDone):
            self._since_ms[:] = -1
        elif isinstance(data, ModeChanged):
            self._look(event)
            self._mode = data.mode
        elif event.at_ms - self._checked_ms >= CHECK_EVERY_MS:
            self._look(event)

    def _look(self, event: Event) -> None:
        declared = self.truth.venue.declared
        self.count()
        elapsed_ms, self._checked_ms = event.at_ms - self._checked_ms, event.at_ms
        if self.truth.shadow.nobody_is_under(event.at_ms):
            self._since_ms[:] = -1
            return
        value = self.truth.shadow.value(event.at_ms)
        under = (value.margin > value.equity) & (value.margin > 0)
        under[VAULT] = False
        if under.any():
            under &= value.margin > value.equity + self.truth.shadow.band()
        if not under.any():
            self._since_ms[:] = -1
            return
        self._since_ms[~under] = -1
        self._since_ms[under & (self._since_ms < 0)] = event.at_ms
        is_forbidden = (
            not declared.allows(self._mode, "liquidate") or int(self._ages_ms.max()) > declared.liquidation_price_age_ms
        )
        if is_forbidden:
            self._since_ms[self._since_ms >= 0] += min(elapsed_ms, event.at_ms)
            np.minimum(self._since_ms, event.at_ms, out=self._since_ms)
        late = under & (event.at_ms - self._since_ms > declared.missed_after_ms)
        self._is_overdue |= late
        waiting = late | (under if is_forbidden else np.zeros_like(under))
        self._debt[waiting] = np.maximum(self._debt, -value.equity)[waiting]

    def end(self) -> Sequence[Finding]:
        """One finding: what waiting cost in all."""
        total = int(np.maximum(self._debt, 0).sum())
        overdue = int(self._is_overdue.sum())
        if total or overdue:
            limit_s = self.truth.venue.declared.missed_after_ms // 1000
            late = f"{count(overdue, 'account')} stayed under margin for longer than {limit_s} s; " if overdue else ""
            cost = f"waiting, allowed or not, cost {total // 1_000_000:,} USD of bad debt"
            self.find(self._checked_ms, late + cost, amount_quantums=total)
        return self._findings
