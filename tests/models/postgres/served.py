"""Where real servers of tests come from: a test without its kind of server is skipped, where it may be."""

from __future__ import annotations

import os

import pytest

from drydock.models.postgres.choice import Choice, parse
from drydock.models.postgres.failures import CannotServe

REQUIRED = {"docker": "DRYDOCK_REQUIRE_DOCKER", "embedded": "DRYDOCK_REQUIRE_POSTGRES"}
"""Set to 1, no test may do without containers, or without the servers of the wheel."""


def settled(kind: str) -> Choice:
    """The choice of this kind; where there is none, the test is skipped, or fails, for that reason."""
    try:
        return parse(kind).settled()
    except CannotServe as no:
        required = REQUIRED.get(kind, "")
        if os.environ.get(required) == "1":
            pytest.fail(f"{required}=1, but {no}")
        pytest.skip(str(no))
