"""The mark price that listens to the venue's own book: averages of what the book says, and the votes on the fair basis.

Source: Paradex documentation, "Mark price calculation" (commit 132b388d), every 5 s, per market:

    Mark = Spot * (1 + FairBasis)
    FairBasis = median( median(BidEWMA, AskEWMA, LastTradeEWMA), MidEWMA, median(external rates) )

and its version of 2026 (commit 2e6b2f90), which calls the above LiquidBasis and publishes instead

    FairBasis = (1 - w) * ExternalMedian + w * LiquidBasis

w goes linearly towards 1 on liquid ticks (both sides there, spread at most 1 %) and towards 0 on illiquid ones, all the
way in 30 minutes. What no page says is a parameter: an empty side, the median of two votes, a first sample, a restart.

A basis is price / spot - 1 in ppb (1e-9), because a thousandth of a basis point still moves an average. All rounding is
to the nearest, halves away from zero: ``f(-x) == -f(x)``, so no average drifts. With prices and spot in [1, 2^27] price
quantums, weights in [0, 1e6] ppm, and a basis of at most 2^35 ppb (34 times the spot; above it ``OverflowError``):

    twice (price - spot) x 1e9, and its half divisor     2^28 * 2^30 + 2^27    < 2^59
    weight x (sample - average), also of the blend       2^20 * (2^35 + 2^30)  < 2^56
    spot x basis                                         2^27 * 2^35           = 2^62
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from drydock.models.perp.mark import median_of_all
from drydock.models.perp.units import PPM, Bools, Int64s

TwoVotes = Literal["mean", "lower", "upper"]
EmptySide = Literal["hold", "drop", "zero"]
FirstSample = Literal["whole", "weighted"]
ColdStart = Literal["keep", "last_trade", "forget"]

PPB = 1_000_000_000
PPB_PER_PPM = PPB // PPM
BASIS_PPB_MAX = 1 << 35
BID, ASK, LAST, MID = range(4)


# ---- exact steps ------------------------------------------------------------------------------------------------
def _nearest(numerator: Int64s, half: Int64s | int) -> Int64s:
    """numerator / (2 * half), to the nearest, halves away from zero.

    For a negative numerator one less is added before the floor: floor((n + h - 1) / 2h) == -floor((-n + h) / 2h).
    """
    return (numerator + half + (numerator >> 63)) // (half + half)


def basis_ppb(price_quantums: Int64s, spot_quantums: Int64s) -> Int64s:
    """price / spot - 1 in ppb, to the nearest. Bounds: this module's docstring; the caller checks the result's."""
    return _nearest(2 * PPB * (price_quantums - spot_quantums), spot_quantums)


def mark_of_basis(spot_quantums: Int64s, basis_ppb: Int64s) -> Int64s:
    """Spot * (1 + basis), in price quantums, to the nearest: the basis of a price gives that price back, exactly."""
    return spot_quantums + _nearest(spot_quantums * basis_ppb, PPB // 2)


def ppm_of_ppb(basis_ppb: Int64s) -> Int64s:
    """A basis in whole ppm, to the nearest, for the funding rate."""
    return _nearest(basis_ppb, PPB_PER_PPM // 2)


def towards(value: Int64s, target: Int64s, weight_ppm: Int64s | int) -> Int64s:
    """value + weight * (target - value), the step to the nearest: an average's next value, or a blend of two.

    At 1e6 ppm it is the target, at 0 the value. A step below half a ppb is none: an average stays that close, at 15 %
    within 3 ppb.
    """
    return value + _nearest((target - value) * weight_ppm, PPM // 2)


def median_by_rule(votes: Int64s, present: Bools | None, two_votes: TwoVotes) -> tuple[Int64s, Bools]:
    """(median, known) per market of ``votes[sources, markets]``, of which only those ``present`` count (None: all).

    Of an even number it is the mean of the middle two, to the nearest, or the lower, or the upper of them: [A], no
    source says which, and a mark whose external vote is missing rests on it. Where nobody voted ``known`` is False.
    """
    if present is None or present.all():
        everywhere = np.ones(votes.shape[1], np.bool_)
        if len(votes) % 2:
            return median_of_all(votes), everywhere
        present = np.broadcast_to(everywhere, votes.shape)
    ranked = np.sort(np.where(present, votes, np.iinfo(np.int64).max), axis=0)
    counts = present.sum(axis=0)
    known: Bools = counts > 0
    counts = np.maximum(counts, 1)
    low = np.where(known, np.take_along_axis(ranked, (counts - 1)[None] // 2, axis=0)[0], 0)
    high = np.where(known, np.take_along_axis(ranked, counts[None] // 2, axis=0)[0], 0)
    if two_votes == "mean":
        return _nearest(low + high, 1), known
    return (low if two_votes == "lower" else high), known


# ---- what is seen, and what is remembered ---------------------------------------------------------------------------
class TopOfBook(NamedTuple):
    """Best bid, best ask and last trade of every market: rows BID, ASK, LAST of ``[3, markets]``.

    Prices in price quantums, 0 where not ``present``.
    """

    price: Int64s
    present: Bools

    def with_side(self, side: int, price: Int64s, present: Bools) -> TopOfBook:
        """A copy with one row replaced: the book without its best order, for instance."""
        other = TopOfBook(self.price.copy(), self.present.copy())
        other.price[side] = np.where(present, price, 0)
        other.present[side] = present
        return other


class Averages(NamedTuple):
    """What is remembered from one sample to the next. Never changed in place, so whoever holds one holds a moment.

    Rows BID, ASK, LAST, MID of ``[4, markets]``: averages in ppb (0 where unknown), which are known, and which of them
    the last sample fed (LAST is no side of the book and counts as fed). ``liquid_ms``: how far w has come, per market.
    """

    basis_ppb: Int64s
    known: Bools
    fed: Bools
    liquid_ms: Int64s

    @classmethod
    def cold(cls, markets: int) -> Averages:
        """Nothing was ever seen, and w is 0."""
        rows = (4, markets)
        nothing = np.zeros(rows, np.bool_)
        return cls(np.zeros(rows, np.int64), nothing, nothing, np.zeros(markets, np.int64))

    def after_restart(self, cold_start: ColdStart) -> Averages:
        """What a restarted process still has: all averages, the one of last trades, or none. [A]

        w begins at 0 in any case [A]: in the meantime nobody has seen whether the book was liquid.
        """
        cold = Averages.cold(len(self.liquid_ms))
        if cold_start == "keep":
            return self._replace(liquid_ms=cold.liquid_ms)
        if cold_start == "forget":
            return cold
        last = (np.arange(4) == LAST)[:, None]
        return cold._replace(basis_ppb=np.where(last, self.basis_ppb, 0), known=self.known & last, fed=last | cold.fed)


# ---- the method ---------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, eq=False)
class MarkMethod:
    """How a venue makes its mark; pure functions of what they are given, over all markets at once.

    ``weights_ppm``   weight of the newest sample, per market (``Markets.ewma_ppm``: 20 % or 15 % [S]).
    ``two_votes``     the median of an even number of votes; see ``median_by_rule``. [A]
    ``empty_side``    hold: the average of a side without orders keeps its value and its vote. drop: it keeps its value
                      and has no vote until the side is back. zero: the wrong build, which reads a price of 0. [A]
    ``first_sample``  whole: it is the average. weighted: the average starts from a basis of 0. [A]
    ``ramp_ms``       None: the medians alone. Otherwise the external weighting, w going from 0 to 1 in so long.
    ``spread_ppm_max``  of mid: the widest spread of a liquid tick; ``tick_ms`` is what a tick adds to or takes from w.
    """

    weights_ppm: Int64s
    two_votes: TwoVotes = "mean"
    empty_side: EmptySide = "hold"
    first_sample: FirstSample = "whole"
    ramp_ms: int | None = None
    spread_ppm_max: int = 10_000
    tick_ms: int = 5_000

    def sampled(self, before: Averages, top: TopOfBook, spot_quantums: Int64s) -> Averages:
        """The averages after one more tick. The last trade is sampled at every tick, against the newest spot [S].

        The mid is sampled only where both sides are there. ``OverflowError`` above ``BASIS_PPB_MAX``.
        """
        liquid_ms = before.liquid_ms if self.ramp_ms is None else self._liquid_ms(before, top)
        if self.empty_side == "zero":
            top = _read_as_zero(top)
        basis = _samples_ppb(top.price, spot_quantums)
        if top.present.all() and before.known.all():
            return Averages(towards(before.basis_ppb, basis, self.weights_ppm), before.known, before.known, liquid_ms)
        there = np.empty(basis.shape, np.bool_)
        there[:MID] = top.present
        there[MID] = top.present[BID] & top.present[ASK]
        first = PPM if self.first_sample == "whole" else self.weights_ppm
        weights = np.where(there, np.where(before.known, self.weights_ppm, first), 0)
        known = before.known | there
        there[LAST] = True
        return Averages(towards(before.basis_ppb, basis, weights), known, there, liquid_ms)

    def votes(self, averages: Averages) -> tuple[Int64s, Bools]:
        """(basis in ppb, who votes) of rows BID, ASK, LAST, MID."""
        return averages.basis_ppb, averages.known & averages.fed if self.empty_side == "drop" else averages.known

    def fair_basis(
        self, averages: Averages, external_ppb: Int64s, external_known: Bools | None = None
    ) -> tuple[Int64s, Bools]:
        """(FairBasis in ppb, known); ``external_known`` None: everywhere. Where unknown the number means nothing.

        The median counts who is there: of two votes ``two_votes`` decides, a lone one is the basis, and without any the
        basis is unknown. With the external weighting it is also unknown where the external vote is missing, unless
        w = 1, where it has no weight: [A], what was meant against the own book must not fall back on it.
        """
        liquid, known = self._liquid_basis(averages, external_ppb, external_known)
        if self.ramp_ms is None:
            return liquid, known
        weight_ppm = averages.liquid_ms * PPM // self.ramp_ms
        if external_known is None:
            return towards(external_ppb, liquid, weight_ppm), known
        blend = towards(np.where(external_known, external_ppb, 0), liquid, weight_ppm)
        return blend, known & (external_known | (weight_ppm == PPM))

    def mark(
        self,
        before: Averages,
        top: TopOfBook,
        spot_quantums: Int64s,
        external_ppb: Int64s,
        external_known: Bools | None = None,
    ) -> tuple[Int64s, Bools]:
        """(mark, known) had the book looked like ``top`` at the tick after ``before``: what a law asks, order by order.

        The venue's own way, sample, vote, apply: with the top that was sampled it is the mark that was published.
        """
        basis, known = self.fair_basis(self.sampled(before, top, spot_quantums), external_ppb, external_known)
        return np.where(known, mark_of_basis(spot_quantums, basis), 0), known

    def _liquid_basis(
        self, averages: Averages, external_ppb: Int64s, external_known: Bools | None
    ) -> tuple[Int64s, Bools]:
        basis, voting = self.votes(averages)
        if external_known is None and voting.all():  # every ordinary tick
            internal = median_of_all(basis[:MID])
            return median_of_all(np.array((internal, basis[MID], external_ppb))), voting[MID]
        internal, internal_known = median_by_rule(basis[:MID], voting[:MID], self.two_votes)
        if external_known is None:
            external_known = np.ones(len(internal), np.bool_)
        present = np.array((internal_known, voting[MID], external_known))
        return median_by_rule(np.array((internal, basis[MID], external_ppb)), present, self.two_votes)

    def _liquid_ms(self, before: Averages, top: TopOfBook) -> Int64s:
        step = np.where(is_liquid(top, self.spread_ppm_max), self.tick_ms, -self.tick_ms)
        return np.minimum(np.maximum(before.liquid_ms + step, 0), self.ramp_ms or 0)


def is_liquid(top: TopOfBook, spread_ppm_max: int) -> Bools:
    """Whether both sides are there and the spread is at most this share of mid [S]. It asks neither depth nor whose."""
    bid, ask = top.price[BID], top.price[ASK]
    liquid: Bools = 2 * PPM * (ask - bid) <= spread_ppm_max * (ask + bid)
    liquid &= top.present[BID] & top.present[ASK]
    return liquid


def _read_as_zero(top: TopOfBook) -> TopOfBook:
    """A missing side as a price of 0, which then is there: a basis of -100 %, and half of that in the mid."""
    present = top.present.copy()
    present[:LAST] = True
    return TopOfBook(np.where(top.present, top.price, 0), present)


def _samples_ppb(price_quantums: Int64s, spot_quantums: Int64s) -> Int64s:
    """Basis of bid, ask, last trade and mid, the mid exact also between two price quantums."""
    twice = np.empty((4, price_quantums.shape[1]), np.int64)
    np.subtract(price_quantums, spot_quantums, out=twice[:MID])
    np.add(twice[BID], twice[ASK], out=twice[MID])
    twice[:MID] <<= 1
    twice *= PPB
    basis = _nearest(twice, spot_quantums)
    if basis.size and int(basis.max()) > BASIS_PPB_MAX:
        market = int(basis.max(axis=0).argmax())
        raise OverflowError(f"market {market}: a basis of {basis.max()} ppb; the bound is {BASIS_PPB_MAX}")
    return basis


class BookAverages:
    """The averages of a running service: a method, and the one thing that changes. ``state`` is safe to keep."""

    __slots__ = ("method", "state")

    def __init__(self, method: MarkMethod, state: Averages | None = None) -> None:
        self.method = method
        self.state = Averages.cold(len(method.weights_ppm)) if state is None else state

    def sample(self, top: TopOfBook, spot_quantums: Int64s) -> Averages:
        """One tick; returns the state *before* it, from which a law can ask what another book would have done."""
        before = self.state
        self.state = self.method.sampled(before, top, spot_quantums)
        return before

    def forget(self, cold_start: ColdStart) -> None:
        """A restart."""
        self.state = self.state.after_restart(cold_start)

    def votes(self) -> tuple[Int64s, Bools]:
        """(basis in ppb, who votes) of rows BID, ASK, LAST, MID."""
        return self.method.votes(self.state)

    def fair_basis(self, external_ppb: Int64s, external_known: Bools | None = None) -> tuple[Int64s, Bools]:
        """(FairBasis in ppb, known) as the averages stand; see ``MarkMethod.fair_basis``."""
        return self.method.fair_basis(self.state, external_ppb, external_known)

    def copy(self) -> BookAverages:
        """One that goes its own way from here."""
        return BookAverages(self.method, self.state)
