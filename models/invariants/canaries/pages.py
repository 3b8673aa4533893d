"""Wrong builds for V1 and V2, and their controls."""

from __future__ import annotations

from drydock.harness.port import Canary
from drydock.models.invariants.canaries.build import on_bench
from drydock.models.world import VenueWorld


class PagesReadTheBackup(VenueWorld):
    """The read models were pointed at a backup of the night's start and left there."""

    def history_at(self, at_ms: int) -> tuple[int, int, int, int, int]:
        """The state of the backup."""
        return self._history[0]


CANARIES = (
    Canary("V1", "pages go on reading a backup", on_bench(), on_bench(), PagesReadTheBackup),
    Canary(
        "V2",
        "the front page shows zero for prices that have not arrived",
        on_bench("venue.read_models.before_load=default_zero"),
        on_bench(),
    ),
)
