"""Examples of the faults of processes: how they die, wait, boot and read their clock."""

from __future__ import annotations

from tests.faults.example import Example

EXAMPLES: list[Example] = []
