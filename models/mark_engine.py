"""The mark of a venue with a book: outside prices and the tops of its own books in, a mark and its reasons out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from drydock.models.order_events import MarkSampled
from drydock.models.perp.basis import (
    PPB_PER_PPM,
    Averages,
    BookAverages,
    MarkMethod,
    TopOfBook,
    mark_of_basis,
    ppm_of_ppb,
)
from drydock.models.perp.units import least

if TYPE_CHECKING:
    from drydock.models.venue import OrderBookSpec, Venue
    from drydock.models.world import VenueWorld

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]


def mark_method(venue: Venue, spec: OrderBookSpec, ewma_ppm: Ints) -> MarkMethod:
    """The venue's documented method: the medians, or with G13 on the external weighting."""
    external = venue.safeguards.external_mark
    method = MarkMethod(ewma_ppm, two_votes=spec.two_votes, empty_side=spec.empty_side, tick_ms=venue.oracle.mark_ms)
    if external is None:
        return method
    return replace(method, ramp_ms=external.ramp_ms, spread_ppm_max=external.spread_ppm_max)


class MarkEngine:
    """Samples the books once a tick; its averages live in the market data process."""

    def __init__(self, world: VenueWorld, spec: OrderBookSpec) -> None:
        self._world = world
        self._spec = spec
        method = mark_method(world.venue, spec, world.markets.ewma_ppm)
        cold, markets = Averages.cold(len(world.markets)), len(world.markets)
        # the book has been liquid since long when the night begins
        self._averages = BookAverages(method, cold._replace(liquid_ms=np.full(markets, method.ramp_ms or 0)))
        self._basis_ppb = np.zeros(markets, np.int64)
        self._is_known = np.zeros(markets, np.bool_)

    def forget(self) -> None:
        """The process ends: which averages outlive it is a parameter; with all of them the last trades are lost."""
        self._averages.forget(self._spec.cold_start)
        self._is_known[:] = False
        if self._spec.cold_start == "forget":
            self._world.matching.last[:] = 0

    def tick(self, spot: Ints, rate_ppm: Ints, rate_known: Mask | None, fair: Ints) -> tuple[Ints, Ints] | None:
        """(mark in price quantums, basis in ppm) of every market; None while a market has had no vote at all.

        Where all votes have gone silent the last basis is held. ``OverflowError``, with nothing sampled, where a spot
        price is none that a basis can be measured from.
        """
        world = self._world
        if least(spot) <= 0:
            raise OverflowError(f"a basis is a share of the spot price, and one is {least(spot)}")
        tops = world.matching.tops()
        is_sampled = world.matching.is_open or self._spec.sample_closed
        if is_sampled:
            price = np.stack((tops.bid, tops.ask, tops.last))
            self._averages.sample(TopOfBook(price, price > 0), spot)
        basis, known = self._averages.fair_basis(rate_ppm * PPB_PER_PPM, rate_known)
        self._basis_ppb = basis = np.where(known, basis, self._basis_ppb)
        self._is_known |= known
        if not self._is_known.all():
            return None
        mark = mark_of_basis(spot, basis)
        world.sim.emit(MarkSampled(*tops, fair, mark, int(is_sampled)))
        return mark, ppm_of_ppb(basis)
