"""Kind ``access``: people who wanted to trade and could not.

``H_access`` of one person and one closure is ``max over blocked intents of (P_first_possible - P_intent) * side * q``,
where that is against him: the true marks of the time at which he wanted to, and of the reopening. The greatest counts
and not the sum: an order that cannot be sent is sent again, and is still one wish. Planned downtime was announced, so
only intents after the announced end of the window count. A venue that never reopens leaves no price to compare with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.event import Event

if TYPE_CHECKING:
    from drydock.models.events import IntentsBlocked
    from drydock.models.harm.lines import Lines
    from drydock.models.truth import Truth


class BlockedIntents:
    """Prices the intents of a closure when it is over."""

    def __init__(self, truth: Truth, lines: Lines, first_person: int) -> None:
        self._truth = truth
        self._lines = lines
        self._first_person = first_person
        self._announced_ms = truth.runbook.before_ms + truth.runbook.window_ms

    def on_blocked(self, event: Event) -> None:
        """One line a person."""
        data: IntentsBlocked = event.data
        counts = (data.wanted_ms > self._announced_ms) & (data.accounts >= self._first_person)
        accounts, markets, sizes, wanted_ms = (
            column[counts] for column in (data.accounts, data.markets, data.sizes, data.wanted_ms)
        )
        if not len(accounts):
            return
        wanted = self._truth.outside.mark_each(wanted_ms, markets)
        lost = sizes * (self._truth.mark(event.at_ms)[markets] - wanted)
        order = np.lexsort((lost, accounts))
        is_greatest = np.append(accounts[order][1:] != accounts[order][:-1], [True])
        chosen = order[is_greatest]
        for account, amount in zip(accounts[chosen].tolist(), lost[chosen].tolist(), strict=True):
            self._lines.add(account, "access", amount, event.identity)
