"""Read models: the portfolio and the vault page, which follow the chain at a distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drydock.harness.seam import Passage
from drydock.models.accounts import VAULT
from drydock.models.beat import Beat
from drydock.models.events import FrontShown, PageRefreshed
from drydock.models.seams import new_seam
from drydock.models.service import RAISE_RESTART_MS, Service

if TYPE_CHECKING:
    from drydock.models.world import VenueWorld


class Page(Service):
    """A page that shows the state of a height, refreshed at an even pace from the chain or from a stale copy of it."""

    boot_steps = ("process_up",)

    def __init__(self, world: VenueWorld, name: str) -> None:
        self.name = name
        super().__init__(world)
        self._seam = new_seam(world.seams, f"{name}.read")
        self._beat = Beat(self, "refresh", self.lane, self._refresh, world.venue.read_models.refresh_ms)
        self.height = 0
        self.sequence = 0

    def on_ready(self) -> None:
        """Refreshes at once and then with every period."""
        self._beat.begin_now()

    def drop(self, height: int) -> None:
        """A rollback to ``height``: what the page shows is thrown away and read anew.

        A page that knows only newer heights keeps what it shows until the chain has passed it.
        """
        if self.world.venue.read_models.after_rollback == "newest_height":
            return
        if self.is_running:
            self._show(0)
        else:
            self.height = self.world.chain.height

    def _refresh(self, at_ms: int) -> None:
        if not self._seam.bends:
            self._show(0)
            return
        passage = self._seam.through(Passage(1, "refresh"))
        for late_ms, _ in passage.groups():
            arg = (self.epoch, int(passage.stale_ms[0]))
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
        if height < self.height and self.world.venue.read_models.after_rollback == "newest_height":
            return
        self.height, self.sequence = height, sequence
        self.sim.emit(PageRefreshed(self.name, height, sequence, total), self.lane)


class FrontPage(Service):
    """The front page: the last prices that it has heard, and what it shows before it has heard any.

    The display is apart from the prices that risk is assessed on; on 19 January it showed $0 for BTC [P].
    """

    name = "front_page"
    boot_steps = ("process_up",)

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._seam = new_seam(world.seams, "front_page.read")
        self._has_prices = True

    def forget(self) -> None:
        """What it heard was memory."""
        self._has_prices = False

    def on_ready(self) -> None:
        """Looks for prices until it has them; before the night it has had them since long."""
        if not self._has_prices:
            self._show(self.epoch)

    def _show(self, epoch: int) -> None:
        if not self.is_current(epoch):
            return
        passage = self._seam.through(Passage(1, "prices")) if self._seam else None
        late_ms = 0 if passage is None else int(passage.delay_ms[0])
        last = self.world.market_data.last
        self._has_prices = last is not None and last.made_ms.min() <= self.sim.now_ms - late_ms
        if self._has_prices:
            self.sim.emit(FrontShown(0), self.lane)
        else:
            self._show_defaults()
            self.sim.call_in(self.world.venue.oracle.tick_ms, self._show, epoch, self.lane, "refresh")

    def _show_defaults(self) -> None:
        documented = "default_zero" if self.world.venue.read_models.before_load == "default_zero" else "skip"
        does = self.policy("on_missing", documented)
        if does == "raise":
            self.crash(RAISE_RESTART_MS)
        else:
            self.sim.emit(FrontShown(len(self.world.markets) if does == "default_zero" else 0), self.lane)


def totals(quote: object) -> tuple[int, int]:
    """(people's, vault's) quote balances in 1e-6 USD: what the two pages show."""
    vault = int(quote[VAULT])  # type: ignore[index]
    return int(quote.sum()) - vault, vault  # type: ignore[attr-defined]
