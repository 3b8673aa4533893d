"""What is asked of a Docker engine: every way in which there is none is told in a few words."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import UnixStreamServer

import pytest

from drydock.models.postgres import engine
from drydock.models.postgres.choice import parse
from drydock.models.postgres.failures import CannotServe

Answer = tuple[int, str]
MINE = "a" * 64


@contextmanager
def listening(path: Path, answer: Callable[[str, str], Answer]) -> Iterator[str]:
    """The address of something that speaks HTTP; ``answer`` maps method and path to status and body."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            status, body = answer(self.command, self.path)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_GET = do_DELETE = do_POST = _answer

        def log_message(self, *_: object) -> None:
            """Nothing on stderr."""

        def address_string(self) -> str:
            return "here"

    with UnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"unix://{path}"
        server.shutdown()


def test_engine_is_where_the_environment_says() -> None:
    """DOCKER_HOST, and else the usual socket; empty is as if it were not set."""
    assert "unix:///var/run/docker.sock" == engine.address_in({}) == engine.address_in({"DOCKER_HOST": ""})
    assert "tcp://127.0.0.1:2375" == engine.address_in({"DOCKER_HOST": "tcp://127.0.0.1:2375"})


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("unix:///nowhere.sock", "No such file or directory"),
        ("tcp://127.0.0.1:1", "Connection refused"),
        ("tcp://127.0.0.1:what", "Port could not be cast"),
        ("tcp://engine.invalid:2376", "one of this machine"),
        ("ssh://engine.invalid", "one of this machine"),
        ("docker", "one of this machine"),
    ],
)
def test_every_absent_engine_is_told_from_the_others(address: str, why: str) -> None:
    """Nothing there, nobody listening, no address at all, or one that this machine's network is not shared with."""
    with pytest.raises(engine.EngineTrouble, match=why):
        engine.ping(address)


def test_what_listens_and_is_no_engine_is_none(tmp_path: Path) -> None:
    """A socket that answers something else is no engine."""
    with (
        listening(tmp_path / "s", lambda *_: (404, "what?")) as address,
        pytest.raises(engine.EngineTrouble, match="none"),
    ):
        engine.ping(address)


def test_choice_without_an_engine_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where was looked, why nobody answers, and what to do."""
    pytest.importorskip("testcontainers")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    with pytest.raises(CannotServe, match=r"^no Docker engine answers at \S+ \(No such .*\); start one"):
        parse("docker").settled()


def test_container_on_its_way_out_is_waited_for(tmp_path: Path) -> None:
    """The engine removes it already, and says that it is busy with it: gone is gone, whoever did it."""
    there = iter([(200, "{}"), (200, "{}"), (404, '{"message": "no such container"}')])

    def answer(method: str, path: str) -> Answer:
        if method == "DELETE":
            return 409, '{"message": "removal is already in progress"}'
        return (200, f'[{{"Id": "{MINE}"}}]') if path.startswith("/containers/json?") else next(there)

    with listening(tmp_path / "s", answer) as address:
        engine.remove_containers(address, "me")
    assert [] == list(there)


def test_container_that_is_being_made_is_waited_for(tmp_path: Path) -> None:
    """Whoever asked for it is gone, the engine makes it all the same, and then it is removed."""
    asked = []

    def answer(method: str, path: str) -> Answer:
        asked.append(method)
        if path.startswith("/containers/json?"):
            return 200, f'[{{"Id": "{MINE}"}}]' if len(asked) > 3 else "[]"
        return (204, "") if method == "DELETE" else (404, "")

    with listening(tmp_path / "s", answer) as address:
        engine.remove_containers(address, "me", patience_s=60.0)
    assert ["GET", "GET", "GET", "GET", "DELETE", "GET"] == asked


def test_engine_that_cannot_remove_is_quoted(tmp_path: Path) -> None:
    """Its own words, and which container it was."""

    def answer(method: str, _: str) -> Answer:
        return (500, '{"message": "device is busy"}') if method == "DELETE" else (200, f'[{{"Id": "{MINE}"}}]')

    with (
        listening(tmp_path / "s", answer) as address,
        pytest.raises(engine.EngineTrouble, match=r"^container aaaaaaaaaaaa cannot be removed: device is busy$"),
    ):
        engine.remove_containers(address, "me")


@pytest.mark.parametrize("status", [404, 409, 500])
def test_container_that_cannot_be_held_is_told(tmp_path: Path, status: int) -> None:
    """It is gone already, or the engine has its own trouble: nothing is held, and that is said."""
    with (
        listening(tmp_path / "s", lambda *_: (status, "")) as address,
        pytest.raises(engine.EngineTrouble, match=f"^container aaaaaaaaaaaa cannot be held: HTTP/1.. {status}"),
    ):
        engine.hold(address, MINE)
