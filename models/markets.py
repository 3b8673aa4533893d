"""The markets of a venue: contract terms from a CSV file, as arrays of integers.

A file has one line a market. ``market imf_pct price_band_pct funding_period_h max_funding_rate_pct_per_period`` must be
there; the other columns of ``COLUMNS`` may be. Reference prices and open-interest shares may stand in a second file.
Every mistake of a file is told, with its line and column.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.models.csv_file import Cell, Column, read_csv

Int64s = NDArray[np.int64]

DATA = Path(__file__).parent / "data"
PARADEX_MARKETS = DATA / "paradex_markets_2026-01-16.csv"
PARADEX_REFERENCE = DATA / "paradex_reference_2026-01-19.csv"

PPM = 1_000_000
MMF_SHARE_PPM = 500_000
_HOUR_MS = 3_600_000
_PCT = 10_000
_REFERENCE_DIGITS = 6  # the reference price has seven digits in price quantums

_NAME = "market"
_PRICE = "reference_price_usd"
_SHARE = "open_interest_share_pct"
_LOADING = "common_factor_loading_pct"

# name, scale to the integer held, least, most, default (None: the column must be there)
COLUMNS = (
    Column("imf_pct", _PCT, Decimal("0.1"), Decimal(100)),
    Column("price_band_pct", _PCT, Decimal("0.1"), Decimal(100)),
    Column("funding_period_h", _HOUR_MS, Decimal("0.01"), Decimal(24)),
    Column("max_funding_rate_pct_per_period", _PCT, Decimal(0), Decimal(100)),
    Column("mark_ewma_weight_pct", _PCT, Decimal("0.1"), Decimal(100), Decimal(20)),
    Column("max_open_orders", 1, Decimal(0), Decimal(1_000_000), Decimal(75)),
    Column("min_order_usd", PPM, Decimal(0), Decimal(1_000_000), Decimal(10)),
)
REFERENCE_COLUMNS = (
    Column(_PRICE, 0, Decimal("1e-12"), Decimal("1e12"), Decimal(1)),
    Column(_SHARE, _PCT, Decimal(0), Decimal(100), Decimal(-1)),
    Column(_LOADING, _PCT, Decimal(-300), Decimal(300), Decimal(100)),
)


@dataclass(frozen=True, slots=True)
class Market:
    """The terms of one market.

    ``size_exponent`` is k: a size quantum is 10^-k base units, a price quantum 10^(k-6) USD per base unit.
    """

    name: str
    imf_ppm: int
    mmf_ppm: int
    band_ppm: int
    period_ms: int
    rate_cap_ppm: int
    ewma_ppm: int
    orders_max: int
    order_quantums_min: int
    reference_price_quantums: int
    size_exponent: int
    open_interest_share_ppm: int
    factor_loading_ppm: int

    def price_quantums(self, price_usd: Decimal | int | str) -> int:
        """A price in USD per base unit as price quantums, rounded half to even."""
        return int((Decimal(price_usd).scaleb(6 - self.size_exponent)).to_integral_value())

    def price_usd(self, price_quantums: int) -> Decimal:
        """Price quantums as USD per base unit; exact."""
        return Decimal(int(price_quantums)).scaleb(self.size_exponent - 6)

    def size_base(self, size_quantums: int) -> Decimal:
        """Size quantums as base units; exact."""
        return Decimal(int(size_quantums)).scaleb(-self.size_exponent)


@dataclass(frozen=True, slots=True, eq=False)
class Markets:
    """All markets of a venue, column by column, in the order of their file. See ``Market`` for the fields."""

    names: tuple[str, ...]
    imf_ppm: Int64s
    mmf_ppm: Int64s
    band_ppm: Int64s
    period_ms: Int64s
    rate_cap_ppm: Int64s
    ewma_ppm: Int64s
    orders_max: Int64s
    order_quantums_min: Int64s
    reference_price_quantums: Int64s
    size_exponent: Int64s
    open_interest_share_ppm: Int64s
    factor_loading_ppm: Int64s

    @classmethod
    def of(cls, markets: Iterable[Market]) -> Markets:
        """The columns of these markets. ``ValueError`` without any; the arrays are read-only."""
        rows = tuple(markets)
        if not rows:
            raise ValueError("a venue needs at least one market")
        columns = {name: np.array([getattr(row, name) for row in rows], dtype=np.int64) for name in _NUMBERS}
        for column in columns.values():
            column.flags.writeable = False
        return cls(tuple(row.name for row in rows), **columns)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, position: int) -> Market:
        return Market(self.names[position], **{name: int(getattr(self, name)[position]) for name in _NUMBERS})

    def index(self, name: str) -> int:
        """The position of a market; ``KeyError`` that says what there is."""
        try:
            return self.names.index(name)
        except ValueError:
            raise KeyError(f"no market '{name}'; {did_you_mean(name, self.names)}") from None

    def subset(self, names: Sequence[str]) -> Markets:
        """These markets only, in this order; their shares of open interest are scaled to 100 % again."""
        return Markets.of(_with_shares([self[self.index(name)] for name in names]))


_NUMBERS = tuple(field.name for field in fields(Market) if field.name != "name")


def paradex_markets() -> Markets:
    """The 117 perpetual markets of Paradex on 16 January 2026, with assumed prices and shares (data/README.md)."""
    return read_markets(PARADEX_MARKETS, PARADEX_REFERENCE)


def read_markets(path: Path | str, reference: Path | str | None = None, mmf_share_ppm: int = MMF_SHARE_PPM) -> Markets:
    """The markets of a CSV file. Raises ``mistakes.BadFile`` with every mistake of both files.

    Without a reference price a market is quoted at 1 USD, without shares all markets have equal open interest: both are
    assumptions that a venue with real positions replaces. MMF = ``mmf_share_ppm`` of IMF (Paradex: 50 %), rounded up.
    """
    mistakes = Mistakes()
    columns = COLUMNS + REFERENCE_COLUMNS if reference is None else COLUMNS
    rows = read_csv(Path(path), _NAME, columns, mistakes)
    extra: dict[str, dict[str, Cell]] = {}
    if reference is not None:
        extra = read_csv(Path(reference), _NAME, REFERENCE_COLUMNS, mistakes)
        for name in rows if extra else ():
            if name not in extra:
                mistakes.add(rows[name][_NAME].place, f"market '{name}' has no line in {reference}")
    mistakes.raise_if_any()
    _check_shares(extra or rows, mistakes)
    mistakes.raise_if_any()
    markets = [_market(name, row | extra.get(name, {}), mmf_share_ppm) for name, row in rows.items()]
    return Markets.of(_with_shares(markets))


def _check_shares(rows: dict[str, dict[str, Cell]], mistakes: Mistakes) -> None:
    given = [row[_SHARE] for row in rows.values() if row[_SHARE].value >= 0]
    total = sum(cell.value for cell in given)
    if given and abs(total - PPM) > PPM // 1_000:
        percent = Decimal(total) / _PCT
        mistakes.add(given[0].place, f"the shares of {_SHARE} add up to {percent} %; they must be 100 %")


def _market(name: str, row: dict[str, Cell], mmf_share_ppm: int) -> Market:
    imf_ppm = row["imf_pct"].value
    price, exponent = _reference(row[_PRICE].number)
    return Market(
        name=name,
        imf_ppm=imf_ppm,
        mmf_ppm=-(-imf_ppm * mmf_share_ppm // PPM),
        band_ppm=row["price_band_pct"].value,
        period_ms=row["funding_period_h"].value,
        rate_cap_ppm=row["max_funding_rate_pct_per_period"].value,
        ewma_ppm=row["mark_ewma_weight_pct"].value,
        orders_max=row["max_open_orders"].value,
        order_quantums_min=row["min_order_usd"].value,
        reference_price_quantums=price,
        size_exponent=exponent,
        open_interest_share_ppm=row[_SHARE].value,
        factor_loading_ppm=row[_LOADING].value,
    )


def _reference(price_usd: Decimal) -> tuple[int, int]:
    """(price quantums, size exponent): k is the exponent of the price's first digit, so the quantums have seven digits.

    price / 10^(k - 6) with 10^k <= price < 10^(k+1), rounded down to keep it below 10^7.
    """
    exponent = price_usd.adjusted()
    return int(price_usd.scaleb(_REFERENCE_DIGITS - exponent)), exponent


def _with_shares(markets: list[Market]) -> list[Market]:
    """The markets with shares that add up to exactly 1e6 ppm: in proportion, by largest remainder, first come first.

    Markets without a share (-1) get the mean of the others, or all the same.
    """
    known = [market.open_interest_share_ppm for market in markets if market.open_interest_share_ppm >= 0]
    mean = max(1, sum(known) // len(known)) if known else 1
    weights = [market.open_interest_share_ppm if market.open_interest_share_ppm >= 0 else mean for market in markets]
    total = sum(weights) or 1
    shares = [weight * PPM // total for weight in weights]
    by_remainder = sorted(range(len(markets)), key=lambda at: (-(weights[at] * PPM % total), at))
    for at in by_remainder[: PPM - sum(shares)]:
        shares[at] += 1
    return [replace(market, open_interest_share_ppm=share) for market, share in zip(markets, shares, strict=True)]
