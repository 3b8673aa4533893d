"""Kind ``access``, of orders that were sent: those that the venue refused by a fault of its own.

``closed``  the door was shut while it was to be open: possible again when the mode is OK, and gateway and liquidator
            are ready
``stale``   the venue's own price was too old: when it next takes an order of anybody in this market, in OK
``resync``  a fill of the account was refused on the chain: when its RESYNC ends

Margin, band, post-only and an empty book are no fault of access: nothing counts for them. Of an order that a false
trigger sent nobody was deprived: the trigger is the harm (``harm/fills.py``). Intents that a closure blocked are no
events of their own and are counted in ``harm/blocked.py``; what ends at the same time is one outage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from drydock.harness.event import Event, Identity
from drydock.models.harm.blocked import Access, Wishes
from drydock.models.order_events import REJECTED_CLOSED, REJECTED_RESYNC, REJECTED_STALE

if TYPE_CHECKING:
    from drydock.models.events import Fill, ModeChanged, ServiceState
    from drydock.models.harm.fills import FalseTriggers
    from drydock.models.order_events import IntentRejected, OrderPlaced, ResyncEnded

OF_VENUE = frozenset((REJECTED_CLOSED, REJECTED_STALE, REJECTED_RESYNC))
DOORS = frozenset(("gateway", "liquidator"))
"""Services without which no order of a person is taken."""


class Refusal(NamedTuple):
    """An order that waits for the day on which it would be taken."""

    account: int
    market: int
    size: int
    wanted_ms: int
    reason: int
    identity: Identity


class RefusedOrders:
    """Remembers what was refused until it would be taken, and has it charged then."""

    def __init__(self, access: Access, triggers: FalseTriggers) -> None:
        self._access = access
        self._triggers = triggers
        self._waiting: list[Refusal] = []
        self._down: set[str] = set()
        self._is_ok = True

    def on_rejected(self, event: Event) -> None:
        """An order was not accepted."""
        data: IntentRejected = event.data
        if data.reason not in OF_VENUE or not data.size_quantums or not self._access.counts(data.taker, event.at_ms):
            return
        if not self._triggers.is_firing(data.taker, data.market):
            what = data.taker, data.market, data.size_quantums, event.at_ms
            self._waiting.append(Refusal(*what, data.reason, event.identity))

    # ---- what makes it possible again ------------------------------------------------------------------------------
    def on_mode(self, event: Event) -> None:
        """The venue is in another mode."""
        data: ModeChanged = event.data
        self._is_ok = data.mode == "ok"
        self._look_at_doors(event.at_ms)

    def on_service(self, event: Event) -> None:
        """A service is in another state."""
        data: ServiceState = event.data
        if data.service in DOORS:
            (self._down.discard if data.state == "ready" else self._down.add)(data.service)
            self._look_at_doors(event.at_ms)

    def _look_at_doors(self, at_ms: int) -> None:
        if self._is_ok and not self._down:
            self._end(at_ms, lambda refusal: refusal.reason == REJECTED_CLOSED)

    def on_taken(self, event: Event) -> None:
        """An order of anybody traded or rests: the venue trusts its price of this market."""
        if self._waiting and self._is_ok:
            data: Fill | OrderPlaced = event.data
            self._end(event.at_ms, lambda refusal: (refusal.reason, refusal.market) == (REJECTED_STALE, data.market))

    def on_resynced(self, event: Event) -> None:
        """An account is open again."""
        data: ResyncEnded = event.data
        self._end(event.at_ms, lambda refusal: (refusal.reason, refusal.account) == (REJECTED_RESYNC, data.account))

    def _end(self, at_ms: int, is_over: Callable[[Refusal], bool]) -> None:
        over = [refusal for refusal in self._waiting if is_over(refusal)]
        if over:
            self._waiting = [refusal for refusal in self._waiting if not is_over(refusal)]
            columns = (np.array(column, np.int64) for column in list(zip(*over, strict=True))[:4])
            self._access.charge(at_ms, Wishes(*columns), [refusal.identity for refusal in over])
