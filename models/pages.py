"""Read models: the portfolio and the vault page, which follow the chain at a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.harness.seam import Passage
from drydock.models.accounts import VAULT
from drydock.models.events import PageRefreshed
from drydock.models.seams import new_seam
from drydock.models.service import Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld


class Page(Service):
    """A page that shows the state of a height, refreshed at an even pace from the chain or from a stale copy of it."""

    boot_steps = ("process_up",)

    def __init__(self, world: VenueWorld, name: str) -> None:
        self.name = name
        super().__init__(world)
        self._seam = new_seam(world.seams, f"{name}.read")
        self.height = 0
        self.sequence = 0

    def on_ready(self) -> None:
        """Refreshes at once and then with every period."""
        self._refresh(self.epoch)

    def drop(self) -> None:
        """A rollback: what the page shows is thrown away and read anew."""
        if self.is_running:
            self._show(0)
        else:
            self.height = self.world.chain.height

    def _refresh(self, epoch: int) -> None:
        if not self.is_current(epoch):
            return
        self.sim.call_in(self.world.venue.read_models.refresh_ms, self._refresh, epoch, self.lane, "refresh")
        if not self._seam.bends:
            self._show(0)
            return
        passage = self._seam.through(Passage(1, "refresh"))
        for late_ms, _ in passage.groups():
            arg = (epoch, int(passage.stale_ms[0]))
            if late_ms:
                self.sim.call_in(late_ms, self._show_late, arg, self.lane, "late")
            else:
                self._show_late(arg)  # at once, as if nobody bent: its place in the instant must not change

    def _show_late(self, arg: tuple[int, int]) -> None:
        epoch, stale_ms = arg
        if self.is_current(epoch):
            self._show(stale_ms)

    def _show(self, stale_ms: int) -> None:
        at_ms, height, sequence, people, vault = self.world.history_at(self.sim.now_ms - stale_ms)
        total = vault if self.name == "vault" else people
        if sequence == self.sequence and at_ms and self.height == height:
            return
        self.height, self.sequence = height, sequence
        self.sim.emit(PageRefreshed(self.name, height, sequence, total), self.lane)


def totals(quote: object) -> tuple[int, int]:
    """(people's, vault's) quote balances in 1e-6 USD: what the two pages show."""
    vault = int(quote[VAULT])  # type: ignore[index]
    return int(quote.sum()) - vault, vault  # type: ignore[attr-defined]
