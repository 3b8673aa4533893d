"""The lines of the ledger: how much harm of which kind was done to whom, on what evidence, and what came back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Identity
from drydock.harness.port import Entry

Ints = NDArray[np.int64]
HARM_KINDS = ("liquidation", "trigger", "funding", "execution", "access", "rollback", "bad_debt", "leak")
UNDONE_BY_ROLLBACK = frozenset(("liquidation", "trigger", "funding", "execution"))
"""A rollback gives positions and balances back. It gives back no time, and nothing that left for L1."""
OF_TRADES = frozenset(("liquidation", "trigger"))
"""Kinds whose price differences go both ways: a gain is set off against the account's harm in the end."""
OF_EQUITY = ("funding", "trigger", "liquidation")
"""Kinds that together take no more from a person than he had; what is too much leaves the first of them first."""


class Line:
    """One account, one kind: what was done in all, and how much of it a rollback (or a bust) gave back (1e-6 USD)."""

    __slots__ = ("amount", "events", "restored")

    def __init__(self) -> None:
        self.amount = 0
        self.restored = 0
        self.events: dict[Identity, None] = {}

    @property
    def net(self) -> int:
        """What is still missing."""
        return self.amount - self.restored


class Lines:
    """All lines by (account, kind), and what of them is newer than the snapshot."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], Line] = {}
        self._since: dict[tuple[int, str], int] = {}
        self._windfall: dict[int, int] = {}
        self._windfall_since: dict[int, int] = {}

    def add(self, account: int, kind: str, amount: int, *evidence: Identity) -> None:
        """Charges ``amount``. A gain (negative) is no line; one of a trade is kept, to be set off in the end."""
        if amount < 0 and kind in OF_TRADES:
            self._windfall[account] = self._windfall.get(account, 0) - amount
            self._windfall_since[account] = self._windfall_since.get(account, 0) - amount
        if amount <= 0:
            return
        line = self._lines.setdefault((account, kind), Line())
        line.amount += amount
        line.events.update(dict.fromkeys(evidence))
        if kind in UNDONE_BY_ROLLBACK:
            self._since[(account, kind)] = self._since.get((account, kind), 0) + amount

    def give_back(self, account: int, kind: str, amount: int) -> None:
        """A charge was undone."""
        self._lines[(account, kind)].restored += amount
        if (account, kind) in self._since:
            self._since[(account, kind)] -= amount

    # ---- snapshot and rollback ---------------------------------------------------------------------------------
    def on_snapshot(self) -> None:
        """What was charged so far no rollback undoes."""
        self._since.clear()
        self._windfall_since.clear()

    def on_rollback(self) -> None:
        """What was charged since the snapshot is restored, and what was gained since is gone."""
        for key, amount in self._since.items():
            self._lines[key].restored += amount
        for account, amount in self._windfall_since.items():
            self._windfall[account] -= amount
        self.on_snapshot()

    def wronged_since(self) -> set[int]:
        """Accounts from which something was wrongly taken since the snapshot."""
        return {account for (account, _), amount in self._since.items() if amount}

    # ---- what it comes to --------------------------------------------------------------------------------------
    def net(self, account: int, kind: str) -> int:
        """What one account misses of one kind (1e-6 USD)."""
        line = self._lines.get((account, kind))
        return 0 if line is None else line.net

    def entries(self, equity: Ints) -> Iterator[Entry]:
        """A line each, capped by what its account had: ``equity`` is the true one at the end, by account."""
        too_much = {account: self._too_much(account, int(equity[account])) for account, _ in self._lines}
        for kind in (*OF_EQUITY, *(kind for kind in HARM_KINDS if kind not in OF_EQUITY)):
            for account, line in ((key[0], line) for key, line in self._lines.items() if key[1] == kind):
                cut = min(too_much[account], line.net) if kind in OF_EQUITY else 0
                too_much[account] -= cut
                if line.amount > cut:
                    yield Entry(account, kind, line.amount - cut, tuple(line.events), line.restored)

    def _too_much(self, account: int, after: int) -> int:
        """By how much the lines exceed ``max(0, max(AV_B, 0) - max(AV_A, 0))``.

        AV_B is what the account would be worth without what was wrongly done to it: ``after``, its worth in the shadow
        book, with the harm of its trades back and the windfall gone. AV_A is ``after`` less the funding that was taken
        too much, of which the shadow book knows nothing. What lies below zero is somebody else's loss.
        """
        funding, trades = self.net(account, "funding"), sum(self.net(account, kind) for kind in OF_TRADES)
        before = after + trades - self._windfall.get(account, 0)
        return funding + trades - max(0, max(before, 0) - max(after - funding, 0))
