"""Medians of what sources say, and the mark price built on them.

Source: Paradex documentation, "Mark price calculation" (commit 132b388d): Mark = Spot * (1 + FairBasis), FairBasis a
median that holds the median of the external venues' rates. Here the external median alone is the basis.
"""

from __future__ import annotations

import numpy as np

from drydock.models.perp.units import PPM, Bools, Int64s


def median_of_votes(votes: Int64s, present: Bools | None = None) -> tuple[Int64s, Bools]:
    """(median, known) per market of ``votes[sources, markets]``, of which only those ``present`` count.

    Of an even number it is the mean of the middle two, rounded down. No source documents what happens with two votes;
    lower or upper median are as likely, and the second wave is sensitive to it: an assumption, stated here once.
    Where nobody voted ``known`` is False and the number means nothing: absent is not zero.
    """
    if present is None or present.all():
        return median_of_all(votes), np.ones(votes.shape[1:], dtype=np.bool_)
    ranked = np.sort(np.where(present, votes, np.iinfo(np.int64).max), axis=0)
    counts = present.sum(axis=0)
    known: Bools = counts > 0
    counts = np.maximum(counts, 1)
    low = np.take_along_axis(ranked, (counts - 1)[None] // 2, axis=0)[0]
    high = np.take_along_axis(ranked, counts[None] // 2, axis=0)[0]
    return np.where(known, (low + high) >> 1, 0), known


def median_of_all(votes: Int64s) -> Int64s:
    """:func:`median_of_votes` where all are present. Up to three votes, the usual case, need no sorting."""
    count = len(votes)
    if count == 1:
        only: Int64s = votes[0].copy()
        return only
    low, high = votes[0], votes[1]
    if count == 3:
        low, high = np.minimum(low, high), np.maximum(low, high)
        middle: Int64s = np.maximum(low, np.minimum(high, votes[2]))
        return middle
    if count > 3:
        ranked = np.sort(votes, axis=0)
        low, high = ranked[(count - 1) // 2], ranked[count // 2]
    mean: Int64s = (low + high) >> 1
    return mean


def mark_price(spot_quantums: Int64s, basis_ppm: Int64s) -> Int64s:
    """Mark = Spot * (1 + FairBasis), in price quantums, rounded down."""
    return spot_quantums + spot_quantums * basis_ppm // PPM


def mark_from_votes(
    spot_quantums: Int64s, rates_ppm: Int64s, present: Bools | None, held_basis_ppm: Int64s
) -> tuple[Int64s, Int64s]:
    """(mark, basis): the basis is the median of the external rates ``[venues, markets]``, the held one where none came.

    Holding the last basis of a market whose venues are all silent is an assumption: no source documents it.
    """
    median, known = median_of_votes(rates_ppm, present)
    basis = np.where(known, median, held_basis_ppm)
    return mark_price(spot_quantums, basis), basis
