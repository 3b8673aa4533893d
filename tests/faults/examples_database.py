"""Examples of the faults of the database and of what is restored from it."""

from __future__ import annotations

from tests.faults.example import Example

EXAMPLES: list[Example] = []
