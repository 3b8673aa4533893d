"""What the integers mean, how large they may be, and the few ways in which they are rounded.

money       1e-6 USD ("micro-USD", ``_quantums`` of money)
size        10^-k base units, k the market's size exponent (it may be negative)
price       10^(k-6) USD per base unit, so that size x price is exactly money
index       2^-30 of a price quantum (``INDEX_SHIFT``): 5 s of 0.01 %/8 h at the smallest reference price are
            18,641,351 index units, where eight decimals would be zero for ever
ratio       parts per million

k is chosen so that a market's reference price lies in [1e6, 1e7) price quantums: one size quantum is worth $1 to $10.

Bounds, and why nothing overflows 63 bits (every product below is formed somewhere in this package):

    size x price                     2^27 * 2^27             = 2^54
    size x high part of an index     2^27 * (2^58 >> 30)     = 2^55
    size x low part of an index      2^27 * 2^30             = 2^57
    an account of 128 slots          2^60 + 2^7 * (2^54 + 2^55) < 2^63
    size x share_ppm                 2^27 * 2^20             = 2^47
    money x ratio                    by ``ppm_floor`` in two parts, money < 2^62, ratio <= 2^20

2^27 size quantums are at least 134 million USD in one position, 2^27 price quantums at least 13 times the reference
price, and 2^57 index units the same distance of an index, which covers the 450 % seen on one market.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

PPM = 1_000_000
INDEX_SHIFT = 30
SLOTS_PER_ACCOUNT_MAX = 128
SIZE_QUANTUMS_MAX = 1 << 27
PRICE_QUANTUMS_MAX = 1 << 27
INDEX_MAX = 1 << 57
QUOTE_QUANTUMS_MAX = 1 << 60
RATIO_PPM_MAX = 1 << 20


def check_bounds(
    size_quantums: Int64s | None = None,
    price_quantums: Int64s | None = None,
    index: Int64s | None = None,
    quote_quantums: Int64s | None = None,
) -> None:
    """Raise ``OverflowError`` unless every value is within the bounds from which this module's proof starts.

    A price must also be positive. To be called where values enter or change in bulk, not inside the formulas.
    """
    _check("size", "size quantums", size_quantums, -SIZE_QUANTUMS_MAX, SIZE_QUANTUMS_MAX)
    _check("price", "price quantums", price_quantums, 1, PRICE_QUANTUMS_MAX)
    _check("index", "index units", index, -INDEX_MAX, INDEX_MAX)
    _check("quote balance", "micro-USD", quote_quantums, -QUOTE_QUANTUMS_MAX, QUOTE_QUANTUMS_MAX)


def _check(what: str, unit: str, values: Int64s | None, low: int, high: int) -> None:
    if values is None:
        return
    array = np.asarray(values, dtype=np.int64)
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        raise OverflowError(f"{what} in [{array.min()}, {array.max()}] {unit}; the bounds are [{low}, {high}]")


FEW = 48
"""Up to here a look at each value of an array is cheaper in plain integers than starting one of numpy's reductions."""


def least(values: Int64s) -> int:
    """The least value of an array that is not empty."""
    return min(values.tolist()) if values.size <= FEW and values.ndim == 1 else int(values.min())


def greatest(values: Int64s) -> int:
    """The greatest value of an array that is not empty."""
    return max(values.tolist()) if values.size <= FEW and values.ndim == 1 else int(values.max())


def all_true(values: Bools) -> bool:
    """Whether every value of a mask is true."""
    return False not in values.tolist() if values.size <= FEW and values.ndim == 1 else bool(values.all())


def none_true(values: Bools) -> bool:
    """Whether no value of a mask is true."""
    return True not in values.tolist() if values.size <= FEW and values.ndim == 1 else not values.any()


def ppm_floor(money_quantums: Int64s, ratio_ppm: Int64s | int) -> Int64s:
    """``money * ratio / 1e6``, rounded towards minus infinity; exact for |money| < 2^62 and |ratio| <= 2^20.

    money = high * 1e6 + low, so the result is high * ratio + floor(low * ratio / 1e6):
    nothing is lost, nothing overflows.
    """
    high = money_quantums // PPM
    low = money_quantums - high * PPM
    return high * ratio_ppm + low * ratio_ppm // PPM


def ppm_ceil(money_quantums: Int64s, ratio_ppm: Int64s | int) -> Int64s:
    """``money * ratio / 1e6``, rounded towards plus infinity; see ``ppm_floor``."""
    return -ppm_floor(-money_quantums, ratio_ppm)


def index_of_price(price_quantums: Int64s | int) -> Int64s:
    """A price (or a premium) in price quantums as index units; exact."""
    return np.asarray(price_quantums, dtype=np.int64) << INDEX_SHIFT
