"""Integer draws: exact tables, stated accuracy, independence of who else draws, and shapes that are what they claim."""

from __future__ import annotations

from decimal import Decimal, localcontext
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, strategies as st

from drydock.harness.stream import Stream, Words
from drydock.models import draws

COUNT = 200_000
words64 = st.integers(0, 2**64 - 1)


def words(seed: int = 7) -> Words:
    return Stream(seed, "draws").words(COUNT)


def word(value: int) -> Words:
    return np.array([value], dtype=np.uint64)


@given(words64, st.integers(1, 2**32 - 1))
def test_uniform_is_the_exact_scaled_word(value: int, limit: int) -> None:
    """floor(limit * word / 2^64), in range, for every word and limit."""
    assert limit * value >> 64 == draws.uniform_below(word(value), limit)[0]


def test_uniform_between_includes_both_ends() -> None:
    """The least and the greatest word give the ends; the mean of many lies in the middle."""
    ends = np.array([0, 2**64 - 1], dtype=np.uint64)
    assert [-3, 3] == draws.uniform_between(ends, -3, 3).tolist()
    assert abs(int(draws.uniform_between(words(), 0, 1_000).sum()) - 500 * COUNT) < 2 * COUNT


@pytest.mark.parametrize("limit", [0, -1, 2**32])
def test_uniform_without_a_usable_limit_is_refused(limit: int) -> None:
    """Below 1 there is nothing to draw from, above 2^32 the product would overflow."""
    with pytest.raises(ValueError, match="allowed is"):
        draws.uniform_below(word(1), limit)


@given(st.integers(-40_000_000, 20_700_000))
def test_exp_is_accurate_to_its_stated_error(exponent_ppm: int) -> None:
    """value * e^x against 40 digits: relative error below 3e-7, then rounded down."""
    value = 2**31 - 1
    got = int(draws.scaled_by_exp(value, np.array([exponent_ppm], dtype=np.int64))[0])
    with localcontext() as context:
        context.prec = 40
        exact = value * (Decimal(exponent_ppm) / 1_000_000).exp()
    assert abs(got - exact) <= 1 + exact * Decimal("3e-7")


@given(words64.filter(bool))
def test_log2_is_accurate_to_its_stated_error(value: int) -> None:
    """-log2(word / 2^64) against 40 digits: within 3e-7."""
    got = int(draws.minus_log2(word(value))[0])
    with localcontext() as context:
        context.prec = 40
        exact = 64 - Decimal(value).ln() / Decimal(2).ln()
    assert abs(Decimal(got) / 2**30 - exact) < Decimal("3e-7")


def test_powers_of_two_are_exact() -> None:
    """Whole exponents and whole logarithms come out of the tables without any error."""
    exponents = np.array([-40, -1, 0, 5, 30], dtype=np.int64) << 30
    assert [0, 500, 1_000, 32_000, 1_000 << 30] == draws.scaled_by_exp2(1_000, exponents).tolist()
    powers = np.array([1, 2, 2**63], dtype=np.uint64)
    assert [64 << 30, 63 << 30, 1 << 30] == draws.minus_log2(powers).tolist()
    assert draws.minus_log2(word(0))[0] == 64 << 30


@pytest.mark.parametrize(("value", "exponent"), [(2**31, 0), (-1, 0), (1, 31 << 30)])
def test_exponential_beyond_its_bounds_is_refused(value: int, exponent: int) -> None:
    """What would not fit 63 bits raises instead of wrapping around."""
    with pytest.raises(OverflowError, match="allowed is"):
        draws.scaled_by_exp2(value, np.array([exponent], dtype=np.int64))


def test_normal_has_the_stated_moments_and_tails() -> None:
    """Mean 0, deviation 1, 4.5 % beyond two sigma and 0.20 % beyond three, nothing beyond six."""
    z = draws.normal_ppm(words())
    assert abs(int(z.sum())) < 5_000 * COUNT
    assert 990_000 < int((z // 1_000 * (z // 1_000)).sum()) // COUNT < 1_010_000
    beyond = [int((np.abs(z) > sigma * 1_000_000).sum()) * 10_000 // COUNT for sigma in (2, 3, 6)]
    assert 430 <= beyond[0] <= 460
    assert 17 <= beyond[1] <= 24
    assert beyond[2] == 0


def test_lognormal_keeps_its_mean_and_has_the_right_median() -> None:
    """Mean 4 s within 1 %, median 4 s * exp(-0.18) = 3,341 ms within 1 %; sigma 0 is the mean itself."""
    drawn = draws.lognormal_ms(words(), 4_000, 600_000)
    assert 3_960 < int(drawn.sum()) // COUNT < 4_040
    assert 3_308 < int(np.sort(drawn)[COUNT // 2]) < 3_374
    assert [4_000] == draws.lognormal_ms(word(5), 4_000, 0).tolist()
    with pytest.raises(ValueError, match="sigma_ppm"):
        draws.lognormal_ms(word(5), 4_000, -1)


def test_exponential_has_its_mean_and_no_memory() -> None:
    """Mean 10 s within 1 %, and a share of e^-1 lies above the mean."""
    drawn = draws.exponential_ms(words(), 10_000)
    assert 9_900 < int(drawn.sum()) // COUNT < 10_100
    assert 363 <= int((drawn > 10_000).sum()) * 1_000 // COUNT <= 373


def test_pareto_has_its_tail_and_its_ends() -> None:
    """At alpha 1 a tenth lies above ten times the minimum; none below the minimum or above the maximum."""
    drawn = draws.pareto(words(), 1_000, 1_000_000, 500_000)
    assert 97 <= int((drawn > 10_000).sum()) * 1_000 // COUNT <= 103
    assert (1_000, 500_000) == (drawn.min(), drawn.max())
    assert [10**9] == draws.pareto(word(0), 1_000_000, 100_000, 10**9).tolist()
    with pytest.raises(ValueError, match="alpha_ppm"):
        draws.pareto(word(1), 1, 99_999, 5)


def test_word_of_a_row_depends_on_nothing_but_its_identity() -> None:
    """Any selection of rows, in any order, and fewer columns give the words of the full grid."""
    rows = np.arange(500, dtype=np.int64)
    grid = draws.grid_words(3, "people", rows, 4)
    some = np.array([499, 7, 7, 0], dtype=np.int64)
    assert grid[some].tolist() == draws.grid_words(3, "people", some, 4).tolist()
    assert grid[:, :2].tolist() == draws.grid_words(3, "people", rows, 2).tolist()
    assert (500, 4) == grid.shape
    assert len(np.unique(grid)) == grid.size


def test_grid_differs_by_seed_and_by_name() -> None:
    """Another seed or another name shares no word, and every bit is set about half of the time."""
    rows = np.arange(2_000, dtype=np.int64)
    grids = [draws.grid_words(seed, name, rows, 3) for seed, name in ((1, "a"), (2, "a"), (1, "b"))]
    assert 18_000 == len(np.unique(np.concatenate(grids)))
    bits = [int(((grids[0] >> np.uint64(bit)) & np.uint64(1)).sum()) for bit in range(64)]
    assert 2_700 < min(bits) <= max(bits) < 3_300


def test_draw_once_takes_one_word_of_the_stream() -> None:
    """``once`` is the draw of the stream's next word."""
    expected = int(draws.exponential_ms(Stream(9, "x").words(1), 5_000)[0])
    assert expected == draws.once(Stream(9, "x"), draws.exponential_ms, 5_000)


@pytest.mark.digest
def test_draws_are_the_same_on_every_platform() -> None:
    """The digest of a thousand draws of each kind is the one that was committed."""
    source = draws.grid_words(2026, "golden", np.arange(1_000, dtype=np.int64), 1)[:, 0]
    drawn = (
        draws.uniform_below(source, 1_000_003),
        draws.normal_ppm(source),
        draws.lognormal_ms(source, 4_000, 600_000),
        draws.exponential_ms(source, 60_000),
        draws.pareto(source, 1_000, 1_200_000, 10**9),
    )
    digest = blake2b(b"".join(column.astype("<i8").tobytes() for column in drawn), digest_size=16).hexdigest()
    assert digest == "73b6c665a5fe07a3f25151d5f520b2e1"
