"""What the outside market does: spot paths and external venues' rates, exogenous and made of integers.

A path is a cumulative sum of integer steps (an arithmetic walk in parts of the starting price, not a geometric one),
between 5 % and 8 times the start:

    level[t] = sum over steps of ( loading * (common step + drift) + own step ) + gap(t) - crash(t)    in 2^-30 of it
    spot[t]  = max( start + floor(start * min(level[t], 7) / 2^30), 5 % of the start )

A step is the sum of a word's eight bytes about its mean (Irwin and Hall: near normal, nothing beyond 4.9 sigma). Each
market and the common factor have their own stream, named after the market: a market's path does not depend on which
others are there. Volatilities and crash depths are assumptions [A], the crash's shape is that of 10 October 2025 [K]:
majors -10..-15 %, alts -50..-80 % within 30 to 60 minutes. A regime may also be a tape (``models/tapes.py``): then the
prices are the file's, and nothing is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from drydock.harness.mistakes import did_you_mean
from drydock.harness.stream import Stream, Words
from drydock.models.markets import Markets
from drydock.models.tapes import Tape

Int64s = NDArray[np.int64]

PPM = 1_000_000
HOUR_MS = 3_600_000
_LEVEL_SHIFT = 30
FLOOR_SHARE = 20  # 1 / 20 of the start
_LEVEL_MAX = 7 << _LEVEL_SHIFT  # keeps a price below units.PRICE_QUANTUMS_MAX
_NOISE_DEVIATION = 209  # of the sum of eight bytes: sqrt(8 * (2^16 - 1) / 12) = 209.02
_HAVEN_BELOW_PPM = 500_000
_MAJOR_UP_TO_PPM = 1_200_000


@dataclass(frozen=True, slots=True)
class Crash:
    """A fall by class of market, each depth and the common duration drawn uniformly; then the price stays down.

    The fall is linear in time. Markets that load less than 50 % on the common factor are havens, up to 120 % majors,
    above that alts.
    """

    start_ms: int = 0
    duration_ms_min: int = 30 * 60_000
    duration_ms_max: int = 60 * 60_000
    haven_ppm: tuple[int, int] = (0, 20_000)
    major_ppm: tuple[int, int] = (100_000, 150_000)
    alt_ppm: tuple[int, int] = (500_000, 800_000)


@dataclass(frozen=True, slots=True)
class Gap:
    """A move while nobody can trade, linear in time; before and after it prices are flat.

    Havens (as in ``Crash``) go by ``haven_ppm``, all other markets by ``other_ppm``. The defaults lie inside the halt
    of 19 January 2026, and are assumptions: that gold moved more than crypto that night is not checked.
    """

    start_ms: int = 100 * 60_000
    duration_ms: int = 25 * 60_000
    haven_ppm: int = 15_000
    other_ppm: int = 5_000


@dataclass(frozen=True, slots=True)
class Regime:
    """One kind of outside market. Volatility is a standard deviation over an hour, drift a change over an hour, for a
    market that loads 100 % on the common factor.

    ``rate_base_ppm`` bounds the constant external rate of a market, ``rate_noise_ppm`` what a venue adds each minute.
    """

    name: str
    common_volatility_ppm: int = 0
    own_volatility_ppm: int = 0
    drift_ppm: int = 0
    crash: Crash | None = None
    rate_base_ppm: int = 200
    rate_noise_ppm: int = 0
    gap: Gap | None = None
    tape: Tape | None = None

    @property
    def is_walking(self) -> bool:
        """Whether prices have steps of their own, apart from a crash or a gap."""
        return bool(self.common_volatility_ppm or self.own_volatility_ppm or self.drift_ppm)


REGIMES = {
    regime.name: regime
    for regime in (
        Regime("flat"),
        Regime("calm", 3_000, 2_500, rate_noise_ppm=40),
        Regime("trend", 4_000, 3_000, drift_ppm=10_000, rate_noise_ppm=60),
        Regime("crash", 12_000, 10_000, crash=Crash(), rate_noise_ppm=400),
        Regime("gap", gap=Gap()),
    )
}


def regime(name: str) -> Regime:
    """The shipped regime of that name; ``KeyError`` that says what there is."""
    try:
        return REGIMES[name]
    except KeyError:
        raise KeyError(f"no regime '{name}'; {did_you_mean(name, REGIMES)}") from None


# ---- spot ---------------------------------------------------------------------------------------------------------
def paths(regime: Regime, seed: int, markets: Markets, step_ms: int, steps: int) -> Int64s:
    """Spot prices ``int64[steps, markets]`` in price quantums, one row every ``step_ms``.

    Row 0 is the market's reference price (a crash may start with it), or what the tape says.
    """
    if regime.tape is not None:
        return regime.tape.prices(markets, step_ms, steps)
    start = markets.reference_price_quantums
    if not (regime.is_walking or regime.crash or regime.gap):
        return np.broadcast_to(start, (steps, len(markets)))
    level = (
        _walk(regime, seed, markets, step_ms, steps) if regime.is_walking else np.zeros((len(markets), steps), np.int64)
    )
    if regime.gap is not None:
        level += _move(regime.gap, markets, step_ms, steps)
    if regime.crash is not None:
        level -= _fall(regime.crash, seed, markets, step_ms, steps)
    np.minimum(level, _LEVEL_MAX, out=level)
    level *= start[:, None]
    level >>= _LEVEL_SHIFT
    level += start[:, None]
    np.maximum(level, (start // FLOOR_SHARE)[:, None], out=level)
    return np.ascontiguousarray(level.T)


def _walk(regime: Regime, seed: int, markets: Markets, step_ms: int, steps: int) -> Int64s:
    """``level[markets, steps]`` without the crash, in 2^-30 of the start."""
    own = _noise_unit(regime.own_volatility_ppm, step_ms)
    common = np.cumsum(_noise(seed, "spot/common", steps)) * _noise_unit(regime.common_volatility_ppm, step_ms)
    common += np.arange(steps, dtype=np.int64) * ((regime.drift_ppm << _LEVEL_SHIFT) * step_ms // (PPM * HOUR_MS))
    level = np.empty((len(markets), steps), dtype=np.int64)
    for at, (name, loading_ppm) in enumerate(zip(markets.names, markets.factor_loading_ppm.tolist(), strict=True)):
        np.cumsum(_noise(seed, f"spot/{name}", steps), out=level[at])
        level[at] *= own
        level[at] += common * loading_ppm // PPM
    return level


def _noise_unit(volatility_ppm: int, step_ms: int) -> int:
    """What one unit of noise moves, in 2^-30 of the start: volatility * sqrt(step / hour) / deviation, rounded down."""
    variance = (volatility_ppm << _LEVEL_SHIFT) ** 2 * step_ms // HOUR_MS
    return isqrt(variance) // (PPM * _NOISE_DEVIATION)


def _noise(seed: int, name: str, steps: int) -> Int64s:
    """Steps of mean 0 and deviation 209, the first of them 0."""
    noise = byte_sums(Stream(seed, name).words(steps)) - 8 * 255 // 2
    noise[:1] = 0
    return noise


def byte_sums(words: Words) -> Int64s:
    """The sum of each word's eight bytes, in [0, 2040]: pairs of bytes, then one product that adds the four pairs."""
    mask = np.uint64(0x00FF00FF00FF00FF)
    pairs = (words & mask) + ((words >> np.uint64(8)) & mask)
    return (pairs * np.uint64(0x0001000100010001) >> np.uint64(48)).astype(np.int64)


def _fall(crash: Crash, seed: int, markets: Markets, step_ms: int, steps: int) -> Int64s:
    """The crash as ``[markets, steps]`` in 2^-30 of the start: depth * min(time since its start / duration, 1)."""
    duration_ms = Stream(seed, "crash/duration").between(crash.duration_ms_min, crash.duration_ms_max)
    depth_ppm = np.array([_depth_ppm(crash, seed, markets, at) for at in range(len(markets))], dtype=np.int64)
    return _ramp(depth_ppm, crash.start_ms, duration_ms, step_ms, steps)


def _move(gap: Gap, markets: Markets, step_ms: int, steps: int) -> Int64s:
    """The gap as ``[markets, steps]`` in 2^-30 of the start."""
    move_ppm = np.where(markets.factor_loading_ppm < _HAVEN_BELOW_PPM, gap.haven_ppm, gap.other_ppm)
    return _ramp(move_ppm, gap.start_ms, gap.duration_ms, step_ms, steps)


def _ramp(full_ppm: Int64s, start_ms: int, duration_ms: int, step_ms: int, steps: int) -> Int64s:
    """``full * min(max(time since the start, 0) / duration, 1)`` as ``[markets, steps]`` in 2^-30 of the start."""
    since_ms = np.arange(steps, dtype=np.int64) * step_ms - start_ms
    done = (np.minimum(np.maximum(since_ms, 0), duration_ms) << 20) // duration_ms
    return ((full_ppm << 20) // PPM)[:, None] * done[None, :] >> (40 - _LEVEL_SHIFT)


def _depth_ppm(crash: Crash, seed: int, markets: Markets, at: int) -> int:
    loading_ppm = int(markets.factor_loading_ppm[at])
    low, high = crash.haven_ppm if loading_ppm < _HAVEN_BELOW_PPM else crash.major_ppm
    if loading_ppm > _MAJOR_UP_TO_PPM:
        low, high = crash.alt_ppm
    return Stream(seed, f"crash/{markets.names[at]}").between(low, high)


# ---- external rates -----------------------------------------------------------------------------------------------
def external_rates_ppm(
    regime: Regime, seed: int, markets: Markets, venues: int, step_ms: int, steps: int, hold_ms: int = 60_000
) -> Int64s:
    """Each external venue's Mark / Index - 1, ``int64[steps, venues, markets]`` in ppm.

    A constant of the market, uniform within +-``rate_base_ppm``, plus a venue's noise of deviation ``rate_noise_ppm``,
    drawn again every ``hold_ms``. Without noise all venues agree, and the array is a read-only view. Where a tape has
    rates, they are those of its markets.
    """
    most = regime.rate_base_ppm
    base = np.array([Stream(seed, f"rate/{name}").between(-most, most) for name in markets.names], dtype=np.int64)
    if regime.tape is not None and regime.tape.has_rates:
        return regime.tape.rates(markets, base, venues, step_ms, steps)
    if regime.rate_noise_ppm == 0:
        return np.broadcast_to(base, (steps, venues, len(markets)))
    held = max(1, hold_ms // step_ms)
    draws = -(-steps // held)
    rates = np.empty((draws, venues, len(markets)), dtype=np.int64)
    for at, name in enumerate(markets.names):
        noise = byte_sums(Stream(seed, f"rate-noise/{name}").words(draws * venues)) - 8 * 255 // 2
        rates[:, :, at] = base[at] + (noise * regime.rate_noise_ppm // _NOISE_DEVIATION).reshape(draws, venues)
    return np.repeat(rates, held, axis=0)[:steps]
