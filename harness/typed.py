"""Frozen dataclasses from plain data, with all mistakes and their places; and back.

A walker of our own rather than a pydantic ``TypeAdapter``: quantities are parsed by the unit in a field's name before
any bound applies, a key that is wrong is shown at the key and not at its value, bounds are told in the field's unit,
and of a union only the member that ``kind`` names may complain. Each of these would have to be undone and rewritten
around pydantic, which takes 0.3 s to import and to build its first model; this takes none.

It understands ``int str bool Any``, ``Literal``, ``X | None``, ``tuple[X, ...]``, ``tuple[X, Y]``, ``Mapping[str, X]``,
nested dataclasses, unions of dataclasses told apart by ``kind``, and ``Annotated`` with a
:class:`~drydock.harness.port.Range` or a unit (:class:`~drydock.harness.units.In`).
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, TypeVar, Union, get_args, get_origin, get_type_hints

from drydock.harness.mistakes import Mistakes, did_you_mean
from drydock.harness.places import DataPath, key_place, path_text
from drydock.harness.port import Plain, Range, Where
from drydock.harness.units import EXAMPLES, BadQuantity, In, Unit, format_usd, parse_quantity, unit_of

T = TypeVar("T")
_NoneType = type(None)


class _Wrong:
    """Stands for a value that could not be made; None is a value."""


WRONG = _Wrong()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a field may hold: its type without annotations, its unit and bounds, whether a file must give it."""

    name: str
    hint: Any
    unit: Unit | None
    bounds: Range | None
    is_required: bool

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of a ``Literal``, both truths of a ``bool``; empty for everything else."""
        if get_origin(self.hint) is Literal:
            return get_args(self.hint)
        return (False, True) if self.hint is bool else ()


class _At(NamedTuple):
    path: DataPath
    where: Where
    mistakes: Mistakes

    def down(self, part: str | int) -> _At:
        return _At((*self.path, part), self.where, self.mistakes)

    def complain(self, message: str) -> _Wrong:
        self.mistakes.add(self.where(self.path), _told(self.path, message))
        return WRONG

    def complain_of_key(self, key: str, message: str) -> None:
        path = (*self.path, key)
        self.mistakes.add(key_place(self.where, path), _told(path, message))


def _told(path: DataPath, message: str) -> str:
    return f"{path_text(path)}: {message}" if path else message


def build(cls: type[T], data: Plain, path: DataPath, where: Where, mistakes: Mistakes) -> T | None:
    """The ``cls`` that the data describes; None where it does not, and then ``mistakes`` says why.

    ``path`` is where the data stands in its file, as ``where`` takes it. Keys that are missing, unknown or of the
    wrong type, values out of range and a ``ValueError`` of ``__post_init__`` are each one mistake.
    """
    made = _instance(cls, data, _At(path, where, mistakes))
    return None if made is WRONG else made


def build_value(
    hint: Any, data: Plain, path: DataPath, where: Where, mistakes: Mistakes, unit: Unit | None = None
) -> Any:
    """As :func:`build`, for any type that it understands: ``tuple[Step, ...]``, ``Literal["a", "b"]``."""
    made = _value(hint, data, unit, None, _At(path, where, mistakes))
    return None if made is WRONG else made


def to_plain(value: Any) -> Plain:
    """The inverse of :func:`build`: JSON-able, integers in their base unit, ``kind`` first where the class has one."""
    if is_dataclass(value) and not isinstance(value, type):
        plain: dict[str, Plain] = {"kind": kind} if (kind := kind_of(type(value))) else {}
        for shape in shapes_of(type(value)):
            plain[shape.name] = field_to_plain(shape, getattr(value, shape.name))
        return plain
    if isinstance(value, Mapping):
        return {str(key): to_plain(held) for key, held in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(held) for held in value]
    if value is None or isinstance(value, int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form: {value!r}")


def field_to_plain(shape: Shape, held: Any) -> Plain:
    """The plain form of a field's value; USD as a text, since a whole number there would be read as whole USD."""
    is_in_usd = shape.unit == "usd" and isinstance(held, int)
    return f"{format_usd(held)} USD" if is_in_usd else to_plain(held)


def ranges_of(cls: type) -> dict[str, Range]:
    """The fields of a fault that carry a range, in order."""
    return {shape.name: shape.bounds for shape in shapes_of(cls) if shape.bounds}


@cache
def shapes_of(cls: type) -> tuple[Shape, ...]:
    """The fields of a dataclass that a file may give, in order."""
    hints = get_type_hints(cls, include_extras=True)
    return tuple(
        shape_of(hints[known.name], known.name, known.default is MISSING and known.default_factory is MISSING)
        for known in fields(cls)
        if known.init
    )


def shape_of(hint: Any, name: str = "", is_required: bool = True) -> Shape:
    """The shape of a field of this name and annotation."""
    unit, bounds = unit_of(name), None
    while get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        for note in notes:
            bounds = note if isinstance(note, Range) else bounds
            unit = note.unit if isinstance(note, In) else unit
    return Shape(name, hint, unit, bounds, is_required)


@cache
def kind_of(cls: type) -> str | None:
    """What ``kind`` says of this class: a class attribute, or a field that is a ``Literal`` of one text."""
    kind = getattr(cls, "kind", None)
    if isinstance(kind, str):
        return kind
    hint = get_type_hints(cls).get("kind")
    return str(get_args(hint)[0]) if get_origin(hint) is Literal else None


def members_of(hint: Any) -> tuple[Any, ...]:
    """The members of a union, None left out; empty for anything else."""
    if get_origin(hint) in (Union, types.UnionType):
        return tuple(member for member in get_args(hint) if member is not _NoneType)
    return ()


# ---- the walk -----------------------------------------------------------------------------------------------------
def _value(hint: Any, data: Plain, unit: Unit | None, bounds: Range | None, at: _At) -> Any:
    if get_origin(hint) is Annotated:
        shape = shape_of(hint)
        return _value(shape.hint, data, shape.unit or unit, shape.bounds or bounds, at)
    if hint is Any or hint is object:
        return data
    if members := members_of(hint):
        return _union(hint, members, data, unit, bounds, at)
    origin = get_origin(hint) or hint
    if isinstance(origin, type) and is_dataclass(origin):
        return _instance(origin, data, at)
    if origin is Literal:
        return _literal(get_args(hint), data, at)
    if origin in (tuple, list, Sequence):
        return _sequence(get_args(hint), data, unit, bounds, at)
    if origin in (dict, Mapping):
        return _mapping(get_args(hint), data, unit, bounds, at)
    if origin is int:
        return _integer(data, unit, bounds, at)
    if origin in (str, bool):
        return data if type(data) is origin else at.complain(f"got {shown(data)}; allowed {allowed(hint)}")
    raise TypeError(f"{path_text(at.path)}: a field of type {hint!r} cannot be read from a file")


def _instance(cls: type, data: Plain, at: _At) -> Any:
    if not isinstance(data, dict):
        return at.complain(f"got {shown(data)}; allowed a mapping with the keys {', '.join(_keys_of(cls))}")
    shapes = {shape.name: shape for shape in shapes_of(cls)}
    given = [(name, shape, data[name]) for name, shape in shapes.items() if name in data]
    values = {name: _value(s.hint, item, s.unit, s.bounds, at.down(name)) for name, s, item in given}
    is_whole = _check_keys(cls, data, at) and WRONG not in values.values()
    if not is_whole:
        return WRONG
    try:
        return cls(**values)
    except ValueError as error:
        return at.complain(str(error))


def _check_keys(cls: type, data: dict[str, Plain], at: _At) -> bool:
    before, known = len(at.mistakes), _keys_of(cls)
    for key in data:
        if key not in known:
            at.complain_of_key(key, f"unknown key '{key}'; {did_you_mean(key, known)}")
    for shape in shapes_of(cls):
        if shape.is_required and shape.name not in data:
            at.complain(f"the key '{shape.name}' is missing; it is {allowed(shape.hint, shape.unit, shape.bounds)}")
    kind = kind_of(cls)
    if kind and data.get("kind", kind) != kind:
        at.down("kind").complain(f"got {shown(data['kind'])}; allowed {kind}")
    return len(at.mistakes) == before


def _keys_of(cls: type) -> tuple[str, ...]:
    names = tuple(shape.name for shape in shapes_of(cls))
    return names if "kind" in names or not kind_of(cls) else ("kind", *names)


def _union(hint: Any, members: tuple[Any, ...], data: Plain, unit: Unit | None, bounds: Range | None, at: _At) -> Any:
    if data is None and len(members) < len(get_args(hint)):
        return None
    if len(members) == 1:
        return _value(members[0], data, unit, bounds, at)
    if all(is_dataclass(member) for member in members):
        return _by_kind({kind_of(member) or member.__name__: member for member in members}, data, at)
    for member in members:
        aside = Mistakes()
        made = _value(member, data, unit, bounds, _At(at.path, at.where, aside))
        if not aside:
            return made
    return at.complain(f"got {shown(data)}; allowed {allowed(hint, unit, bounds)}")


def _by_kind(classes: Mapping[str, type], data: Plain, at: _At) -> Any:
    kind = data.get("kind") if isinstance(data, dict) else None
    if isinstance(kind, str) and kind in classes:
        return _instance(classes[kind], data, at)
    if isinstance(kind, str):
        return at.down("kind").complain(f"unknown kind '{kind}'; {did_you_mean(kind, classes)}")
    return at.complain(f"got {shown(data)} without a kind; allowed: {', '.join(sorted(classes))}")


def _literal(choices: tuple[Any, ...], data: Plain, at: _At) -> Any:
    if any(data == choice and type(data) is type(choice) for choice in choices):
        return data
    if isinstance(data, str):
        return at.complain(f"got '{data}'; {did_you_mean(data, map(str, choices))}")
    return at.complain(f"got {shown(data)}; allowed: {', '.join(map(str, choices))}")


def _sequence(args: tuple[Any, ...], data: Plain, unit: Unit | None, bounds: Range | None, at: _At) -> Any:
    if not isinstance(data, list):
        return at.complain(f"got {shown(data)}; allowed a list")
    is_any_length = len(args) < 2 or args[1] is Ellipsis
    if not is_any_length and len(data) != len(args):
        return at.complain(f"got a list of {len(data)}; allowed a list of {len(args)}")
    hints = [args[0]] * len(data) if is_any_length else args
    pairs = enumerate(zip(hints, data, strict=True))
    made = tuple(_value(hint, item, unit, bounds, at.down(n)) for n, (hint, item) in pairs)
    return WRONG if WRONG in made else made


def _mapping(args: tuple[Any, ...], data: Plain, unit: Unit | None, bounds: Range | None, at: _At) -> Any:
    if not isinstance(data, dict):
        return at.complain(f"got {shown(data)}; allowed a mapping")
    made = {key: _value(args[1], item, unit_of(key) or unit, bounds, at.down(key)) for key, item in data.items()}
    return WRONG if WRONG in made.values() else made


def _integer(data: Plain, unit: Unit | None, bounds: Range | None, at: _At) -> Any:
    is_quantity = isinstance(data, str) and unit is not None
    if isinstance(data, bool) or not (isinstance(data, int) or is_quantity):
        return at.complain(f"got {shown(data)}; allowed {allowed(int, unit, bounds)}")
    try:
        value = parse_quantity(data, unit) if unit else int(data)
    except BadQuantity as error:
        return at.complain(str(error))
    low = bounds.low if bounds else 0 if unit else value
    if value < low or (bounds and value > bounds.high):
        return at.complain(f"got {shown(data)}; allowed {_bounds_text(unit, bounds)}")
    return value


# ---- words --------------------------------------------------------------------------------------------------------
def shown(data: Plain) -> str:
    """A value as a message shows it."""
    if isinstance(data, bool):
        return "true" if data else "false"
    if isinstance(data, dict | list):
        return "a mapping" if isinstance(data, dict) else "a list"
    if data is None:
        return "nothing"
    return f"'{data}'" if isinstance(data, str) else str(data)


def allowed(hint: Any, unit: Unit | None = None, bounds: Range | None = None) -> str:
    """What a type allows, as a message says it."""
    if get_origin(hint) is Annotated:
        shape = shape_of(hint)
        return allowed(shape.hint, shape.unit or unit, shape.bounds or bounds)
    if members := members_of(hint):
        return " or ".join(dict.fromkeys(allowed(member, unit, bounds) for member in members))
    origin = get_origin(hint) or hint
    if origin is Literal:
        return "one of " + ", ".join(map(str, get_args(hint)))
    if origin is int:
        kind = EXAMPLES[unit] if unit else "a whole number"
        return f"{kind}, {_bounds_text(unit, bounds)}" if bounds else kind
    if is_dataclass(origin):
        return "a mapping"
    words = {str: "a text", bool: "true or false", dict: "a mapping", Mapping: "a mapping"}
    return words.get(origin, "a list")


def _bounds_text(unit: Unit | None, bounds: Range | None) -> str:
    if bounds is None:
        return "0 or more USD" if unit == "usd" else f"0 or more {unit}"
    if unit in ("quantums", "usd"):
        return f"{format_usd(bounds.low)} to {format_usd(bounds.high)} USD"
    return f"{bounds.low} to {bounds.high}" + (f" {unit}" if unit else "")
