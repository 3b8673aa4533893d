"""The mark that listens to the own book: golden vectors, who outvotes whom, and a loop that does the same slowly."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.models.perp.basis import (
    ASK,
    BASIS_PPB_MAX,
    BID,
    LAST,
    MID,
    PPB,
    Averages,
    BookAverages,
    ColdStart,
    MarkMethod,
    TopOfBook,
    TwoVotes,
    basis_ppb,
    is_liquid,
    mark_of_basis,
    median_by_rule,
    ppm_of_ppb,
    towards,
)
from drydock.models.perp.units import PPM, PRICE_QUANTUMS_MAX, Int64s

SPOT = 4_000_000
PERCENT = PPB // 100
HALF_HOUR_MS = 1_800_000


def numbers(*values: int) -> Int64s:
    return np.array(values, dtype=np.int64)


def top(bid: int | None, ask: int | None, last: int | None) -> TopOfBook:
    """One market's top of book, in percent above the spot; None where there is nothing."""
    seen = (bid, ask, last)
    prices = [[0 if percent is None else SPOT * (100 + percent) // 100] for percent in seen]
    return TopOfBook(np.array(prices, dtype=np.int64), np.array([[percent is not None] for percent in seen]))


def one_market(weight_ppm: int = 150_000, **options: Any) -> MarkMethod:
    return MarkMethod(numbers(weight_ppm), **options)


def after(method: MarkMethod, *books: TopOfBook) -> BookAverages:
    averages = BookAverages(method)
    for book in books:
        averages.sample(book, numbers(SPOT))
    return averages


def fair(averages: BookAverages, external_ppb: int | None) -> int | None:
    """The fair basis of the only market; None where it is unknown."""
    basis, known = averages.fair_basis(numbers(external_ppb or 0), np.array([external_ppb is not None]))
    return int(basis[0]) if known[0] else None


# ---- golden vectors -----------------------------------------------------------------------------------------------
def test_an_average_of_weight_15_percent_reacts_by_15_62_and_86_percent() -> None:
    """A basis that jumps by 1 % is followed by 15 % of it after one tick, 62 % after six and 86 % after twelve."""
    average, followed = numbers(0), []
    for tick in range(1, 13):
        average = towards(average, numbers(PERCENT), numbers(150_000))
        followed.append(int(average[0]))
        assert abs(PERCENT * (1 - Fraction(85, 100) ** tick) - followed[-1]) < 3
    assert (1_500_000, 6_228_505, 8_577_583) == (followed[0], followed[5], followed[11])


def test_the_fair_basis_of_one_market_by_hand() -> None:
    """Bid +1 %, ask +3 %, last trade +4 %: internal 3 %, mid 2 %; an external vote of 0 leaves 2 %, one of 9 % 3 %."""
    averages = after(one_market(), top(1, 3, 4))
    basis, voting = averages.votes()
    assert ([PERCENT, 3 * PERCENT, 4 * PERCENT, 2 * PERCENT], True) == (basis[:, 0].tolist(), voting.all())
    assert (2 * PERCENT, 3 * PERCENT) == (fair(averages, 0), fair(averages, 9 * PERCENT))
    assert [SPOT * 102 // 100] == mark_of_basis(numbers(SPOT), numbers(2 * PERCENT)).tolist()


def test_the_mid_is_exact_between_two_price_quantums() -> None:
    """Bid 3 and ask 4 on a spot of 2: the mid is 3.5, a basis of +75 %."""
    book = TopOfBook(np.array([[3], [4], [3]], dtype=np.int64), np.ones((3, 1), dtype=np.bool_))
    assert 750_000_000 == one_market().sampled(Averages.cold(1), book, numbers(2)).basis_ppb[MID, 0]


# ---- who outvotes whom ------------------------------------------------------------------------------------------
def test_one_bad_quote_in_a_normal_book_moves_nothing() -> None:
    """An ask 20 % away moves its average and half of that the mid's; bid, last trade and outside world outvote both."""
    averages = after(one_market(), top(0, 0, 0), *[top(0, 20, 0)] * 12)
    assert averages.state.basis_ppb[ASK, 0] > 17 * PERCENT
    assert 0 == fair(averages, 0)


def test_a_pair_alone_in_an_empty_book_drags_the_mark() -> None:
    """Bid +18 % and ask +20 % of one account: three averages move, 2.7 % at the first tick, although none traded."""
    averages = after(one_market(), top(0, 0, 0), top(None, None, 0), top(18, 20, 0))
    assert 27 * PERCENT // 10 == fair(averages, 0)
    for _ in range(5):
        averages.sample(top(18, 20, 0), numbers(SPOT))
    assert 112_113_087 == fair(averages, 0)


def test_a_far_pair_around_the_fair_price_moves_nothing() -> None:
    """Bid -18 % and ask +18 % cancel in the mid, and the last trade is between them."""
    assert 0 == fair(after(one_market(), top(0, 0, 0), *[top(-18, 18, 0)] * 12), 0)


def test_external_weighting_ignores_the_pair_until_the_book_was_liquid_for_long() -> None:
    """After a restart w is 0; a pair 1.7 % apart is no liquid tick, so the mark stays at the outside price."""
    method = one_market(ramp_ms=HALF_HOUR_MS)
    averages = after(method, *[top(0, 0, 0)] * 360)
    assert HALF_HOUR_MS == averages.state.liquid_ms[0]
    averages.forget("keep")
    for _ in range(60):
        averages.sample(top(18, 20, 0), numbers(SPOT))
    assert 1_000 == fair(averages, 1_000)


def test_w_goes_up_with_liquid_ticks_and_down_with_others_at_one_pace() -> None:
    """Down at 0, three ticks up and one down of 360: w = 2 / 360 of the way from the outside basis to the own one."""
    method = one_market(ramp_ms=HALF_HOUR_MS, first_sample="weighted", weight_ppm=PPM)
    averages = after(method, top(1, None, 1), *[top(1, 1, 1)] * 3, top(1, 3, 1))
    assert 10_000 == averages.state.liquid_ms[0]
    assert (PERCENT * (10_000 * PPM // HALF_HOUR_MS) // PPM, None) == (fair(averages, 0), fair(averages, None))


def test_a_full_w_needs_no_external_vote() -> None:
    """At w = 1 the outside basis has no weight: missing, it is not missed; a tick below, the basis is unknown."""
    averages = after(one_market(ramp_ms=10_000), top(1, 1, 1), top(1, 1, 1))
    assert PERCENT == fair(averages, None)
    averages.sample(top(1, None, 1), numbers(SPOT))
    assert fair(averages, None) is None


def test_a_liquid_tick_has_both_sides_and_one_percent_at_most() -> None:
    """99.5 and 100.5 are 1 % of mid apart; one quantum more, or a side less, is illiquid."""
    price = np.array([[9_950, 9_950, 0], [10_050, 10_051, 10_050], [0, 0, 0]], dtype=np.int64)
    present = np.array([[True, True, False], [True, True, True], [False, False, False]])
    assert [True, False, False] == is_liquid(TopOfBook(price, present), 10_000).tolist()


# ---- votes that are not there -----------------------------------------------------------------------------------
@pytest.mark.parametrize(("two_votes", "expected"), [("mean", 25), ("lower", 20), ("upper", 30)])
def test_without_the_external_vote_the_rule_for_two_decides(two_votes: TwoVotes, expected: int) -> None:
    """Internal 3 % and mid 2 %: 2.5 %, 2 % or 3 %."""
    assert expected * PERCENT // 10 == fair(after(one_market(two_votes=two_votes), top(1, 3, 4)), None)


@pytest.mark.parametrize(("two_votes", "expected"), [("mean", 2), ("lower", 1), ("upper", 2)])
def test_a_cold_book_without_last_trade_outvotes_the_outside(two_votes: TwoVotes, expected: int) -> None:
    """Bid +1 %, ask +3 %, nobody has traded: the first sample counts whole, internal and mid stand together."""
    assert expected * PERCENT == fair(after(one_market(two_votes=two_votes), top(1, 3, None)), 0)


def test_without_a_book_the_outside_decides_alone_and_without_both_nobody() -> None:
    """Absent is not zero."""
    averages = after(one_market(), top(None, None, None))
    assert (700, None) == (fair(averages, 700), fair(averages, None))
    mark, known = one_market().mark(averages.state, top(None, None, None), numbers(SPOT), numbers(0), np.array([False]))
    assert ([0], [False]) == (mark.tolist(), known.tolist())


def test_an_empty_side_holds_its_average_and_its_vote() -> None:
    """hold: the book is gone and its averages stay where they were."""
    averages = after(one_market(), top(1, 3, 4), *[top(None, None, 4)] * 9)
    assert [1, 3, 4, 2] == (averages.votes()[0][:, 0] // PERCENT).tolist()
    assert 2 * PERCENT == fair(averages, 0)


def test_an_empty_side_drops_its_vote_until_it_is_back() -> None:
    """drop: without asks, bid, last trade and outside vote; with them again, from the average that was held."""
    averages = after(one_market(empty_side="drop"), top(1, 3, 4), top(1, None, 4))
    assert [True, False, True, False] == averages.votes()[1][:, 0].tolist()
    assert 25 * PERCENT // 10 // 2 == fair(averages, 0)
    averages.sample(top(1, 3, 4), numbers(SPOT))
    assert ([1, 3, 4, 2], True) == ((averages.votes()[0][:, 0] // PERCENT).tolist(), averages.votes()[1].all())


def test_a_side_read_as_zero_is_the_wrong_build() -> None:
    """zero: an empty book says -100 %, three votes of four follow, and the mark goes with them."""
    averages = after(one_market(empty_side="zero"), top(0, 0, 0), top(None, None, 0))
    assert [-15, -15, 0, -15] == (averages.votes()[0][:, 0] // PERCENT).tolist()
    assert -15 * PERCENT == fair(averages, 0)
    assert 0 == fair(after(one_market(), top(0, 0, 0), top(None, None, 0)), 0)


# ---- restarts and moments ---------------------------------------------------------------------------------------
def test_what_a_restart_leaves() -> None:
    """All averages, only that of the last trade, or nothing; w begins again, and only what is left has a vote."""
    left: list[tuple[ColdStart, list[bool]]] = [
        ("keep", [True, True, True, True]),
        ("last_trade", [False, False, True, False]),
        ("forget", [False, False, False, False]),
    ]
    for method in (one_market(ramp_ms=HALF_HOUR_MS), one_market(ramp_ms=HALF_HOUR_MS, empty_side="drop")):
        warm = after(method, top(1, 3, 4), top(2, 2, 4))
        for cold_start, voting in left:
            averages = warm.copy()
            averages.forget(cold_start)
            assert voting == averages.votes()[1][:, 0].tolist()
            assert (0, 4 * PERCENT * voting[LAST]) == (averages.state.liquid_ms[0], averages.votes()[0][LAST, 0])
        assert (True, 5_000) == (warm.votes()[1].all(), warm.state.liquid_ms[0])


def test_a_first_sample_may_count_by_its_weight_only() -> None:
    """weighted: 15 % of the first displacement, instead of all of it."""
    assert (15 * PERCENT, PERCENT) == (
        fair(after(one_market(first_sample="weighted"), top(100, 100, 100)), 100 * PERCENT),
        fair(after(one_market(), top(1, 1, 1)), 9 * PERCENT),
    )


def test_a_moment_answers_what_another_book_would_have_done() -> None:
    """From the state before a sample: the sampled book gives the published mark; without its best bid, another one."""
    averages = after(one_market(), top(0, 0, 0))
    spot, external = numbers(SPOT), numbers(0)
    before = averages.sample(top(18, 20, 0), spot)
    published = mark_of_basis(spot, averages.fair_basis(external)[0])
    assert published.tolist() == averages.method.mark(before, top(18, 20, 0), spot, external)[0].tolist()
    without = top(18, 20, 0).with_side(BID, numbers(SPOT * 99 // 100), np.array([True]))
    empty = top(18, 20, 0).with_side(BID, numbers(7), np.array([False]))
    for book in (without, empty):
        assert [SPOT] == averages.method.mark(before, book, spot, external)[0].tolist()


# ---- rounding and bounds ----------------------------------------------------------------------------------------
ratios = st.integers(-BASIS_PPB_MAX, BASIS_PPB_MAX)
ppms = st.integers(0, PPM)
prices = st.integers(1, PRICE_QUANTUMS_MAX)


def nearest(exact: Fraction) -> int:
    """Halves away from zero."""
    rounded = int(abs(exact) + Fraction(1, 2))
    return rounded if exact >= 0 else -rounded


@given(ratios, ratios, ppms)
def test_rounding_is_symmetric(value: int, target: int, weight_ppm: int) -> None:
    """f(-x) == -f(x), to the nearest, for averages, blends, medians of two and conversions: nothing drifts."""
    step = towards(numbers(value, -value), numbers(target, -target), weight_ppm)
    expected = value + nearest(Fraction((target - value) * weight_ppm, PPM))
    assert [expected, -expected] == step.tolist()
    mean, _ = median_by_rule(np.array([[value, -value], [target, -target]]), None, "mean")
    assert [nearest(Fraction(value + target, 2)), -mean[0]] == mean.tolist()
    assert [nearest(Fraction(value, 1_000))] * 2 == (ppm_of_ppb(numbers(value, -value)) * numbers(1, -1)).tolist()
    lower, _ = median_by_rule(np.array([[value], [target]]), None, "lower")
    upper, _ = median_by_rule(np.array([[-value], [-target]]), None, "upper")
    assert lower[0] == -upper[0]


@given(prices, prices)
def test_the_basis_of_a_price_gives_the_price_back(price: int, spot: int) -> None:
    """Within the bound; and a price as far below the spot as another is above has its basis with the other sign."""
    basis = basis_ppb(numbers(price, spot - (price - spot)), numbers(spot, spot))
    assert [nearest(Fraction((price - spot) * PPB, spot)), -basis[0]] == basis.tolist()
    if basis[0] <= BASIS_PPB_MAX:
        assert [price] == mark_of_basis(numbers(spot), basis[:1]).tolist()


def test_a_basis_beyond_the_bound_is_refused() -> None:
    """An ask of 40 times the spot: an error that names the market, not a number that wrapped around."""
    book = TopOfBook(np.array([[1, 1], [2, 80], [1, 1]], dtype=np.int64), np.ones((3, 2), dtype=np.bool_))
    with pytest.raises(OverflowError, match="market 1: a basis of 39000000000 ppb"):
        MarkMethod(numbers(PPM, PPM)).sampled(Averages.cold(2), book, numbers(2, 2))


# ---- against a loop -----------------------------------------------------------------------------------------------
class Loop:
    """One market in plain Python and fractions, written from the source's words."""

    def __init__(self, method: MarkMethod, market: int) -> None:
        self.method, self.weight_ppm = method, int(method.weights_ppm[market])
        self.average: list[int | None] = [None] * 4
        self.fed = [True] * 4
        self.liquid_ms = 0

    def sample(self, bid: int | None, ask: int | None, last: int | None, spot: int) -> None:
        method = self.method
        if method.ramp_ms is not None:
            liquid = bool(
                bid and ask and Fraction(ask - bid, 1) <= Fraction((ask + bid) * method.spread_ppm_max, 2 * PPM)
            )
            moved_ms = self.liquid_ms + (method.tick_ms if liquid else -method.tick_ms)
            self.liquid_ms = min(max(moved_ms, 0), method.ramp_ms)
        if method.empty_side == "zero":
            bid, ask = bid or 0, ask or 0
        mid = None if bid is None or ask is None else Fraction(bid + ask, 2)
        for row, price in enumerate((bid, ask, last, mid)):
            self.fed[row] = price is not None or row == LAST
            if price is not None:
                self._feed(row, nearest((Fraction(price) / spot - 1) * PPB))

    def _feed(self, row: int, sample: int) -> None:
        held = self.average[row]
        if held is None and self.method.first_sample == "whole":
            self.average[row] = sample
            return
        held = held or 0
        self.average[row] = held + nearest(Fraction((sample - held) * self.weight_ppm, PPM))

    def fair(self, external: int | None) -> int | None:
        method = self.method
        votes = [
            average if self.fed[row] or method.empty_side != "drop" else None
            for row, average in enumerate(self.average)
        ]
        liquid = self._median([self._median(votes[:MID]), votes[MID], external])
        if method.ramp_ms is None:
            return liquid
        weight_ppm = self.liquid_ms * PPM // method.ramp_ms
        if external is None:
            return liquid if weight_ppm == PPM else None
        assert liquid is not None
        return external + nearest(Fraction((liquid - external) * weight_ppm, PPM))

    def _median(self, votes: list[int | None]) -> int | None:
        there = sorted(vote for vote in votes if vote is not None)
        if not there:
            return None
        low, high = there[(len(there) - 1) // 2], there[len(there) // 2]
        return {"lower": low, "upper": high, "mean": nearest(Fraction(low + high, 2))}[self.method.two_votes]


quotes = st.one_of(st.none(), st.integers(1, 8_000_000))
market_ticks = st.tuples(quotes, quotes, quotes, st.integers(1_000_000, 9_000_000), st.none() | st.integers(-PPB, PPB))


@st.composite
def methods(draw: st.DrawFn, markets: int) -> MarkMethod:
    return MarkMethod(
        np.array(draw(st.lists(ppms, min_size=markets, max_size=markets)), dtype=np.int64),
        two_votes=draw(st.sampled_from(("mean", "lower", "upper"))),
        empty_side=draw(st.sampled_from(("hold", "drop", "zero"))),
        first_sample=draw(st.sampled_from(("whole", "weighted"))),
        ramp_ms=draw(st.sampled_from((None, 10_000, 35_000))),
        spread_ppm_max=draw(st.sampled_from((10_000, 1_000_000))),
    )


@given(methods(3), st.lists(st.lists(market_ticks, min_size=3, max_size=3), min_size=1, max_size=8))
def test_all_markets_at_once_equal_a_loop(method: MarkMethod, ticks: list[list[Any]]) -> None:
    """Averages, votes, w and fair basis of every market, tick by tick, for every setting, with anything missing."""
    averages, loops = BookAverages(method), [Loop(method, market) for market in range(3)]
    for tick in ticks:
        rows = list(zip(*tick, strict=True))
        price = np.array([[value or 0 for value in row] for row in rows[:3]], dtype=np.int64)
        present = np.array([[value is not None for value in row] for row in rows[:3]])
        averages.sample(TopOfBook(price, present), numbers(*rows[3]))
        for loop, (bid, ask, last, spot, _) in zip(loops, tick, strict=True):
            loop.sample(bid, ask, last, spot)
        voted, who = averages.votes()[0], averages.state.known
        assert [[loop.average[row] for loop in loops] for row in range(4)] == [
            [int(voted[row, n]) if who[row, n] else None for n in range(3)] for row in range(4)
        ]
        basis, known = averages.fair_basis(
            numbers(*(value or 0 for value in rows[4])), np.array([value is not None for value in rows[4]])
        )
        expected = [loop.fair(external) for loop, external in zip(loops, rows[4], strict=True)]
        assert expected == [int(value) if there else None for value, there in zip(basis, known, strict=True)]


@given(
    methods(2), st.lists(st.tuples(*[st.integers(1, 8_000_000)] * 3, st.integers(-PPB, PPB)), min_size=2, max_size=2)
)
def test_everything_there_needs_no_mask(method: MarkMethod, rows: list[tuple[int, int, int, int]]) -> None:
    """With all votes in, no mask and a mask of all give the same fair basis."""
    bid, ask, last, external = (numbers(*column) for column in zip(*rows, strict=True))
    book, spot = TopOfBook(np.array((bid, ask, last)), np.ones((3, 2), dtype=np.bool_)), numbers(SPOT, SPOT)
    averages = BookAverages(method)
    averages.sample(book, spot)
    averages.sample(book, spot)
    short, masked = averages.fair_basis(external), averages.fair_basis(external, np.array([True, True]))
    assert [part.tolist() for part in short] == [part.tolist() for part in masked]
