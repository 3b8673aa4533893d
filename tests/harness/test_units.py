"""Laws of quantities."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies as st

from drydock.harness.units import (
    BadQuantity,
    Unit,
    format_ms,
    format_ppm,
    format_quantity,
    format_usd,
    parse_quantity,
    unit_of,
)

AMOUNTS = st.integers(-(10**18), 10**18)
UNITS: tuple[Unit, ...] = ("ms", "ppm", "quantums", "usd")


@given(AMOUNTS, st.sampled_from(UNITS))
def test_a_quantity_written_and_read_again_is_the_same_integer(value: int, unit: Unit) -> None:
    """Formatting loses nothing, whatever the size and the sign."""
    assert value == parse_quantity(format_quantity(value, unit), unit)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("250ms", "ms", 250),
        ("4s", "ms", 4_000),
        ("1.5s", "ms", 1_500),
        ("15m", "ms", 900_000),
        ("1h30m", "ms", 5_400_000),
        ("1h 30m", "ms", 5_400_000),
        ("2d", "ms", 172_800_000),
        ("-3s", "ms", -3_000),
        (250, "ms", 250),
        ("20%", "ppm", 200_000),
        ("0.5%", "ppm", 5_000),
        ("5bps", "ppm", 500),
        ("12ppm", "ppm", 12),
        (12, "ppm", 12),
        ("$1,000", "quantums", 1_000_000_000),
        ("1000 USD", "quantums", 1_000_000_000),
        ("0.01", "quantums", 10_000),
        (7, "quantums", 7),
        ("1,234.56 USD", "usd", 1_234_560_000),
        ("1000", "usd", 1_000_000_000),
        (1000, "usd", 1_000_000_000),
    ],
)
def test_quantities_are_read_as_a_person_writes_them(text: int | str, unit: Unit, expected: int) -> None:
    """In milliseconds, parts per million, and quantums of 1e-6 USD."""
    assert expected == parse_quantity(text, unit)


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("4", "ms"), ("4 parsec", "ms"), ("30m1h", "ms"), ("5s5s", "ms"), ("0.5ms", "ms"), ("", "ms"), ("s", "ms"),
        ("20", "ppm"), ("0.1ppm", "ppm"), ("20%%", "ppm"),
        ("1000", "quantums"), ("$1,00", "quantums"), ("$5 USD", "usd"), ("0.0000001", "usd"), ("5 EUR", "usd"),
    ],
)  # fmt: skip
def test_what_is_ambiguous_or_finer_than_the_unit_is_refused(text: str, unit: Unit) -> None:
    """Nothing is rounded or guessed; the message shows the text."""
    with pytest.raises(BadQuantity, match=re.escape(f"'{text}' ")):
        parse_quantity(text, unit)


def test_the_unit_is_the_end_of_a_name_before_any_bound() -> None:
    """``early_ms_max`` is in milliseconds; ``streams`` has none."""
    names = ("delay_ms", "early_ms_max", "fee_ppm", "size_quantums", "usd_max", "streams", "max", "ms_window")
    assert ["ms", "ms", "ppm", "quantums", "usd", None, None, None] == [unit_of(name) for name in names]


def test_formats_are_short_and_plain() -> None:
    """As a report prints them."""
    assert ("0ms", "1h30m", "1m250ms", "-4s") == tuple(map(format_ms, (0, 5_400_000, 60_250, -4_000)))
    assert ("20%", "0.05%", "0.0001%", "-1%", "0%") == tuple(map(format_ppm, (200_000, 500, 1, -10_000, 0)))
    assert ("1234.56", "0.00", "-0.000001", "1.50") == tuple(map(format_usd, (1_234_560_000, 0, -1, 1_500_000)))
