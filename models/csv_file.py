"""Reads CSV files of names and exact decimal numbers; every mistake has its line and column, all are told together."""

from __future__ import annotations

import codecs
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

    Without a ``default`` the column must be there; with ``may_be_empty`` an empty cell stands for the default.
    """

    name: str
    scale: int
    least: Decimal
    most: Decimal
    default: Decimal | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """A value with its place, ``file:line:column``: a name as written, or a number as written and as scaled integer."""

    place: str
    number: Decimal = Decimal(0)
    value: int = 0
    text: str = ""


Row = dict[str, Cell]
"""A line by column. Where a line has too many fields or too few, only its names are there."""


def read_csv(path: Path, key: str, columns: Sequence[Column], mistakes: Mistakes) -> dict[str, Row]:
    """The lines by their name in column ``key``, which stands once; see ``read_rows``."""
    rows: dict[str, Row] = {}
    for row in read_rows(path, (key,), columns, mistakes):
        name = row[key]
        if name.text in rows:
            if name.text:
                told = f"{key} '{name.text}' is there twice; first at {rows[name.text][key].place}"
                mistakes.add(name.place, told)
        else:
            rows[name.text] = row
    return rows


def read_rows(path: Path, names: Sequence[str], columns: Sequence[Column], mistakes: Mistakes) -> list[Row]:
    """The lines in their order, each with a Cell for every column of ``names`` (texts) and ``columns`` (numbers).

    What is wrong is added to ``mistakes``, and stands as 0 in a line that is kept so that its name counts as there;
    without a usable header there are no lines. Empty lines are skipped; a field does not span lines.
    """
    text = read_text(path, mistakes)
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        return []
    header = _header(f"{path}:{lines[0][0]}", lines[0][1], names, columns, mistakes)
    if header is None:
        return []
    if len(lines) == 1:
        mistakes.add(f"{path}:{lines[0][0]}:1", f"there is a header but no {names[0]} below it")
    read = (_row(f"{path}:{number}", line, header, names, columns, mistakes) for number, line in lines[1:])
    return [row for row in read if row is not None]


def refuse_byte_order_mark(path: Path, mistakes: Mistakes) -> None:
    """A mistake where a file of customers or prices begins with a byte order mark, or has one inside.

    In front it says that a spreadsheet has written the file, which may have rounded long numbers and ids on the way;
    inside, that two files were joined. A file that is not there is for the reader to tell.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return
    for number, line in enumerate(lines, 1):
        at = line.find(codecs.BOM_UTF8)
        if at >= 0:
            told = "there is a byte order mark, as spreadsheets write it; save the file as UTF-8 without one"
            mistakes.add(f"{path}:{number}:{len(line[:at].decode('utf-8', 'replace')) + 1}", told)


def _header(
    place: str, line: str, keys: Sequence[str], columns: Sequence[Column], mistakes: Mistakes
) -> list[str] | None:
    """The names of the columns, or None if any is missing, unknown or there twice."""
    allowed = [*keys, *(column.name for column in columns)]
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
    for name in [*keys, *(column.name for column in columns if column.default is None)]:
        if name not in names:
            mistakes.add(f"{place}:1", f"column '{name}' is missing; allowed: {', '.join(allowed)}")
    return names if len(mistakes) == before else None


def _row(
    place: str, line: str, header: list[str], keys: Sequence[str], columns: Sequence[Column], mistakes: Mistakes
) -> Row | None:
    """A line; None where it ends before its names."""
    fields = _fields(line)
    written = dict(zip(header, fields, strict=False))
    if len(fields) != len(header):
        mistakes.add(f"{place}:1", f"{len(fields)} fields under {len(header)} columns: {', '.join(header)}")
    if any(key not in written for key in keys):
        return None
    row = {key: _name(place, key, *written[key], mistakes) for key in keys}
    if len(fields) == len(header):
        for column in columns:
            row[column.name] = _cell(place, column, written.get(column.name), mistakes)
    return row


def _name(place: str, key: str, at: int, name: str, mistakes: Mistakes) -> Cell:
    if not name:
        mistakes.add(f"{place}:{at}", f"the {key} has no name")
    elif not name.isprintable():
        mistakes.add(f"{place}:{at}", f"{key} {name!r} has a character that cannot be printed")
    return Cell(f"{place}:{at}", text=name)


def _cell(place: str, column: Column, written: tuple[int, str] | None, mistakes: Mistakes) -> Cell:
    """The cell of a column; where the column is not there, its default."""
    at, text = written or (1, "")
    if written is None or (column.may_be_empty and not text):
        default = column.default if column.default is not None else Decimal(0)
        return Cell(f"{place}:{at}", default, int(default * column.scale))
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
    return Cell(where, number, int(scaled), text)


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
