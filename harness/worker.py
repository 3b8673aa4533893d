"""A worker whose runner was killed: it would wait for work for ever, and nobody would come for what it has started."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable

_last_things: list[Callable[[], object]] = []
_watched_by = 0  # the process that watches: a number, for a forked child inherits what it finds here


def end_with_runner(*last_things: Callable[[], object]) -> None:
    """In a worker: when its runner is gone, these are done, the latest first, and the process ends. Elsewhere nothing.

    They are done in a thread, beside the run that the worker is in, and should not raise.
    """
    global _watched_by
    if multiprocessing.parent_process() is None:
        return
    if _watched_by != os.getpid():
        _watched_by = os.getpid()
        _last_things.clear()
        threading.Thread(target=_watch, name="end with runner", daemon=True).start()
    _last_things.extend(last_things)


def _watch() -> None:
    runner = multiprocessing.parent_process()
    assert runner is not None
    runner.join()
    try:
        while _last_things:
            _last_things.pop()()
    finally:
        os._exit(1)
