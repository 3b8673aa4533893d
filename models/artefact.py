"""The market parameters: one artefact, generated outside of the services, that they read when they boot.

On 18 November 2025 a query began to return duplicate rows, a generated file doubled, and the processes that loaded it
died of their own limit of 200 entries, everywhere at once ([S] Cloudflare, incident of 18 November 2025).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drydock.harness.seam import Mask, Passage
from drydock.models.operation_events import ArtefactRefused
from drydock.models.seams import new_seam

if TYPE_CHECKING:
    from drydock.models.service import Service
    from drydock.models.world import VenueWorld

READERS = ("market_data", "funding", "liquidator")
"""Services that need the terms of a market to do anything with it."""


class TooManyEntries(Exception):
    """The artefact has more entries than the process can hold, and the process does not handle that."""


class Artefact:
    """What is read at boot: an entry a market, in the order of the markets."""

    def __init__(self, world: VenueWorld) -> None:
        self._world = world
        self._seam = new_seam(world.seams, "artefact.read")

    def read(self, service: Service) -> Mask | None:
        """The markets that the service knows of from now on; None for all of them.

        With too many entries the venue's policy decides: ``raise`` (:exc:`TooManyEntries`), ``skip`` what does not fit,
        or ``keep_last``: stay with the artefact of before.
        """
        spec = self._world.venue.artefact
        if spec is None or service.name not in READERS:
            return None
        listed = np.ones(len(self._world.markets), np.int64)
        if self._seam:
            passage = self._seam.through(Passage(len(listed), service.name, value=listed))
            assert passage.value is not None
            listed = passage.value
        entries, entries_max = int(listed.sum()), spec.entries_max(service.name)
        if entries <= entries_max:
            return None
        does = service.policy("on_excess", spec.on_excess)
        service.sim.emit(ArtefactRefused(service.name, entries, entries_max, does), service.lane)
        if does == "raise":
            raise TooManyEntries(f"{entries} entries, at most {entries_max}")
        fits: Mask = np.cumsum(listed) - listed < entries_max
        return fits if does == "skip" else None
