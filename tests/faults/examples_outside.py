"""Examples of the faults of what comes from outside and of messages."""

from __future__ import annotations

from tests.faults.example import Example

EXAMPLES: list[Example] = []
