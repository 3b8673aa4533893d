"""A trace as a file for readers: JSON Lines, a header, then an event a line, the harness channel included.

Nothing reads a trace back: to judge again, simulate again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from drydock.harness.event import Event, identity_text
from drydock.harness.port import Plain

SCHEMA = "drydock.trace/1"


def trace_lines(case: Plain, digest: str, events: Sequence[Event]) -> Iterator[str]:
    """The lines of the file, keys sorted, so that equal runs give equal bytes."""
    yield _line({"schema": SCHEMA, "case": case, "digest": digest})
    for happened in events:
        yield _line(_plain_event(happened))


def _plain_event(happened: Event) -> dict[str, Plain]:
    data = happened.data
    return {
        "at_ms": happened.at_ms,
        "id": identity_text(happened.identity),
        "cause": None if happened.cause is None else identity_text(happened.cause),
        "kind": happened.kind,
        "lane": happened.lane,
        "channel": "harness" if data.is_harness_channel else "venue",
        "data": {name: plain(value) for name, value in zip(data._fields, data, strict=True)},
    }


def plain(value: Any) -> Plain:
    """An event's value as JSON has it: arrays become lists, an identity its text."""
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return value.tolist()
    if getattr(value, "is_view", False):
        return None  # a view for laws, valid only while the run runs
    raise TypeError(f"an event holds integers, texts and integer arrays, not {type(value).__name__}")


def _line(record: Plain) -> str:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
