"""Reads a YAML or JSON file as plain data, with the place of every value.

YAML 1.2, and of that only what a scenario needs. ruamel.yaml gives the events of its parser; the data is built here,
so that ``on``, ``NO`` and ``12:30`` stay texts, a duplicated key never wins silently, an alias (and so a billion
laughs) or a tag (and so code) never gets in, and every complaint has its line and column. One file of 60 steps: 20 ms.

A number with a decimal point is refused: what enters a run is made of integers, and ``0.5`` does not say of what.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from ruamel.yaml.reader import ReaderError

from drydock.harness.mistakes import Mistakes
from drydock.harness.places import DataPath, Places, Position
from drydock.harness.port import Plain

_DEPTH_MAX = 50
_INT = re.compile(r"[-+]?[0-9]+\Z")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z"
    r"|[-+]?(\.(inf|Inf|INF)|Infinity)\Z|\.(nan|NAN)\Z|\.?NaN\Z"
)
_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


def read_yaml(path: str | Path) -> tuple[Plain, Places]:
    """The data of a YAML or JSON file and the place of every value.

    Raises :exc:`drydock.harness.mistakes.BadFile` with all that is wrong: not readable, not UTF-8, empty, syntax,
    duplicated keys, aliases, tags, tabs, numbers with a decimal point.
    """
    mistakes = Mistakes()
    data, places = read_plain(path, mistakes)
    mistakes.raise_if_any()
    return data, places


def read_plain(path: str | Path, mistakes: Mistakes) -> tuple[Plain, Places]:
    """As :func:`read_yaml`, but adds to ``mistakes``, so that those in the data can join them.

    Data that could not be read at all is None; a value that could not is None in its place.
    """
    file, folder = str(path), Path(path).parent
    before = len(mistakes)
    text = read_text(Path(path), mistakes)
    if len(mistakes) > before:
        return None, Places(file, folder)
    if file.endswith(".json"):
        return parse_json(text, file, mistakes, folder)
    return parse_yaml(text, file, mistakes, folder)


def read_text(path: Path, mistakes: Mistakes) -> str:
    """The text of a file; what prevents reading it becomes one mistake, and the text is empty."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        mistakes.add(str(path), "there is no such file")
    except IsADirectoryError:
        mistakes.add(str(path), "is a folder; name a file")
    except OSError as error:
        mistakes.add(str(path), f"cannot be read: {error.strerror or error}")
    else:
        return _decode(raw, str(path), mistakes)
    return ""


def _decode(raw: bytes, file: str, mistakes: Mistakes) -> str:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        mistakes.add(file, "is UTF-16 text; save it as UTF-8")
        return ""
    try:
        text = raw.decode("utf-8-sig")  # a byte order mark in front is harmless, editors write it
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        mistakes.add(f"{file}:{line}:{column}", f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8")
        return ""
    if not text.strip():
        mistakes.add(file, "is empty")
    return text


def parse_yaml(text: str, file: str, mistakes: Mistakes, folder: Path | None = None) -> tuple[Plain, Places]:
    """The data of a YAML text. Adds to ``mistakes`` whatever can be told; syntax ends the reading."""
    builder = _Builder(file, mistakes)
    before = len(mistakes)
    data = None
    try:
        data = builder.document(YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as error:
        _add_syntax_error(text, file, error, mistakes)
    except ReaderError as error:
        mistakes.add(_place_at(text, file, error.position), f"the character {error.character!r} is not allowed")
    except YAMLError as error:
        mistakes.add(file, str(error).splitlines()[0])
    except StopIteration:
        mistakes.add(file, "says nothing" if len(mistakes) == before else "ends too early")
    return data, Places(file, folder or Path(file).parent, builder.values, builder.keys)


def parse_json(text: str, file: str, mistakes: Mistakes, folder: Path | None = None) -> tuple[Plain, Places]:
    """The data of a JSON text. Positions cost a second reading as YAML, of which JSON is a part."""
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        mistakes.add(
            f"{file}:{error.lineno}:{error.colno}",
            f"is no JSON: {error.msg[0].lower()}{error.msg[1:].removesuffix(' at')}",
        )
        return None, Places(file, folder or Path(file).parent)
    except RecursionError:
        mistakes.add(file, "is nested too deeply")
        return None, Places(file, folder or Path(file).parent)
    # JSON allows tabs between tokens and nowhere else; the YAML reading must not trip over them.
    _, places = parse_yaml(text.replace("\t", " "), file, mistakes, folder)
    return data, places


def parse_value(text: str, place: str, mistakes: Mistakes) -> Plain:
    """The value of ``--set PATH=VALUE``: a scalar or a list or mapping in flow style, read as a file would be."""
    inner = Mistakes()
    data, _ = parse_yaml(text, "value", inner)
    for mistake in inner:
        mistakes.add(place, f"value '{text}': {mistake.message}")
    return data


def _add_syntax_error(text: str, file: str, error: MarkedYAMLError, mistakes: Mistakes) -> None:
    tabs = [n for n, line in enumerate(text.splitlines(), 1) if re.match(r" *\t", line)]
    if tabs and "\\t" in str(error.problem):
        for number in tabs:
            column = text.splitlines()[number - 1].index("\t") + 1
            mistakes.add(f"{file}:{number}:{column}", "a tab; YAML is indented with spaces")
        return
    mark = error.problem_mark or error.context_mark
    place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
    mistakes.add(place, _syntax_sentence(error))


def _place_at(text: str, file: str, position: int) -> str:
    before = text[:position]
    return f"{file}:{before.count(chr(10)) + 1}:{position - before.rfind(chr(10))}"


def _syntax_sentence(error: MarkedYAMLError) -> str:
    problem = str(error.problem or "this cannot be read")
    if "mapping values are not allowed" in problem:
        return "a second ': ' in one line; quote the text, or begin a new line"
    if "cannot start any token" in problem:
        return f"{problem.replace('that cannot', 'cannot').replace(' any token', ' a value')}; quote the text"
    began = error.context_mark
    if error.context and began and began is not error.problem_mark:
        return f"{problem} {error.context} that began at line {began.line + 1}, column {began.column + 1}"
    return problem


class _Builder:
    """Builds plain data from the parser's events and notes where everything stands."""

    def __init__(self, file: str, mistakes: Mistakes) -> None:
        self.file = file
        self.mistakes = mistakes
        self.values: dict[DataPath, Position] = {}
        self.keys: dict[DataPath, Position] = {}

    def document(self, events: Iterator[Any]) -> Plain:
        """The one document of a stream."""
        while not isinstance(next(events), DocumentStartEvent):
            pass
        data = self._node(next(events), events, ())
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._complain(event, "a second document begins; one file holds one")
            if isinstance(event, StreamEndEvent):
                break
        return data

    def _node(self, event: Any, events: Iterator[Any], path: DataPath) -> Plain:
        self.values[path] = _position(event)
        if isinstance(event, AliasEvent):
            return self._refuse(event, f"the alias '*{event.anchor}' is not allowed; write the value out")
        if event.anchor:
            self._complain(event, f"the anchor '&{event.anchor}' is not allowed; write values out where they are used")
        if event.tag and event.tag != "!":
            self._complain(event, f"the tag '{event.tag}' is not allowed; files hold data, never code")
        if len(path) > _DEPTH_MAX:
            raise YAMLError(f"nested more than {_DEPTH_MAX} deep")
        if isinstance(event, MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(events, path)
        return self._scalar(event)

    def _mapping(self, events: Iterator[Any], path: DataPath) -> dict[str, Plain]:
        data: dict[str, Plain] = {}
        while not isinstance(event := next(events), MappingEndEvent):
            key = self._key(event, events, path)
            place = (*path, key)
            if key in data:
                line, column = self.keys[place]
                self._complain(event, f"the key '{key}' is there twice; first at line {line}, column {column}")
                place = (*path, key, "(again)")
            self.keys[place] = _position(event)
            value = self._node(next(events), events, place)
            if value is None and _INT.match(key) and event.implicit[0]:
                self._complain(event, f"'{key}' stands alone: a comma ends an entry; quote a number like '1,000'")
            data.setdefault(key, value)
        return data

    def _key(self, event: Any, events: Iterator[Any], path: DataPath) -> str:
        if isinstance(event, ScalarEvent):
            return str(event.value)
        self._complain(event, "a key is a text, not a list, a mapping or an alias")
        self._node(event, events, (*path, "(key)"))
        return "(key)"

    def _sequence(self, events: Iterator[Any], path: DataPath) -> list[Plain]:
        data: list[Plain] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            data.append(self._node(event, events, (*path, len(data))))
        return data

    def _scalar(self, event: Any) -> Plain:
        text: str = event.value
        if not event.implicit[0]:  # quoted, a block of text, or tagged
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if _INT.match(text):
            return self._integer(event, text)
        if _FLOAT.match(text):
            return self._refuse(event, f"{text} is no whole number; {_in_units(text)}")
        return text

    def _integer(self, event: Any, text: str) -> Plain:
        if len(text.lstrip("+-")) > 1 and text.lstrip("+-").startswith("0"):
            return self._refuse(event, f"{text} begins with a zero; write {int(text)}, or quote a text")
        if len(text) > 30:
            return self._refuse(event, "a number of more than 30 digits; quote a text")
        return int(text)

    def _refuse(self, event: Any, message: str) -> Any:
        """A complaint about a value, which is None from then on."""
        self._complain(event, message)
        return None

    def _complain(self, event: Any, message: str) -> None:
        line, column = _position(event)
        self.mistakes.add(f"{self.file}:{line}:{column}", message)


def _in_units(text: str) -> str:
    return f"give it a unit, as in 20%, {text.lstrip('+-')}s or ${text.lstrip('+-')}, or write a whole number"


def _position(event: Any) -> Position:
    return event.start_mark.line + 1, event.start_mark.column + 1
