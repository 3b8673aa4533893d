"""Human quantities into integers and back, by the unit in which a field's name ends. Exact: no float anywhere.

============ ======================================= ===================== =====================
unit         a text may be                           a whole number means  held as
============ ======================================= ===================== =====================
``ms``       ``250ms 4s 1.5s 15m 1h30m 2d``          milliseconds          milliseconds
``ppm``      ``20% 0.5% 5bps 12ppm``                 parts per million     parts per million
``quantums`` ``$1,000 1000 USD 0.01``                quantums of 1e-6 USD  quantums of 1e-6 USD
``usd``      the same, and ``1000``                  USD                   quantums of 1e-6 USD
============ ======================================= ===================== =====================

A quantity that is no whole number of its unit (``0.5ms``) is refused, not rounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Unit = Literal["ms", "ppm", "quantums", "usd"]

QUANTUMS_PER_USD = 1_000_000
_MS = {"ms": 1, "s": 1_000, "m": 60_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_PPM = {"%": 10_000, "bps": 100, "bp": 100, "ppm": 1}
_UNITS: tuple[Unit, ...] = ("ms", "ppm", "quantums", "usd")
_QUALIFIERS = frozenset(("min", "max", "mean", "least", "most"))

_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_SPAN = re.compile(rf"\s*({_NUMBER})\s*(ms|s|min|m|h|d)")
_RATIO = re.compile(rf"([-+]?)({_NUMBER})\s*(%|bps|bp|ppm)\Z")
_MONEY = re.compile(r"([-+]?)(\$?)((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)\s*((?:USD)?)\Z")

EXAMPLES: dict[Unit, str] = {
    "ms": "a duration such as 250ms, 4s, 1h30m, or whole milliseconds",
    "ppm": "a ratio such as 20%, 5bps, 12ppm, or whole parts per million",
    "quantums": "an amount such as $1,000 or 1000 USD, or whole quantums of 1e-6 USD",
    "usd": "an amount such as $1,000, 1000 USD, or whole USD",
}


@dataclass(frozen=True, slots=True)
class In:
    """Gives a field a unit that its name does not end in: ``share_max: Annotated[int, In("ppm")]``."""

    unit: Unit


class BadQuantity(ValueError):
    """A text that is no quantity of the unit; the message says what is allowed."""


def unit_of(name: str) -> Unit | None:
    """The unit in which a name ends, before any ``min``, ``max`` or ``mean``: ``early_ms_max`` is in ms."""
    for token in reversed(name.split("_")):
        for unit in _UNITS:
            if token == unit:
                return unit
        if token not in _QUALIFIERS:
            return None
    return None


def parse_quantity(value: int | str, unit: Unit) -> int:
    """The integer for a value as a person writes it. Raises :exc:`BadQuantity`; signs are allowed, ranges decide."""
    if isinstance(value, int):
        return value * QUANTUMS_PER_USD if unit == "usd" else value
    text = value.strip()
    parsers = {"ms": _parse_ms, "ppm": _parse_ppm, "quantums": _parse_quantums, "usd": _parse_usd}
    exact = parsers[unit](text)
    if exact is None:
        raise BadQuantity(f"'{value}' cannot be read; allowed: {EXAMPLES[unit]}")
    if exact.denominator != 1:
        smallest = {"ms": "1ms", "ppm": "1ppm", "quantums": "0.000001 USD", "usd": "0.000001 USD"}[unit]
        raise BadQuantity(f"'{value}' is finer than {smallest}, which is the smallest that is counted")
    return exact.numerator


def format_quantity(value: int, unit: Unit) -> str:
    """The shortest text that :func:`parse_quantity` takes back to the same integer."""
    if unit == "ms":
        return format_ms(value)
    return format_ppm(value) if unit == "ppm" else f"{format_usd(value)} USD"


def format_ms(value_ms: int) -> str:
    """``4s``, ``1h30m``, ``1m250ms``; parts that are zero are left out, and zero itself is ``0ms``."""
    if value_ms == 0:
        return "0ms"
    left, parts = abs(value_ms), []
    for name in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, _MS[name])
        if count:
            parts.append(f"{count}{name}")
    return ("-" if value_ms < 0 else "") + "".join(parts)


def format_ppm(value_ppm: int) -> str:
    """``20%``, ``0.05%``: percent, exactly."""
    whole, rest = divmod(abs(value_ppm), 10_000)
    digits = f"{rest:04d}".rstrip("0")
    return f"{'-' if value_ppm < 0 else ''}{whole}{'.' if digits else ''}{digits}%"


def format_usd(value_quantums: int) -> str:
    """``1234.56``: USD as a decimal text, exactly, with two digits at least and six at most."""
    whole, rest = divmod(abs(value_quantums), QUANTUMS_PER_USD)
    digits = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{'-' if value_quantums < 0 else ''}{whole}.{digits}"


def _parse_ms(text: str) -> Fraction | None:
    sign, span = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    total, end, last = Fraction(0), 0, None
    for part in _SPAN.finditer(span):
        size = _MS[part[2]]
        if part.start() != end or (last is not None and size >= last):
            return None  # 30m1h and 5s5s are slips of the pen
        total, end, last = total + Fraction(part[1]) * size, part.end(), size
    return sign * total if last is not None and end == len(span) else None


def _parse_ppm(text: str) -> Fraction | None:
    match = _RATIO.match(text)
    if not match:
        return None
    return Fraction(match[1] + match[2]) * _PPM[match[3]]


def _parse_quantums(text: str) -> Fraction | None:
    match = _MONEY.match(text)
    # '1000' in quotes beside 1000 would differ by a million: a text must look like money.
    return _parse_usd(text) if match and (match[2] or match[4] or "." in text) else None


def _parse_usd(text: str) -> Fraction | None:
    match = _MONEY.match(text)
    if not match or (match[2] and match[4]):
        return None
    return Fraction(match[1] + match[3].replace(",", "")) * QUANTUMS_PER_USD
