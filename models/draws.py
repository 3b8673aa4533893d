"""Distributions from raw 64-bit words, in integers only: the same draw on every processor, for ever.

A draw takes *words*, ``uint64`` of any shape, one word a draw, from ``Stream.words`` or from ``grid_words``, and gives
``int64`` of the same shape. ``exp`` and ``log`` are table look-ups with linear interpolation; the tables are computed
from integers alone, once, on first use (about 1 ms).

Accuracy (tested): 2^x and log2 to 3e-7, before the rounding that a function states.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drydock.harness.stream import Stream, Words, derive_seed

Int64s = NDArray[np.int64]

_TABLE_BITS = 10
_TABLE_SIZE = 1 << _TABLE_BITS
_ONE = 30  # fixed point: 2^30 stands for 1
_REST_BITS = _ONE - _TABLE_BITS
_PRECISE = 128  # bits in which the tables are computed
_LOG2_E_PER_PPM_50 = 1_624_330_212  # log2(e) / 1e6 in units of 2^-50
_LN_2_26 = 46_516_320  # ln 2 in units of 2^-26
_EXPONENT_MAX = 30 << _ONE

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_WORD_MASK = (1 << 64) - 1


# ---- words --------------------------------------------------------------------------------------------------------
def mix64(words: Words) -> Words:
    """The finalizer of splitmix64: a bijection of 64-bit words in which every bit of the result depends on every bit.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014); constants by D. Stafford.
    """
    mixed = (words ^ (words >> np.uint64(30))) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(31))


def grid_words(seed: int, name: str, rows: Int64s, columns: int) -> Words:
    """``uint64[len(rows), columns]``: the word of (seed, name, row, column), a function of these four alone.

    ``rows`` are identities (of persons, say), not positions: who else draws, and in which order, changes nothing.
    """
    key = derive_seed(seed, name)
    low, high = np.uint64(key & _WORD_MASK), np.uint64(key >> 64)
    states = mix64((np.asarray(rows, dtype=np.int64).astype(np.uint64) * GOLDEN) ^ low) ^ high
    steps = np.arange(1, columns + 1, dtype=np.uint64) * GOLDEN
    return mix64(mix64(states)[:, None] + steps[None, :])


def once(stream: Stream, draw: Callable[..., Int64s], *parameters: Any) -> int:
    """One draw from a stream: ``once(stream, lognormal_ms, 4_000, 600_000)``."""
    return int(draw(stream.words(1), *parameters)[0])


# ---- distributions ------------------------------------------------------------------------------------------------
def uniform_below(words: Words, limit: Int64s | int) -> Int64s:
    """floor(limit * word / 2^64), uniform in ``[0, limit)`` for 1 <= limit < 2^32.

    Not by rejection (one word a draw): a value's probability is off by less than 2^-64, relatively 2^-32 at most.
    """
    size = np.asarray(limit, dtype=np.int64)
    if size.size and (int(size.min()) < 1 or int(size.max()) >= 1 << 32):
        raise ValueError(f"limit in [{size.min()}, {size.max()}]; allowed is [1, 2^32)")
    width = size.astype(np.uint64)
    high, low = words >> np.uint64(32), words & np.uint64(0xFFFFFFFF)
    return ((high * width + (low * width >> np.uint64(32))) >> np.uint64(32)).astype(np.int64)


def uniform_between(words: Words, low: Int64s | int, high: Int64s | int) -> Int64s:
    """Uniform in ``[low, high]``, both ends included; see ``uniform_below``."""
    return low + uniform_below(words, high - low + 1)


def normal_ppm(words: Words) -> Int64s:
    """A standard normal deviate in ppm, rounded to the nearest: the sum of twelve uniforms (Irwin and Hall).

    Mean 0, standard deviation 1 to 1e-9, excess kurtosis -0.1; beyond 2, 3 and 4 sigma lie 4.5 %, 0.20 % and 0.0017 %
    of it (a true normal: 4.6 %, 0.27 %, 0.0063 %), beyond 6 nothing. The three words it needs are mixed from the
    one given.
    """
    total = _four_fields(mix64(words)) + _four_fields(mix64(words + GOLDEN)) + _four_fields(mix64(words - GOLDEN))
    return ((total - 6 * 65_535) * 15_625 + 512) >> 10


def _four_fields(words: Words) -> Int64s:
    """The sum of a word's four 16-bit fields, in [0, 4 * 65535]."""
    mask = np.uint64(0x0000FFFF0000FFFF)
    pairs = (words & mask) + ((words >> np.uint64(16)) & mask)
    return ((pairs & np.uint64(0xFFFFFFFF)) + (pairs >> np.uint64(32))).astype(np.int64)


def lognormal_ms(words: Words, mean_ms: Int64s | int, sigma_ppm: int) -> Int64s:
    """mean * exp( sigma * z - sigma^2 / 2 ), in ms rounded down: the *mean* is kept, not the median.

    ``mean_ms`` < 2^31 (24 days), sigma at most 3 (3,000,000 ppm). The lighter tails of ``normal_ppm`` take
    sigma^4 / 240 off the mean: 0.05 % at sigma 0.6, 0.9 % at 1.2.
    """
    if not 0 <= sigma_ppm <= 3_000_000:
        raise ValueError(f"sigma_ppm {sigma_ppm}; allowed is [0, 3000000]")
    exponent_ppm = sigma_ppm * normal_ppm(words) // 1_000_000 - sigma_ppm * sigma_ppm // 2_000_000
    return scaled_by_exp(mean_ms, exponent_ppm)


def exponential_ms(words: Words, mean_ms: Int64s | int) -> Int64s:
    """mean * -ln(u), in ms rounded down: waiting times of a Poisson process. ``mean_ms`` < 2^31; at most 44.4 means."""
    minus_ln = minus_log2(words) * _LN_2_26 >> 26
    return np.asarray(mean_ms, dtype=np.int64) * (minus_ln >> 6) >> 24


def pareto(words: Words, minimum: Int64s | int, alpha_ppm: int, maximum: Int64s | int) -> Int64s:
    """min( minimum * u^(-1/alpha), maximum ), rounded down: P(X > x) = (minimum / x)^alpha below the maximum.

    What would lie above the maximum sits at the maximum. 0 <= minimum < 2^31, alpha at least 0.1 (100,000 ppm).
    """
    if alpha_ppm < 100_000:
        raise ValueError(f"alpha_ppm {alpha_ppm}; allowed is 100000 and more")
    exponent = np.minimum(minus_log2(words) * 1_000_000 // alpha_ppm, _EXPONENT_MAX)
    drawn: Int64s = np.minimum(scaled_by_exp2(minimum, exponent), maximum)
    return drawn


# ---- exp and log --------------------------------------------------------------------------------------------------
def scaled_by_exp(value: Int64s | int, exponent_ppm: Int64s) -> Int64s:
    """``value * e^(exponent / 1e6)``, rounded down, for 0 <= value < 2^31 and exponents up to 20.79 (2^30).

    ``OverflowError`` above that. Relative error below 3e-7 before rounding.
    """
    return scaled_by_exp2(value, exponent_ppm * _LOG2_E_PER_PPM_50 >> (50 - _ONE))


def scaled_by_exp2(value: Int64s | int, exponent: Int64s) -> Int64s:
    """``value * 2^(exponent / 2^30)``, rounded down, for 0 <= value < 2^31 and exponents up to 30.

    ``OverflowError`` outside of these.
    """
    amount = np.asarray(value, dtype=np.int64)
    exponent = np.asarray(exponent, dtype=np.int64)
    if amount.size and not 0 <= int(amount.min()) <= int(amount.max()) < 1 << 31:
        raise OverflowError(f"value in [{amount.min()}, {amount.max()}]; allowed is [0, 2^31)")
    if exponent.size and int(exponent.max()) > _EXPONENT_MAX:
        raise OverflowError(f"an exponent of {int(exponent.max()) >> _ONE} and more; allowed is 30")
    whole = exponent >> _ONE
    rest = exponent - (whole << _ONE)
    table, rise = _exp2_table()
    at = rest >> _REST_BITS
    mantissa = table[at] + (rise[at] * (rest & ((1 << _REST_BITS) - 1)) >> _REST_BITS)
    # value * mantissa < 2^62; a shift of 63 and more is not defined by the language numpy is written in.
    scaled: Int64s = amount * mantissa >> np.minimum(_ONE - whole, 62)
    return scaled


def minus_log2(words: Words) -> Int64s:
    """``-log2(u)`` in units of 2^-30 for u = word / 2^64, in [0, 64 * 2^30]; the word 0 counts as 1.

    -log2(u) = 64 - log2(word): whole part by halving the search for the highest bit, fraction by table.
    """
    word = np.maximum(words, np.uint64(1))
    lead = np.zeros(word.shape, dtype=np.int64)
    for shift in (32, 16, 8, 4, 2, 1):
        low = word < np.uint64(1 << (64 - shift))
        word = np.where(low, word << np.uint64(shift), word)
        lead += low * shift
    fraction = ((word >> np.uint64(63 - _ONE)).astype(np.int64)) - (1 << _ONE)
    table, rise = _log2_table()
    at = fraction >> _REST_BITS
    log2 = table[at] + (rise[at] * (fraction & ((1 << _REST_BITS) - 1)) >> _REST_BITS)
    result: Int64s = ((lead + 1) << _ONE) - log2
    return result


@cache
def _exp2_table() -> tuple[Int64s, Int64s]:
    """2^(i / 1024) in 2^-30 for i in 0..1023, rounded to the nearest, and the rise to the next entry.

    2^(1/1024) by ten integer square roots of 2, then by multiplication, in 128 bits.
    """
    root = 2 << _PRECISE
    for _ in range(_TABLE_BITS):
        root = isqrt(root << _PRECISE)
    powers, power = [], 1 << _PRECISE
    for _ in range(_TABLE_SIZE + 1):
        powers.append(_rounded(power))
        power = power * root >> _PRECISE
    return _with_rise(powers)


@cache
def _log2_table() -> tuple[Int64s, Int64s]:
    """log2(1 + i / 1024) in 2^-30 for i in 0..1023, rounded to the nearest, and the rise to the next entry.

    ln((n + 1) / n) = 2 * (z + z^3/3 + z^5/5 + ..), z = 1 / (2n + 1); the sum over all 1,024 is ln 2, which scales them.
    """
    sums = [0]
    for n in range(_TABLE_SIZE, 2 * _TABLE_SIZE):
        odd = 2 * n + 1
        power, total = (1 << _PRECISE) // odd, 0
        for divisor in (1, 3, 5, 7):  # the next term is below 2^-100
            total += power // divisor
            power //= odd * odd
        sums.append(sums[-1] + total)
    return _with_rise([_rounded((value << _PRECISE) // sums[-1]) for value in sums])


def _rounded(precise: int) -> int:
    return (precise + (1 << (_PRECISE - _ONE - 1))) >> (_PRECISE - _ONE)


def _with_rise(entries: list[int]) -> tuple[Int64s, Int64s]:
    values = np.array(entries, dtype=np.int64)
    return values[:-1], np.diff(values)
