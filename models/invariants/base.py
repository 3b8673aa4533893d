"""What laws of a venue share: the truth at hand, and a cap on findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drydock.harness.event import Identity
from drydock.harness.law import Always
from drydock.harness.port import Case
from drydock.models.model import model_of

if TYPE_CHECKING:
    from drydock.models.truth import Truth

FINDINGS_MAX = 20
"""A law that fails for each of a thousand accounts keeps the first findings; its checks go on being counted."""


class VenueLaw(Always):
    """An *always* law of a venue, with the truth at hand."""

    truth: Truth

    def begin(self, truth: Any) -> None:
        """Takes the shadow truth."""
        self.truth = truth

    def find(
        self, at_ms: int, detail: str, *events: Identity, amount_quantums: int = 0, role: str | None = None
    ) -> None:
        """Keeps a finding, up to the cap; beyond it the first of every further role."""
        struck = self.role if role is None else role
        if len(self._findings) < FINDINGS_MAX or all(found.role != struck for found in self._findings):
            super().find(at_ms, detail, *events, amount_quantums=amount_quantums, role=struck)

    def who(self, account: int) -> str:
        """What an account is, as a finding's role: ``person``, ``maker``, ``vault`` ..."""
        return self.truth.population.role_of(account)

    def name(self, market: int) -> str:
        """The market's name, for a reader."""
        return self.truth.markets.names[market]


class BookLaw(VenueLaw):
    """A law about orders. Of a venue without an order book it says nothing, and is not in question there."""

    def applicable(self, case: Case) -> bool:
        """Where there is an order book."""
        return model_of(case.scenario).venue.order_book is not None
