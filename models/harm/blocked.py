"""Kind ``access``: people who wanted to trade and could not.

``H_access`` of one person and one outage is ``max over his wishes of (P_first_possible - P_wish) * side * q``, where
that is against him: the true marks of the time at which he wanted to, and of the first at which he could. The greatest
counts and not the sum: an order that cannot be sent is sent again, and is still one wish. Planned downtime was
announced, so only wishes outside the announced window count. A venue that never takes the order again leaves no price
to compare with.

A wish is an intent that was never sent, because the status page said closed (``BlockedIntents``), or an order that was
sent and refused (``harm/refused.py``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event, Identity

if TYPE_CHECKING:
    from drydock.models.events import IntentsBlocked
    from drydock.models.harm.lines import Lines
    from drydock.models.truth import Truth

Ints = NDArray[np.int64]


class Wishes(NamedTuple):
    """What people wanted, row by row: whose, where, how much (signed), and when."""

    accounts: Ints
    markets: Ints
    sizes: Ints
    wanted_ms: Ints


class Access:
    """Charges every person the greatest of his wishes that end at one time."""

    def __init__(self, truth: Truth, lines: Lines, first_person: int) -> None:
        self._truth = truth
        self._lines = lines
        self._first_person = first_person
        self._window_ms = (truth.runbook.before_ms, truth.runbook.before_ms + truth.runbook.window_ms)
        self._charged: dict[int, int] = {}
        self._charged_ms = -1

    def counts(self, account: int, wanted_ms: int) -> bool:
        """Whether a wish of this account at this time may be harm: a person's, outside the announced window."""
        since_ms, until_ms = self._window_ms
        return account >= self._first_person and not since_ms <= wanted_ms <= until_ms

    def charge(self, at_ms: int, wishes: Wishes, evidence: Sequence[Identity]) -> None:
        """These wishes are possible again at ``at_ms``; ``evidence`` names the event of each."""
        if at_ms != self._charged_ms:
            self._charged_ms, self._charged = at_ms, {}
        wanted = self._truth.outside.mark_each(wishes.wanted_ms, wishes.markets)
        lost = wishes.sizes * (self._truth.mark(at_ms)[wishes.markets] - wanted)
        for row in np.argsort(-lost, kind="stable").tolist():
            account, amount = int(wishes.accounts[row]), int(lost[row])
            if amount > (before := self._charged.get(account, 0)):  # of one outage only the greatest
                self._lines.add(account, "access", amount - before, evidence[row])
                self._charged[account] = amount


class BlockedIntents:
    """Intents that were never sent; they are known when the closure is over."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def on_blocked(self, event: Event) -> None:
        """The venue is open again."""
        data: IntentsBlocked = event.data
        wishes = Wishes(data.accounts, data.markets, data.sizes, data.wanted_ms)
        people = zip(data.accounts.tolist(), data.wanted_ms.tolist(), strict=True)
        rows = [row for row, wish in enumerate(people) if self._access.counts(*wish)]
        if rows:
            counted = Wishes(*(column[rows] for column in wishes))
            self._access.charge(event.at_ms, counted, [event.identity] * len(rows))
