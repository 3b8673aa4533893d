"""One example a kind of fault: what holds for every fault is tried on it.

Each family of faults keeps its examples in a file of its own; a new fault adds one line to the one where it belongs.
"""

from __future__ import annotations

from tests.faults import examples_database, examples_first, examples_operators, examples_outside, examples_processes
from tests.faults.example import Example

FAMILIES = (examples_first, examples_processes, examples_database, examples_outside, examples_operators)
EXAMPLES: dict[str, Example] = {example.fault.kind: example for family in FAMILIES for example in family.EXAMPLES}
