"""Real servers for the tests of this folder: those of the wheel, and the system's own where there are any."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from drydock.models.postgres.choice import Choice, parse
from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.failures import CannotServe
from drydock.models.postgres.template import Template

REQUIRED = "DRYDOCK_REQUIRE_DOCKER"
"""Set to 1, no test may do without containers."""


@pytest.fixture(scope="session", params=["embedded", "system", pytest.param("docker", marks=pytest.mark.docker)])
def choice(request: pytest.FixtureRequest) -> Choice:
    """Where servers come from."""
    try:
        return parse(request.param).settled()
    except CannotServe as no:
        if request.param == "docker" and os.environ.get(REQUIRED) == "1":
            pytest.fail(str(no))
        pytest.skip(str(no))


@pytest.fixture(scope="session")
def template(choice: Choice) -> Iterator[Template]:
    """A host's template."""
    host = choice.open()
    yield Template(host)
    host.close()


@pytest.fixture
def cluster(template: Template) -> Iterator[Cluster]:
    """A cluster of one's own."""
    made = Cluster(template)
    yield made
    made.close()
