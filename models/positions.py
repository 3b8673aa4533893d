"""Positions of customers, from a CSV file: who holds what, with how much collateral.

One line a position: ``account`` (a text, kept as given), ``market``, ``size`` (base units, signed) and
``collateral_usd`` of the account, the same on each of its lines. These are customer data. A case knows the file by
name and hash, accounts are numbers in everything that happens, and an id comes back only where a report shows it
(``models/names.py``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.models.csv_file import Cell, Column, Row, read_rows, refuse_byte_order_mark
from drydock.models.markets import Market, Markets
from drydock.models.perp.units import (
    INDEX_MAX,
    INDEX_SHIFT,
    PRICE_QUANTUMS_MAX,
    QUOTE_QUANTUMS_MAX,
    SIZE_QUANTUMS_MAX,
)

Ints = NDArray[np.int64]

_ACCOUNT, _MARKET, _SIZE, _COLLATERAL = "account", "market", "size", "collateral_usd"
_ENTRY, _FUNDING, _PROFIT, _LOSS = "entry_price_usd", "accrued_funding_usd", "take_profit_usd", "stop_loss_usd"
_USD = 1_000_000
_BILLION = Decimal(10**9)
_FINEST_SIZE = 10**12
_NONE = Decimal(0)
GROSS_SIZE_MAX = SIZE_QUANTUMS_MAX // 8 * 7  # of a market; an eighth is left for what the night adds

COLUMNS = (
    Column(_SIZE, _FINEST_SIZE, Decimal("-1e15"), Decimal("1e15")),
    Column(_COLLATERAL, _USD, -_BILLION, _BILLION),
    Column(_ENTRY, 0, Decimal("1e-12"), Decimal("1e12"), _NONE, may_be_empty=True),
    Column(_FUNDING, _USD, -_BILLION, _BILLION, _NONE, may_be_empty=True),
    Column(_PROFIT, 0, Decimal("1e-12"), Decimal("1e12"), _NONE, may_be_empty=True),
    Column(_LOSS, 0, Decimal("1e-12"), Decimal("1e12"), _NONE, may_be_empty=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Positions:
    """The people of a file, in the order in which it first names them, and their positions by (person, market).

    ``collateral`` (1e-6 USD) is per person. Per position: ``person`` from 0, ``market``, signed ``size`` quantums, the
    price ``entry`` at which it was opened (price quantums; 0 for the price at which the night begins), the ``funding``
    it has accrued and not paid (index units per size quantum: the distance of its cached index from today's), and the
    triggers ``take_profit`` and ``stop_loss`` (price quantums, 0 for none).
    """

    ids: tuple[str, ...] = field(repr=False)  # no traceback shows them
    collateral: Ints
    person: Ints
    market: Ints
    size: Ints
    entry: Ints
    funding: Ints
    take_profit: Ints
    stop_loss: Ints

    def portfolios(self) -> list[list[int]]:
        """The markets of each person."""
        bounds = np.searchsorted(self.person, np.arange(1, len(self.ids)))
        return [part.tolist() for part in np.split(self.market, bounds)]


def read_positions(path: Path, markets: Markets | None, mistakes: Mistakes) -> Positions | None:
    """The positions of a CSV file; None, and all its mistakes, where it has any.

    Sizes are rounded half to even to whole size quantums (worth 1 to 10 USD), prices to price quantums. Without
    ``markets`` (theirs are told elsewhere) only what does not need them is checked.
    """
    before = len(mistakes)
    refuse_byte_order_mark(path, mistakes)
    rows = read_rows(path, (_ACCOUNT, _MARKET), COLUMNS, mistakes)
    _check_names(rows, markets, mistakes)
    _check_collateral(rows, mistakes)
    if markets is None:
        return None
    whole = [row for row in rows if _SIZE in row and row[_MARKET].text in markets.names]
    held = [_position(row, markets, mistakes) for row in whole]
    _check_gross(whole, held, mistakes)
    _check_quote(whole, held, mistakes)
    return _positions(whole, held, markets) if len(mistakes) == before else None


# ---- a line --------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Position:
    size: int
    entry: int
    funding: int
    take_profit: int
    stop_loss: int


def _position(row: Row, markets: Markets, mistakes: Mistakes) -> _Position:
    market = markets[markets.index(row[_MARKET].text)]
    size = int(row[_SIZE].number.scaleb(market.size_exponent).to_integral_value())
    if abs(size) > SIZE_QUANTUMS_MAX:
        most = market.size_base(SIZE_QUANTUMS_MAX).normalize()
        told = f"{_SIZE}: {row[_SIZE].text} of {market.name} is more than is counted; allowed is up to {most:f}"
        mistakes.add(row[_SIZE].place, told)
    entry, profit, loss = (_price(row[name], name, market, mistakes) for name in (_ENTRY, _PROFIT, _LOSS))
    if profit and loss and (profit - loss) * size < 0:
        side, order = ("long", "above") if size > 0 else ("short", "below")
        mistakes.add(row[_PROFIT].place, f"{_PROFIT}: that of a {side} position is {order} its {_LOSS}")
    return _Position(size, entry, _funding(row[_FUNDING], size, mistakes), profit, loss)


def _price(cell: Cell, name: str, market: Market, mistakes: Mistakes) -> int:
    """Price quantums, 0 where none is given."""
    price = market.price_quantums(cell.number)
    if cell.text and not 1 <= price <= PRICE_QUANTUMS_MAX:
        least, most = (market.price_usd(bound).normalize() for bound in (1, PRICE_QUANTUMS_MAX))
        told = f"{name}: {cell.text} is no price of {market.name}, which is about {_reference(market):f}"
        mistakes.add(cell.place, f"{told}; allowed is {least:f} to {most:f}")
    return price


def _reference(market: Market) -> Decimal:
    return market.price_usd(market.reference_price_quantums).normalize()


def _funding(cell: Cell, size: int, mistakes: Mistakes) -> int:
    """``pnl / size`` in index units, rounded to the nearest: with ``cached = index + this``, -size * (index - cached)
    is the accrued funding.
    """
    if size == 0:
        return 0
    twice = (cell.value << (INDEX_SHIFT + 1)) // size
    per_quantum = (twice + 1) >> 1
    if abs(per_quantum) > INDEX_MAX // 2:  # the other half is for the index itself
        mistakes.add(cell.place, f"{_FUNDING}: {cell.text} is many times what the position is worth")
    return per_quantum


# ---- the whole file ------------------------------------------------------------------------------------------------
def _check_names(rows: Iterable[Row], markets: Markets | None, mistakes: Mistakes) -> None:
    """Every market is of the venue (told once a market), and every account has one position in each."""
    unknown: set[str] = set()
    first: dict[tuple[str, str], str] = {}
    for row in rows:
        account, market = row[_ACCOUNT], row[_MARKET]
        if markets is not None and market.text not in markets.names and market.text not in unknown and market.text:
            unknown.add(market.text)
            told = did_you_mean(market.text, markets.names)
            mistakes.add(market.place, f"{_MARKET}: unknown market '{market.text}'; {told}")
        if not account.text or not market.text:
            continue
        pair = (account.text, market.text)
        if pair in first:
            told = f"'{account.text}' has a position in {market.text} already, at {first[pair]}; net them into one"
            mistakes.add(account.place, f"{_ACCOUNT}: {told}")
        first.setdefault(pair, account.place)


def _check_collateral(rows: Iterable[Row], mistakes: Mistakes) -> None:
    """An account has one collateral, however many lines it has."""
    first: dict[str, Cell] = {}
    for row in rows:
        cell = row.get(_COLLATERAL)
        if cell is None or not cell.text:
            continue
        known = first.setdefault(row[_ACCOUNT].text, cell)
        if known.value != cell.value:
            told = f"'{row[_ACCOUNT].text}' has {cell.text} here and {known.text} at {known.place}"
            mistakes.add(cell.place, f"{_COLLATERAL}: {told}; it is that of the account, the same on each line")


def _check_gross(rows: list[Row], held: list[_Position], mistakes: Mistakes) -> None:
    """All positions of a market fit into one account: the vault may have to take them over."""
    gross: dict[str, int] = {}
    for row, position in zip(rows, held, strict=True):
        name = row[_MARKET].text
        before = gross.get(name, 0)
        gross[name] = before + abs(position.size)
        if before <= GROSS_SIZE_MAX < gross[name] and abs(position.size) <= SIZE_QUANTUMS_MAX:
            told = f"with this line the positions in {name} are more than one account could take over from all others"
            mistakes.add(row[_SIZE].place, f"{_SIZE}: {told}; are these base units?")


def _check_quote(rows: list[Row], held: list[_Position], mistakes: Mistakes) -> None:
    """What an account paid for its positions stays within what can be counted."""
    paid: dict[str, int] = {}
    for row, position in zip(rows, held, strict=True):
        name = row[_ACCOUNT].text
        paid[name] = paid.get(name, 0) + abs(position.size) * position.entry
        if paid[name] > QUOTE_QUANTUMS_MAX // 2:
            told = f"the positions of '{name}' cost more than can be counted; are {_SIZE} and {_ENTRY} in base units?"
            mistakes.add(row[_ENTRY].place, f"{_ENTRY}: {told}")
            paid[name] = 0


def _positions(rows: list[Row], held: list[_Position], markets: Markets) -> Positions:
    """The arrays, sorted by person and market. Funding of a position that was rounded to nothing is collateral."""
    ids = tuple(dict.fromkeys(row[_ACCOUNT].text for row in rows))
    number = {account: n for n, account in enumerate(ids)}
    person = [number[row[_ACCOUNT].text] for row in rows]
    market = [markets.index(row[_MARKET].text) for row in rows]
    collateral = [0] * len(ids)
    for n, row in zip(person, rows, strict=True):
        collateral[n] = row[_COLLATERAL].value
    for n, row, position in zip(person, rows, held, strict=True):
        collateral[n] += 0 if position.size else row[_FUNDING].value
    order = sorted(range(len(rows)), key=lambda at: (person[at], market[at]))

    def column(values: Iterable[int]) -> Ints:
        listed = list(values)
        return np.array([listed[at] for at in order], dtype=np.int64)

    return Positions(ids, np.array(collateral, np.int64), column(person), column(market), *map(column, _columns(held)))


def _columns(held: list[_Position]) -> Iterator[list[int]]:
    for name in ("size", "entry", "funding", "take_profit", "stop_loss"):
        yield [getattr(position, name) for position in held]
