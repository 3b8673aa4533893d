"""Reads a CSV file of exact decimal numbers, one named line a thing; every mistake has its line and column."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.harness.yaml_file import read_text


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers within [least, most]. ``scale`` makes the integer that is held; 0 leaves the decimal alone.

    Without a ``default`` the column must be there.
    """

    name: str
    scale: int
    least: Decimal
    most: Decimal
    default: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its place, ``file:line:column``: the number as written and the scaled integer."""

    place: str
    number: Decimal = Decimal(0)
    value: int = 0


def read_csv(path: Path, key: str, columns: Sequence[Column], mistakes: Mistakes) -> dict[str, dict[str, Cell]]:
    """The lines by their name in column ``key``, each with a Cell for every column and one for the key.

    What is wrong is added to ``mistakes``, and stands as 0 in a line that is kept so that its name counts as there;
    without a usable header there are no lines. Empty lines are skipped; a field does not span lines.
    """
    text = read_text(path, mistakes)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        return {}
    header = _header(f"{path}:{lines[0][0]}", lines[0][1], key, columns, mistakes)
    if header is None:
        return {}
    if len(lines) == 1:
        mistakes.add(f"{path}:{lines[0][0]}:1", f"there is a header but no {key} below it")
    rows: dict[str, dict[str, Cell]] = {}
    for number, line in lines[1:]:
        _read_line(f"{path}:{number}", line, header, key, columns, mistakes, rows)
    return rows


def _header(place: str, line: str, key: str, columns: Sequence[Column], mistakes: Mistakes) -> list[str] | None:
    """The names of the columns, or None if any is missing, unknown or there twice."""
    allowed = [key, *(column.name for column in columns)]
    before, names = len(mistakes), []
    separator = next((mark for mark in (";", "\t", "|") if mark in line and "," not in line), None)
    if separator is not None:
        mistakes.add(f"{place}:{line.index(separator) + 1}", f"fields are parted by {separator!r}; allowed is a comma")
        return None
    for at, name in _fields(line):
        if name not in allowed:
            mistakes.add(f"{place}:{at}", f"unknown column '{name}'; {did_you_mean(name, allowed)}")
        elif name in names:
            mistakes.add(f"{place}:{at}", f"column '{name}' is there twice; once is allowed")
        names.append(name)
    for name in [key, *(column.name for column in columns if column.default is None)]:
        if name not in names:
            mistakes.add(f"{place}:1", f"column '{name}' is missing; allowed: {', '.join(allowed)}")
    return names if len(mistakes) == before else None


def _read_line(
    place: str,
    line: str,
    header: list[str],
    key: str,
    columns: Sequence[Column],
    mistakes: Mistakes,
    rows: dict[str, dict[str, Cell]],
) -> None:
    fields = _fields(line)
    written = dict(zip(header, fields, strict=False))
    if len(fields) != len(header):
        mistakes.add(f"{place}:1", f"{len(fields)} fields under {len(header)} columns: {', '.join(header)}")
    if key not in written:
        return
    at, name = written[key]
    row = {key: Cell(f"{place}:{at}")}
    if not name:
        mistakes.add(f"{place}:{at}", f"the {key} has no name")
    elif not name.isprintable():
        mistakes.add(f"{place}:{at}", f"{key} {name!r} has a character that cannot be printed")
    elif name in rows:
        mistakes.add(f"{place}:{at}", f"{key} '{name}' is there twice; first at {rows[name][key].place}")
    rows.setdefault(name, row)
    if len(fields) == len(header):
        for column in columns:
            row[column.name] = _cell(place, column, written.get(column.name), mistakes)


def _cell(place: str, column: Column, written: tuple[int, str] | None, mistakes: Mistakes) -> Cell:
    """The cell of a column; where the column is not there, its default."""
    if written is None:
        default = column.default if column.default is not None else Decimal(0)
        return Cell(f"{place}:1", default, int(default * column.scale))
    at, text = written
    where, allowed = f"{place}:{at}", f"allowed is a number from {column.least:f} to {column.most:f}"
    try:
        number = Decimal(text)
    except InvalidOperation:
        mistakes.add(where, f"{column.name}: '{text}' is not a number; {allowed}")
        return Cell(where)
    if not number.is_finite() or not column.least <= number <= column.most:
        mistakes.add(where, f"{column.name}: {text} is out of range; {allowed}")
        return Cell(where)
    scaled = number * column.scale
    if scaled != scaled.to_integral_value():
        finest = (Decimal(1) / column.scale).normalize()
        mistakes.add(where, f"{column.name}: {text} is finer than {finest:f}, which is the smallest that is counted")
        return Cell(where)
    return Cell(where, number, int(scaled))


def _fields(line: str) -> list[tuple[int, str]]:
    """(column from 1, text without blanks around it) of every field of a line; quotes as in RFC 4180."""
    starts, quoted = [1], False
    for at, character in enumerate(line, 1):
        if character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            starts.append(at + 1)
    texts = next(csv.reader([line]))
    return [(start, text.strip()) for start, text in zip(starts, texts, strict=False)]
