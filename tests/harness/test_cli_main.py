"""The net around every command: each way to fail has its exit code and a sentence, and no traceback reaches a user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import click
import pytest

from drydock.harness.cli import commands, exits
from drydock.harness.cli.main import answer
from drydock.harness.mistakes import BadFile, Mistake

HEAVY = (
    "hypothesis",
    "simpy",
    "numpy",
    "faker",
    "pydantic",
    "rich",
    "ruamel",
    "yaml",
    "jinja2",
    "junitparser",
    "psycopg",
    "testcontainers",
    "docker",
)

Capture = pytest.CaptureFixture[str]
Patch = pytest.MonkeyPatch


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter that imports what this one imports: the wheel under tox, else the checkout."""
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment},
        check=False,
    )


@pytest.fixture
def plant(monkeypatch: Patch) -> Callable[[Callable[[], object]], None]:
    """Puts a body in the place of the command ``doctor``."""

    def planted(body: Callable[[], object]) -> None:
        command = click.Command("doctor", callback=body)
        monkeypatch.setattr(commands.LazyGroup, "get_command", lambda *_: command)

    return planted


def raising(error: BaseException) -> Callable[[], object]:
    """A command that ends with this exception."""

    def body() -> object:
        raise error

    return body


# ---- start ----------------------------------------------------------------------------------------------------------
def test_help_imports_nothing_heavy() -> None:
    """``drydock --help`` loads no library that a command needs and no command."""
    program = (
        "import sys\nfrom drydock.harness.cli.main import answer\ncode = answer(['--help'])\n"
        f"heavy = [m for m in {HEAVY!r} if m in sys.modules]\n"
        "eager = [m for m in sys.modules if m.startswith('drydock.harness.cli.gonogo')]\n"
        "print(code, heavy, eager, file=sys.stderr)"
    )
    assert "0 [] []\n" == python("-c", program).stderr


def test_help_tells_every_command_and_every_exit_code(capsys: Capture) -> None:
    """The help lists the whole table of commands and the contract of exit codes."""
    assert exits.GO == answer(["--help"])
    told = capsys.readouterr().out
    assert [] == [entry.name for entry in commands.COMMANDS if f"  {entry.name} " not in told]
    assert [] == [code for code, _ in exits.MEANINGS if f"  {code} " not in told]


@pytest.mark.parametrize("entry", commands.COMMANDS, ids=lambda entry: entry.name)
def test_every_command_of_the_table_exists_and_helps(entry: commands.Entry, capsys: Capture) -> None:
    """Each name of the table is a command with a help of its own."""
    assert exits.GO == answer([entry.name, "--help"])
    assert f"drydock {entry.name}" in capsys.readouterr().out


def test_python_dash_m_is_the_same_command() -> None:
    """``python -m drydock`` answers as ``drydock`` does."""
    done = python("-m", "drydock", "--version")
    assert (0, "drydock ") == (done.returncode, done.stdout[:8])


# ---- bad usage ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Commands:"),
        (["gonog"], "did you mean 'gonogo'"),
        (["matrix", "x"], "there is no command 'matrix'"),
        (["--helo"], "No such option"),
        (["run"], "Missing argument"),
        (["run", "x", "--tise", "fifo"], "No such option"),
        (["run", "x", "--ties", "random"], "'seeded', 'fifo'"),
        (["run", "x", "--seed", "-1"], "x>=0"),
        (["replay", "x", "--until", "30"], "a duration with its unit, such as 250ms"),
        (["catalogue", "fautls"], "did you mean 'faults'"),
        (["schema", "scenrio"], "did you mean 'scenario'"),
        (["run", "x", "-q", "-v"], "contradict"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_usage_exits_2_and_says_what_is_allowed(arguments: list[str], said: str, capsys: Capture) -> None:
    """A slip of the pen is answered on stderr with what is allowed; stdout stays empty."""
    assert exits.USAGE == answer(arguments)
    told = capsys.readouterr()
    assert ("", True) == (told.out, said in told.err)


def test_all_mistakes_of_a_file_are_told_one_a_line(plant: Callable[..., None], capsys: Capture) -> None:
    """A bad file exits 2 with every mistake, in the order of the file."""
    plant(raising(BadFile([Mistake("a.yaml:9:1", "second"), Mistake("a.yaml:2:1", "first")])))
    assert exits.USAGE == answer(["doctor"])
    assert "a.yaml:2:1: first\na.yaml:9:1: second\n" == capsys.readouterr().err


# ---- failures of the harness ----------------------------------------------------------------------------------------
def test_a_failure_is_one_sentence_and_exits_4(plant: Callable[..., None], capsys: Capture) -> None:
    """An uncaught exception must not read as a NO-GO: exit 4, a sentence, no traceback."""
    plant(raising(KeyError("BTC-USD-PERP")))
    assert exits.HARNESS_FAILED == answer(["doctor"])
    told = capsys.readouterr().err
    assert told.startswith("drydock failed: KeyError: 'BTC-USD-PERP'.\n")
    assert (True, False) == ("Again with -v" in told, "Traceback" in told)


def test_verbose_shows_the_traceback_of_a_failure(monkeypatch: Patch, capsys: Capture) -> None:
    """``-v`` is how to see more."""
    monkeypatch.setitem(sys.modules, "drydock.harness.cli.doctor", None)
    assert exits.HARNESS_FAILED == answer(["doctor", "-v"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_a_broken_import_exits_4_and_says_so(monkeypatch: Patch, capsys: Capture) -> None:
    """A command whose module cannot be imported is a broken installation, not a NO-GO."""
    monkeypatch.setitem(sys.modules, "drydock.harness.cli.doctor", None)
    assert exits.HARNESS_FAILED == answer(["doctor"])
    assert "This installation is incomplete or broken." in capsys.readouterr().err


def test_without_click_the_exit_is_still_4() -> None:
    """Not even the command line's own library is needed to fail in order."""
    program = "import sys; sys.modules['click'] = None; from drydock.harness.cli.main import main; main()"
    done = python("-c", program, "gonogo", "x")
    assert (4, True, False) == (done.returncode, "broken" in done.stderr, "Traceback" in done.stderr)


def test_a_command_that_forgets_its_exit_code_is_a_failure(plant: Callable[..., None], capsys: Capture) -> None:
    """Saying nothing is never 0."""
    plant(lambda: None)
    assert exits.HARNESS_FAILED == answer(["doctor"])
    assert "without an exit code" in capsys.readouterr().err


# ---- interruption ---------------------------------------------------------------------------------------------------
def test_ctrl_c_exits_130(plant: Callable[..., None], capsys: Capture) -> None:
    """Ctrl-C before there is a verdict is INCONCLUSIVE, in a sentence."""
    plant(raising(KeyboardInterrupt()))
    assert exits.INTERRUPTED == answer(["doctor"])
    assert "INCONCLUSIVE" in capsys.readouterr().err


def test_sigterm_exits_143(plant: Callable[..., None], capsys: Capture) -> None:
    """SIGTERM unwinds the command as Ctrl-C does; the handler that was there before is put back."""
    before = signal.getsignal(signal.SIGTERM)
    plant(lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert exits.TERMINATED == answer(["doctor"])
    assert "INCONCLUSIVE" in capsys.readouterr().err
    assert before == signal.getsignal(signal.SIGTERM)


def test_a_reader_who_left_is_no_failure() -> None:
    """``drydock --help | head -0`` ends without a message, and not with the exit of a NO-GO."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "drydock", "--help"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        stdout=writer,
        stderr=subprocess.PIPE,
        timeout=120,
        check=False,
    )
    os.close(writer)
    assert (exits.BROKEN_PIPE, b"") == (done.returncode, done.stderr)


def test_an_ascii_terminal_is_no_failure(plant: Callable[..., None]) -> None:
    """What a terminal's encoding cannot show is escaped."""
    program = (
        "import click, sys\nfrom drydock.harness.cli import commands, main\n"
        "body = click.Command('doctor', callback=lambda: print('a \\u00b7 b') or 0)\n"
        "commands.LazyGroup.get_command = lambda *_: body\nsys.exit(main.answer(['doctor']))"
    )
    done = python("-c", program, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (0, "a \\xb7 b\n") == (done.returncode, done.stdout)


# ---- several verdicts -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("codes", "together"),
    [([0], 0), ([0, 3], 3), ([0, 3, 1], 1), ([1, 4, 3, 0], 4), ([0, 0], 0), ([4, 130], 130), ([], 3)],
)
def test_the_worst_of_several_verdicts_is_the_exit(codes: list[int], together: int) -> None:
    """4 before 1 before 3 before 0; of nothing, INCONCLUSIVE."""
    assert together == exits.worst(codes)
