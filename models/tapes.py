"""Price tapes: what the outside market did in a night that somebody recorded, from a CSV file.

A line says what a market's price is from a time on: prices are piecewise constant, as the oracle's are. A market's
first price also holds before its first line, its last one for ever; markets that are not in the tape stay flat at their
reference price. A column ``external_rate_ppm`` is what all external venues say (mark over index minus one) from then
on; without it their rates are those of the regime ``flat``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.models.csv_file import Cell, Column, Row, read_rows, refuse_byte_order_mark
from drydock.models.markets import Market, Markets

Int64s = NDArray[np.int64]

_TIME, _MARKET, _PRICE, _RATE = "time_s", "market", "price_usd", "external_rate_ppm"
_RATE_PPM_MAX = 500_000
_FALL_MAX, _RISE_MAX = 20, 8  # a price is between a 20th of the reference price and 8 times it, as in every regime
COLUMNS = (
    Column(_TIME, 1_000, Decimal(0), Decimal(86_400)),
    Column(_PRICE, 0, Decimal("1e-12"), Decimal("1e12")),
    Column(_RATE, 1, Decimal(-_RATE_PPM_MAX), Decimal(_RATE_PPM_MAX), Decimal(_RATE_PPM_MAX + 1)),
)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One market of a tape: what holds from each of these rising times on."""

    at_ms: Int64s
    price_quantums: Int64s
    rate_ppm: Int64s

    def rows(self, step_ms: int, steps: int) -> Int64s:
        """Which line holds at each step."""
        times_ms = np.arange(steps, dtype=np.int64) * step_ms
        return np.maximum(np.searchsorted(self.at_ms, times_ms, side="right") - 1, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """The tracks of a tape by market."""

    tracks: Mapping[str, Track]
    has_rates: bool

    def prices(self, markets: Markets, step_ms: int, steps: int) -> Int64s:
        """Spot prices ``int64[steps, markets]`` in price quantums."""
        spot = np.repeat(markets.reference_price_quantums[None, :], steps, axis=0)
        for at, name in enumerate(markets.names):
            if track := self.tracks.get(name):
                spot[:, at] = track.price_quantums[track.rows(step_ms, steps)]
        return spot

    def rates(self, markets: Markets, base: Int64s, venues: int, step_ms: int, steps: int) -> Int64s:
        """External rates ``int64[steps, venues, markets]`` in ppm; ``base`` are those of markets without a track."""
        rates = np.repeat(base[None, :], steps, axis=0)
        for at, name in enumerate(markets.names):
            if track := self.tracks.get(name):
                rates[:, at] = track.rate_ppm[track.rows(step_ms, steps)]
        return np.broadcast_to(rates[:, None, :], (steps, venues, len(markets)))


def read_tape(path: Path, markets: Markets | None, mistakes: Mistakes) -> Tape | None:
    """The tape of a CSV file; None, and all its mistakes, where it has any.

    Without ``markets`` (theirs are told elsewhere) only what does not need them is checked.
    """
    before = len(mistakes)
    refuse_byte_order_mark(path, mistakes)
    lines: dict[str, list[Row]] = {}
    for row in read_rows(path, (_MARKET,), COLUMNS, mistakes):
        if row[_MARKET].text:  # a line without a market was told of
            lines.setdefault(row[_MARKET].text, []).append(row)
    for rows in lines.values():
        _check_times(rows, mistakes)
    if markets is None:
        return None
    tracks = {name: _track(rows, markets, mistakes) for name, rows in lines.items()}
    found = {name: track for name, track in tracks.items() if track is not None}
    if len(mistakes) > before:
        return None
    return Tape(found, all(int(track.rate_ppm.max()) <= _RATE_PPM_MAX for track in found.values()))


def _check_times(rows: list[Row], mistakes: Mistakes) -> None:
    """The times of a market rise from line to line."""
    last: Cell | None = None
    for cell in (row[_TIME] for row in rows if _TIME in row):
        if not cell.text:
            continue  # what is wrong with this cell was told
        if last is not None and cell.value <= last.value:
            told = f"time goes back to {cell.text} s" if cell.value < last.value else f"{cell.text} s is there twice"
            mistakes.add(cell.place, f"{_TIME}: {told}; before it is {last.text} s at {last.place}")
        last = cell


def _track(rows: list[Row], markets: Markets, mistakes: Mistakes) -> Track | None:
    name = rows[0][_MARKET]
    if name.text not in markets.names:
        mistakes.add(name.place, f"unknown market '{name.text}'; {did_you_mean(name.text, markets.names)}")
        return None
    market = markets[markets.index(name.text)]
    whole = [row for row in rows if _PRICE in row]
    columns = (
        [row[_TIME].value for row in whole],
        [_price(row[_PRICE], market, mistakes) for row in whole],
        [row[_RATE].value for row in whole],
    )
    return Track(*(np.array(column, dtype=np.int64) for column in columns))


def _price(cell: Cell, market: Market, mistakes: Mistakes) -> int:
    """The price in quantums, rounded half to even; a mistake far from the reference price."""
    price, reference = market.price_quantums(cell.number), market.reference_price_quantums
    if cell.text and not reference // _FALL_MAX <= price <= reference * _RISE_MAX:
        least, most = (market.price_usd(bound).normalize() for bound in (reference // _FALL_MAX, reference * _RISE_MAX))
        told = f"{_PRICE}: {cell.text} is far from the reference price of {market.name}"
        mistakes.add(cell.place, f"{told}; allowed is {least:f} to {most:f}, or give the market another reference")
    return price
