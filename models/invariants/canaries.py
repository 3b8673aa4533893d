"""Wrong builds."""
from __future__ import annotations
from collections.abc import Sequence
from drydock.harness.port import Canary
def canaries() -> Sequence[Canary]:
    return ()
