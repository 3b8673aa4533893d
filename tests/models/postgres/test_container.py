"""Servers in containers: reached as those of this machine are, and gone with whoever started them."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from drydock.models.postgres import container, engine, owner
from drydock.models.postgres.choice import Choice, parse
from drydock.models.postgres.client import described
from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.failures import CannotServe, DiskFull, PostgresFailed
from drydock.models.postgres.host import Host
from drydock.models.postgres.template import Template
from tests.models.postgres.ledger import Ledger, first, rows
from tests.models.postgres.served import settled

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

pytestmark = pytest.mark.docker

LIMIT_S = 60.0
RUNNER = """
import os, signal, sys
from drydock.models.postgres import engine
from drydock.models.postgres.choice import parse
from drydock.models.postgres.template import Template

def told(address, container, hold=engine.hold):
    print(container, flush=True)
    if "made" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
    return hold(address, container)

engine.hold = told
host = parse("docker").open()
if "serving" in sys.argv:
    Template(host).clone().start()
os.kill(os.getpid(), signal.SIGTERM if "asked" in sys.argv else signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def docker() -> Choice:
    """The choice of containers, where an engine answers."""
    return settled("docker")


@pytest.fixture
def host(docker: Choice) -> Iterator[Host]:
    """A container of one's own."""
    made = docker.open()
    yield made
    made.close()


def is_there(name: str) -> bool:
    """Whether the engine knows it, in whatever state."""
    return name in engine.containers_of(engine.address_in())


def mine() -> set[str]:
    """The labels of this process's containers; others may use the same engine."""
    return {
        it for it in engine.owners_of_containers(engine.address_in()) if it.startswith(f"{os.getuid()}-{os.getpid()}-")
    }


def disappears(name: str) -> bool:
    """Whether a container goes without anybody's doing."""
    limit = time.perf_counter() + LIMIT_S
    while is_there(name) and time.perf_counter() < limit:
        pass
    return not is_there(name)


def ended(point: str) -> str:
    """Starts a runner that ends by a signal at this point; the container that it had."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, point], capture_output=True, text=True, check=False, timeout=LIMIT_S,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert done.returncode, done.stderr
    had = done.stdout.strip()
    assert 64 == len(had), done.stderr
    return had


# ---- a host like any other -------------------------------------------------------------------------------------------
def test_story_of_a_night_goes_as_on_any_host(host: Host) -> None:
    """Start, crash and recovery, a standby behind its gate, promotion: all above the host is as it was."""
    cluster = Cluster(Template(host))
    ledger = Ledger(cluster)
    ledger.commit(4)
    cluster.crash()
    cluster.recover()
    assert first(4) == rows(cluster.connection)
    assert first(2) == ledger.seen_by("standby-1", 2)
    cluster.promote("standby-1", ledger.at[3])
    assert first(3) == rows(cluster.connection)
    cluster.close()


def test_host_tells_what_it_is(docker: Choice, host: Host) -> None:
    """The image by its name, and the version of the programs in it."""
    assert docker.name == host.name
    assert f" (PostgreSQL) {host.version}." in host.run("postgres", "--version")


def test_text_arrives_as_it_is_and_is_nobody_elses_business(host: Host) -> None:
    """Quotes, dollars and lines survive every shell on the way; only the servers' user may read it."""
    path, text = f"{host.root}/it", "a 'b' \"c\" $HOME `d` \\n %s\nlast line"
    host.write_text(path, text)
    assert text == host.read_text(path)
    assert "600 postgres" == host.run("stat", "-c", "%a %U", path)
    host.remove_tree(path)
    assert "" == host.read_text(path)


def test_program_that_fails_is_told_in_its_own_words(host: Host) -> None:
    """Which program, in which image, and what it said."""
    with pytest.raises(PostgresFailed, match=r"^pg_ctl in a container of .* failed \(\d+\): .* not a database"):
        host.run("pg_ctl", "start", "-D", host.root)


def test_program_that_is_not_done_in_time_is_ended(host: Host) -> None:
    """Its time is limited, whatever it waits for."""
    with pytest.raises(PostgresFailed, match=r"^sleep in docker .* was not done within 1 s$"):
        host.run("sleep", "60", timeout_s=1)


def test_nothing_runs_where_nothing_was_started(host: Host) -> None:
    """Neither a directory without a server nor one that is not there has a server, and halting it is nothing."""
    host.halt(f"{host.root}/nowhere")
    assert not host.is_running(f"{host.root}/nowhere")


# ---- nothing is left -------------------------------------------------------------------------------------------------
def test_closed_host_leaves_no_container(docker: Choice) -> None:
    """It is gone when ``close`` returns, and closing again is nothing."""
    before = mine()
    host = docker.open()
    (label,) = mine() - before
    host.close()
    host.close()
    assert label not in mine()


@pytest.mark.parametrize("point", ["idle", "serving"])
def test_killed_runner_leaves_no_container(docker: Choice, point: str) -> None:
    """The container goes by itself: its only input was the connection by which the runner held it."""
    assert disappears(ended(point))


def test_runner_that_is_asked_to_end_leaves_no_container(docker: Choice) -> None:
    """SIGTERM is an end like any other."""
    assert disappears(ended("asked"))


def test_sweep_removes_what_was_made_and_never_held(docker: Choice) -> None:
    """Killed between the making and the holding, a runner leaves one that waits for ever: its label is found."""
    never_held = ended("made")
    assert is_there(never_held)
    owner.sweep()
    assert not is_there(never_held)


def test_container_without_a_record_is_removed_by_the_next(
    docker: Choice, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The engine may finish it when its owner, and what it wrote down, are gone: the label tells who that was."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TMPDIR", str(tmp_path))
        alone = ended("made")
    assert is_there(alone)
    docker.open().close()
    assert not is_there(alone)


def test_sweep_leaves_the_containers_of_the_living_alone(host: Host) -> None:
    """Those of a parallel run go on serving."""
    owner.sweep()
    owner.claim("docker").close()
    assert host.run("postgres", "--version")


# ---- what cannot be met ----------------------------------------------------------------------------------------------
def test_image_without_a_registry_is_one_sentence(docker: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which image, why not, and what to do instead; nothing is left behind."""
    monkeypatch.setenv("DRYDOCK_POSTGRES_IMAGE", "registry.invalid/postgres:18")
    with pytest.raises(CannotServe, match=r"^the image registry.invalid/postgres:18 is not here and cannot be pulled"):
        parse("docker").settled()


def test_engine_of_another_machine_is_refused(docker: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its containers would be reached nowhere, and would not reach the proxies; none is left behind."""
    before = mine()
    monkeypatch.setattr(container, "_kernel_here", lambda: ["net:[1]", "another"])
    with pytest.raises(CannotServe, match=r"^the Docker engine at \S+ does not run its containers on this machine"):
        docker.open()
    assert before == mine()


@pytest.mark.parametrize("size", ["1m", "26m", "32m", "38m"])
def test_full_disk_is_one_sentence(docker: Choice, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """Full in the initialisation, in a copy, at a start: it says whose disk that is; no container is left."""
    before = mine()

    def small(image: str, **settings: object) -> DockerContainer:
        return described(image, **settings).with_tmpfs_mount(tempfile.gettempdir(), f"size={size}")

    monkeypatch.setattr(container, "described", small)
    with pytest.raises(
        DiskFull, match=r"^no room for .* in a container of .*; make room where the Docker engine keeps"
    ):
        fill(docker)
    assert before == mine()


def fill(docker: Choice) -> None:
    """One server and a standby."""
    template = docker.template()
    with closing(template), closing(Cluster(template)) as cluster:
        cluster.standby("standby-1", cluster.flush_lsn())


def test_image_without_postgresql_is_refused(docker: Choice, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked for is not in it: another one has to be named, and no container is left behind."""
    before = mine()
    monkeypatch.setattr(container, "_LOOK", container._LOOK.replace("postgres", "nothing"))
    with pytest.raises(CannotServe, match=r"^the image \S+ holds no PostgreSQL; name another one in "):
        docker.open()
    assert before == mine()
