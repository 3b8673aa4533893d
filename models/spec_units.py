"""What the fields of a scenario may hold: ranges by unit, as every part of the typed data uses them."""

from __future__ import annotations

from typing import Annotated

from drydock.harness.port import Range

Millis = Annotated[int, Range(0, 86_400_000)]
Period = Annotated[int, Range(1, 86_400_000)]
Ppm = Annotated[int, Range(0, 1_000_000)]
Money = Annotated[int, Range(0, 1_000_000_000_000_000)]
Count = Annotated[int, Range(0, 1_000_000)]
