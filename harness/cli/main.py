"""``drydock``: the one place where every way to fail becomes an exit code and a sentence.

Python ends with status 1 on an uncaught exception, and 1 reads as NO-GO. So nothing is uncaught here, and nothing but
the standard library is imported before the net is spread: a broken installation exits 4 and says so.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from drydock.harness.cli import exits


class Terminated(BaseException):
    """SIGTERM arrived; unwinds like Ctrl-C, so that what exists can be written on the way out."""


def main() -> NoReturn:
    """The console script. Never returns: whoever calls it cannot forget to pass the exit code on."""
    sys.exit(answer(sys.argv[1:]))


def answer(arguments: Sequence[str]) -> int:
    """Runs one command line and returns its exit code. Raises nothing; messages go to stderr."""
    try:
        before = _hear_sigterm()
        try:
            _forgive_encodings()
            code = _dispatch(list(arguments))
            sys.stdout.flush()
            return code
        finally:
            _unhear_sigterm(before)
    except BaseException as error:
        return _explain(error, is_verbose=_asks_for_detail(arguments))


def _dispatch(arguments: list[str]) -> int:
    """Not ``click.Command.main``: that one turns a broken pipe into status 1, and 1 is a NO-GO."""
    from click.exceptions import Exit

    from drydock.harness.cli.commands import complete, drydock

    if "_DRYDOCK_COMPLETE" in os.environ:
        return complete()
    try:
        with drydock.make_context("drydock", arguments) as context:
            code = drydock.invoke(context)
    except Exit as leaving:
        return leaving.exit_code
    if not isinstance(code, int):
        raise RuntimeError(f"the command ended without an exit code (it returned {code!r})")
    return code


def _explain(error: BaseException, *, is_verbose: bool) -> int:
    """One exception, told: its exit code, and on stderr what a user can do with it."""
    try:
        if isinstance(error, SystemExit):
            return error.code if isinstance(error.code, int) else exits.HARNESS_FAILED
        if isinstance(error, BrokenPipeError):
            _close_stdout()
            return exits.BROKEN_PIPE
        if isinstance(error, Terminated):
            return _say("Stopped by SIGTERM before there was a verdict: INCONCLUSIVE.", exits.TERMINATED)
        if isinstance(error, KeyboardInterrupt):
            return _say("Stopped before there was a verdict: INCONCLUSIVE.", exits.INTERRUPTED)
        told = _explain_mistake(error)
        return _explain_failure(error, is_verbose) if told is None else told
    except BrokenPipeError:
        _close_stdout()
        return exits.BROKEN_PIPE


def _explain_mistake(error: BaseException) -> int | None:
    """Bad usage and bad files, all mistakes printed, one a line; None where the error is none of the user's.

    An exception of a class exists only if the module of that class was imported: asking for no import here keeps the
    net free of the very thing that may be broken.
    """
    mistakes, click = sys.modules.get("drydock.harness.mistakes"), sys.modules.get("click")
    database = sys.modules.get("drydock.harness.database")
    if mistakes is not None and isinstance(error, mistakes.BadFile):
        return _say(str(error), exits.USAGE)
    if database is not None and isinstance(error, database.NoDatabase):
        return _say(str(error), exits.USAGE)
    if click is not None and isinstance(error, click.ClickException):
        error.show(sys.stderr)
        return exits.USAGE
    return None


def _explain_failure(error: BaseException, is_verbose: bool) -> int:
    database = sys.modules.get("drydock.harness.database")
    where = " This installation is incomplete or broken." if isinstance(error, ImportError) else ""
    text = " ".join(str(error).split()).rstrip(".") or "no further words"
    kind = "" if database is not None and isinstance(error, database.DatabaseFailed) else f"{type(error).__name__}: "
    lines = [f"drydock failed: {kind}{text}.{where}"]
    if is_verbose:
        lines.append("".join(traceback.format_exception(error)).rstrip())
    else:
        lines.append("This is a failure of the harness, no judgement of the scenario. Again with -v: the traceback.")
    return _say("\n".join(lines), exits.HARNESS_FAILED)


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr, flush=True)
    return code


def _asks_for_detail(arguments: Sequence[str]) -> bool:
    return any(a == "--verbose" or (a[:1] == "-" and a[1:2] != "-" and set(a[1:]) == {"v"}) for a in arguments)


def _close_stdout() -> None:
    """Nobody reads any more: what the interpreter still flushes when it ends goes nowhere, and not into a message."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            os.dup2(nowhere, stream.fileno())
        except (OSError, ValueError):
            continue


def _forgive_encodings() -> None:
    """A terminal that knows ASCII only shows an escape: a dot that cannot be printed is no failure of the harness."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(OSError):  # a stream that somebody redirected under our feet stays as it is
                stream.reconfigure(errors="backslashreplace")


def _hear_sigterm() -> signal._HANDLER | None:
    try:
        return signal.signal(signal.SIGTERM, _terminate)
    except ValueError:  # not the main thread: whoever embeds us decides
        return None


def _unhear_sigterm(before: signal._HANDLER | None) -> None:
    if before is not None:
        signal.signal(signal.SIGTERM, before)


def _terminate(signum: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
