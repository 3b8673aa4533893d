"""The ledger of L1: deposits and payouts, which no rollback of the chain undoes."""

from __future__ import annotations


class L1Ledger:
    """Deposits (positive) and payouts (negative) as L1 saw them, in order. Nothing ever leaves this list."""

    def __init__(self) -> None:
        self.transfers: list[tuple[int, int, int]] = []

    def add(self, confirmed_ms: int, account: int, amount: int) -> None:
        """A transfer that the chain may credit (or must debit) from ``confirmed_ms`` on."""
        self.transfers.append((confirmed_ms, account, amount))

    def payouts_from(self, cursor: int) -> dict[int, int]:
        """What is paid out on L1 and not yet debited on the chain, by account (1e-6 USD, positive)."""
        waiting: dict[int, int] = {}
        for _, account, amount in self.transfers[cursor:]:
            if amount < 0:
                waiting[account] = waiting.get(account, 0) - amount
        return waiting

    def total(self, until: int | None = None) -> int:
        """Sum of the first ``until`` transfers (all if None), in 1e-6 USD."""
        return sum(amount for _, _, amount in self.transfers[:until])
