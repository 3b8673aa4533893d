"""Real servers for the tests of this folder: those of the wheel, and the system's own where there are any."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from drydock.models.kit import VenueKit
from drydock.models.postgres.choice import Choice
from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.template import Template
from tests.models.postgres.real import POSTGRES
from tests.models.postgres.served import settled

SERVERS = pytest.mark.servers


@pytest.fixture(
    scope="session",
    params=[
        pytest.param("embedded", marks=SERVERS),
        pytest.param("system", marks=[SERVERS, pytest.mark.system]),
        pytest.param("docker", marks=pytest.mark.docker),
    ],
)
def choice(request: pytest.FixtureRequest) -> Choice:
    """Where servers come from."""
    return settled(request.param)


@pytest.fixture(scope="session")
def template(choice: Choice) -> Iterator[Template]:
    """A host's template."""
    host = choice.open()
    yield Template(host)
    host.close()


@pytest.fixture(scope="session")
def kit(choice: Choice) -> Iterator[VenueKit]:
    """The venue's kit on such servers."""
    with VenueKit().on(POSTGRES, choice.kind) as made:
        yield made


@pytest.fixture
def cluster(template: Template) -> Iterator[Cluster]:
    """A cluster of one's own."""
    made = Cluster(template)
    yield made
    made.close()
