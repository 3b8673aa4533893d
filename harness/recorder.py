"""Turns events into a digest while the run runs, and keeps them only where a reader asked for them."""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from drydock.harness.event import Event

_FLUSH_AT = 8192
_NONE = -(2**63)
_INT64 = np.dtype(np.int64)
_SMALL_ARRAY = 64  # up to here a list is cheaper than hashing the array by itself


class Recorder:
    """The digest covers each venue event: time, lane, kind, number, and its data, as packed 64-bit integers.

    Names (lanes, kinds, texts) enter once, as bytes, when they first occur, and afterwards as their number.
    Nothing of the machine or the clock and nothing of the harness channel is covered.
    """

    def __init__(self, keep: bool) -> None:
        self.kept: list[Event] | None = [] if keep else None
        self.count = 0
        self._hash = blake2b(digest_size=16)
        self._buffer: list[int] = []
        self._names: dict[str, int] = {}

    def code(self, name: str) -> int:
        """The number that stands for a name in the digest; new names are hashed once."""
        known = self._names.get(name)
        if known is None:
            known = self._names[name] = len(self._names)
            self._flush()
            self._hash.update(f"name {known} {name}\n".encode())
        return known

    def record(self, happened: Event) -> None:
        """Adds one event. ``TypeError`` where its data is not made of integers, texts and integer arrays."""
        at_ms, lane, kind, nth, _, data = happened
        if self.kept is not None:
            self.kept.append(happened)
        if data.is_harness_channel:
            return
        self.count += 1
        names, buffer = self._names, self._buffer
        if lane not in names or kind not in names:
            self.code(lane)
            self.code(kind)
        buffer += (at_ms, names[lane], names[kind], nth)
        if data.integers_only:
            buffer += data
        else:
            for value in data:
                if value.__class__ is int:
                    buffer.append(value)
                elif value.__class__ is np.ndarray:
                    self._add_array(value)
                else:
                    self._add(value)
        if len(buffer) > _FLUSH_AT:
            self._flush()

    def digest(self) -> str:
        """Hexadecimal digest of all that was recorded so far."""
        self._flush()
        return self._hash.hexdigest()

    def _add(self, value: Any) -> None:
        if isinstance(value, int):
            self._buffer.append(value)
        elif isinstance(value, str):
            self._buffer.append(self.code(value))
        elif value is None:
            self._buffer.append(_NONE)
        elif isinstance(value, tuple):
            self._buffer.append(len(value))
            for item in value:
                self._add(item)
        elif isinstance(value, np.ndarray):
            self._add_array(value)
        elif getattr(value, "is_view", False):
            return  # a view for laws; what it shows is covered by the event's other fields (the state root)
        else:
            self._refuse(value)

    def _add_array(self, value: NDArray[Any]) -> None:
        """Its size and its values in C order: the same bytes whether it joins the buffer or passes it."""
        size = value.size
        if value.dtype is _INT64 and size <= _SMALL_ARRAY and value.ndim == 1:
            self._buffer.append(size)
            self._buffer += value.tolist()
        elif value.dtype.kind in "iub":
            self._buffer.append(size)
            self._flush()
            self._hash.update(np.ascontiguousarray(value, dtype="<i8").tobytes())
        else:
            self._refuse(value)

    def _refuse(self, value: Any) -> NoReturn:
        raise TypeError(f"an event holds integers, texts and integer arrays, not {type(value).__name__}: {value!r}")

    def _flush(self) -> None:
        if self._buffer:
            # a third of the price of an array made of the list
            self._hash.update(struct.pack(f"<{len(self._buffer)}q", *self._buffer))
            self._buffer.clear()
