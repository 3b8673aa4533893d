"""Wrong builds for M7 and O1 to O3, and their controls."""

from __future__ import annotations

from typing import Any, cast

from drydock.harness.port import Canary
from drydock.models.accounts import VAULT
from drydock.models.chain import Chain, FillTx
from drydock.models.cloud import Cloud
from drydock.models.invariants.canaries.build import WITH_BOOK, on_bench, venue_with
from drydock.models.invariants.canaries.maintenance import ROLLBACK
from drydock.models.makers import Makers
from drydock.models.matching import Matching
from drydock.models.triggers import Triggers
from drydock.models.venue import OrderKind
from drydock.models.world import VenueWorld

ROLLBACK_OF_ORDERS = (*ROLLBACK, WITH_BOOK, "runbook.steps.7={step: cancel_orders, keep: [take_profit, stop_loss]}")
"""The rollback of M6's canary on a venue with a book, and then all orders but triggers are cancelled."""

LONG_POST_ONLY = ("runbook.steps.8.duration_ms=30s", WITH_BOOK, "venue.declared.post_only_band_ppm=5bps")
"""POST_ONLY lasts until every maker is back and marks have been made of his quotes; he quotes 3, 12 and 30 bps off."""

EAGER_MAKERS = (WITH_BOOK, "population.traders.maker_requote_ppm=0")
"""A maker quotes anew whenever the outside price has moved at all."""

STRICTER = 30
"""Times the margin: who is levered more than threefold is bust."""


class CancelsTriggersToo(Triggers):
    """What is to be kept is read from a field of another name: nothing is."""

    def cancel(self, keep: tuple[OrderKind, ...]) -> int:
        """Cancels all of them."""
        return super().cancel(())


class MakersWhoStay(Makers):
    """Clients that do not read the status page: they go on sending quotes, whatever the mode."""

    def _leave(self) -> None:
        pass


class _UpOrDown:
    """A venue as somebody sees it who knows two modes only."""

    def __init__(self, world: VenueWorld) -> None:
        self._whole = world

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    @property
    def mode(self) -> str:
        """In CANCEL_ONLY it is up."""
        return "maintenance" if self._whole.mode == "maintenance" else "ok"


class AcceptsWhileUp(Matching):
    """The books ask whether the venue is up, not which mode it is in."""

    def __init__(self, world: VenueWorld) -> None:
        super().__init__(world)
        self._world = cast(VenueWorld, _UpOrDown(world))


class VenueOfStayers(VenueWorld):
    """The bench venue with such clients."""

    def _build_parts(self) -> None:
        super()._build_parts()
        assert self.desk is not None
        self.desk.makers = MakersWhoStay(self)


class OpenToStayers(VenueOfStayers):
    """And with those books."""

    def make_matching(self) -> Matching:
        """The wrong one."""
        return AcceptsWhileUp(self)


class StrictChain(Chain):
    """A chain that holds its own, stricter table of margins against the fills of the cloud, and busts many."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self._mmr_list = [STRICTER * mmr_ppm for mmr_ppm in self._mmr_list]

    def _suspects(self, fills: list[FillTx]) -> set[int]:
        """Everybody whose position grew: the slack that is known belongs to the other table."""
        return {self.layout.account_of[fill.taker_slot] for fill in fills if self._increased(fill)} - {VAULT}


class KeepsWhatWasBust(Cloud):
    """A bust reaches the cloud and changes nothing there."""

    def on_bust(self, fill: FillTx) -> None:
        """Ignores it."""


CANARIES = (
    Canary(
        "M7",
        "the step that cancels orders cancels the triggers that it should keep",
        on_bench(*ROLLBACK_OF_ORDERS),
        on_bench(*ROLLBACK_OF_ORDERS),
        venue_with(triggers=CancelsTriggersToo),
    ),
    Canary(
        "O1",
        "a band for POST_ONLY is declared, and nothing enforces it",
        on_bench(*LONG_POST_ONLY),
        on_bench(*LONG_POST_ONLY, "venue.safeguards.post_only_band_ppm=5bps"),
    ),
    Canary(
        "O2",
        "clients go on sending quotes, and the books take them whenever the venue is up",
        on_bench(*EAGER_MAKERS),
        on_bench(*EAGER_MAKERS),
        OpenToStayers,
        VenueOfStayers,
    ),
    Canary(
        "O3",
        "the chain busts fills, and the cloud does not take them back",
        on_bench(WITH_BOOK),
        on_bench(WITH_BOOK),
        venue_with(chain=StrictChain, cloud=KeepsWhatWasBust),
        venue_with(chain=StrictChain),
    ),
)
