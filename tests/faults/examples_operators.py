"""Examples of the faults of operators, policies and safeguards."""

from __future__ import annotations

from tests.faults.example import Example

EXAMPLES: list[Example] = []
