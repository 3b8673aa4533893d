"""The client's library for Docker, imported only where it is needed: that takes half a second."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from drydock.models.postgres import engine
from drydock.models.postgres.failures import CannotServe

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_CLIENT_LIMIT_S = 600  # how long the library waits for a word of the engine: longer than any program of ours
_WORDS_MAX = 400
OTHERWISE = "name another one in the environment variable DRYDOCK_POSTGRES_IMAGE, or take --postgres embedded or system"


def client_failures() -> tuple[type[Exception], ...]:
    """What can be raised: the library's own errors, those of HTTP and of the sockets below (``OSError``), and ours."""
    from docker.errors import DockerException

    return DockerException, OSError, engine.EngineTrouble


def words_of(error: Exception) -> str:
    """The engine's own words where there are any, on one line."""
    words = getattr(error, "explanation", None) or str(error) or type(error).__name__
    return " ".join(str(words).split())[:_WORDS_MAX]


def pull(image: str) -> None:
    """Has the engine get an image from its registry. Raises :exc:`CannotServe`."""
    import docker

    try:
        with closing(docker.from_env()) as client:
            client.images.pull(image)
    except client_failures() as error:
        raise CannotServe(
            f"the image {image} is not here and cannot be pulled ({words_of(error)}); load it, {OTHERWISE}"
        ) from error


def described(image: str, **settings: object) -> DockerContainer:
    """A container that is not made yet. Raises :exc:`CannotServe` where no engine answers."""
    from testcontainers.core.container import DockerContainer

    try:
        return DockerContainer(image, docker_client_kw={"timeout": _CLIENT_LIMIT_S}).with_kwargs(**settings)
    except client_failures() as error:
        raise CannotServe(
            f"no Docker engine answers at {engine.address_in()} ({words_of(error)}); start one, or take --postgres"
            " embedded or system"
        ) from error


def start(container: DockerContainer) -> str:
    """Makes and starts it; its id. Raises one of :func:`client_failures`.

    The library's reaper removes what a killed process left, and so does who holds a container (engine.py). As it is an
    image of its own, which not every registry has, it is left out where it is not here already; for this start only, as
    others in this process may want theirs.
    """
    from testcontainers.core.config import testcontainers_config

    was_disabled = testcontainers_config.ryuk_disabled
    if not engine.has_image(engine.address_in(), testcontainers_config.ryuk_image):
        testcontainers_config.ryuk_disabled = True
    try:
        return str(container.start().get_wrapped_container().id)
    finally:
        testcontainers_config.ryuk_disabled = was_disabled


def let_go(container: DockerContainer) -> None:
    """Closes the library's connections; the container itself is its owner's to remove."""
    with suppress(*client_failures()):
        container.get_docker_client().client.close()
