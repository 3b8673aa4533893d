"""M6: a rollback happens where the runbook has one, goes to the newest snapshot, and leaves nothing behind."""

from __future__ import annotations

from typing import Any

import numpy as np

from drydock.harness.event import Event
from drydock.harness.units import format_usd
from drydock.models.events import (
    BlockSealed,
    IncidentDeclared,
    L1Reconciled,
    RollbackDone,
    SnapshotTaken,
    WindowClosed,
)
from drydock.models.invariants.base import VenueLaw
from drydock.models.order_events import OrderPlaced, OrdersKept


class RollbackClosure(VenueLaw):
    """M6: after a rollback to H no store refers to a height above H; sequence numbers go on; L1 is reconciled.

    The order store goes back with the positions that its orders belong to; numbers of orders are not used twice. H is
    the height of the newest snapshot, and a branch of the runbook that has a rollback and is played to its end rolls
    back: the runbook is judged as it is declared, whatever hands made of it.
    """

    id, law_class = "M6", "safety"
    sentence = (
        "a rollback that the runbook asks for happens, reaches the newest snapshot in every store, repeats no sequence "
        "number, and owes nobody an L1 transfer"
    )
    source = "Starknet nodes and Paradex pages after rollbacks, January 2026 [P]"
    hears = (
        RollbackDone, BlockSealed, L1Reconciled, OrdersKept, OrderPlaced, SnapshotTaken, IncidentDeclared, WindowClosed,
    )  # fmt: skip

    def begin(self, truth: Any) -> None:
        """No block yet, no order."""
        super().begin(truth)
        self._sequence = 0
        self._order = 0
        self._snapshot: OrdersKept | None = None
        self._restored: OrdersKept | None = None
        self._newest: SnapshotTaken | None = None
        self._branch = truth.runbook.steps
        self._is_done = False

    def observe(self, event: Event) -> None:
        """Judges stores, roots, sequence numbers and the L1 ledger."""
        data = event.data
        if isinstance(data, BlockSealed):
            self._checks += 1
            if data.sequence <= self._sequence:
                told = f"block sequence {data.sequence} follows {self._sequence}"
                self.find(event.at_ms, told, event.identity, role="block")
            self._sequence = data.sequence
        elif isinstance(data, OrderPlaced):
            self.check(event, data.order > self._order, f"order {data.order} follows order {self._order}", role="order")
            self._order = data.order
        elif isinstance(data, OrdersKept):
            self._keep(data)
        elif isinstance(data, RollbackDone):
            self._is_done = True
            self._judge_stores(event, data)
        elif isinstance(data, L1Reconciled):
            self._judge_l1(event, data)
        else:
            self._follow(event, data)

    def _follow(self, event: Event, data: Any) -> None:
        """Which snapshot is the newest, which branch is played, and whether it is through."""
        if isinstance(data, SnapshotTaken):
            self._newest = data
        elif isinstance(data, IncidentDeclared):
            incident = self.truth.runbook.on_incident
            self._branch, self._is_done = () if incident is None else incident.steps, False
        elif any(spec.step == "rollback" for spec in self._branch):
            told = "the runbook is through and its rollback never happened"
            self.check(event, self._is_done, told, role="rollback")

    def _judge_l1(self, event: Event, data: L1Reconciled) -> None:
        owed = data.ledger_quantums - data.credited_quantums - data.waiting_quantums
        told = f"the chain's accounts and the L1 ledger differ by {format_usd(owed)} USD"
        self.check(event, owed == 0, told, role="ledger")

    def _judge_stores(self, event: Event, data: RollbackDone) -> None:
        newest = data.height if self._newest is None else self._newest.height
        told = f"the rollback goes to block {data.height}, and the newest snapshot is of block {newest}"
        self.check(event, data.height == newest, told, role="snapshot")
        same = (data.root_high, data.root_low) == (data.snapshot_high, data.snapshot_low)
        told = f"after the rollback to {data.height} the state root is not the snapshot's"
        self.check(event, same, told, role="state root")
        for store in ("chain", "cloud", "database", "pages", "orders"):
            height = getattr(data, f"{store}_height")
            told = f"after the rollback to {data.height} {store} refers to {height}"
            self.check(event, height <= data.height, told, role=store)
        self.check(event, data.sequence >= self._sequence, f"the sequence went back to {data.sequence}", role="block")
        if self._snapshot is not None:
            told = "after the rollback the orders are not those that belong to the restored positions"
            self.check(event, _is_same_store(self._snapshot, self._restored), told, role="orders")
            self._restored = None

    def _keep(self, data: OrdersKept) -> None:
        if data.moment == "snapshot":
            self._snapshot = data
        elif data.moment == "rollback":
            self._restored = data


def _is_same_store(snapshot: OrdersKept, restored: OrdersKept | None) -> bool:
    """Whether the order store is back at its snapshot, as far as it tells; a store that says nothing is not."""
    if restored is None:
        return False
    same_triggers = np.array_equal(snapshot.triggers, restored.triggers)
    return same_triggers and (snapshot.resting, snapshot.height) == (restored.resting, restored.height)
