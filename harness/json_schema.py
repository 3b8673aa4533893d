"""JSON Schema of the dataclasses that files are read into: for editors, and for ``drydock schema``.

Descriptions are the classes' docstrings and the texts that stand below their fields.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from itertools import pairwise
from textwrap import dedent
from typing import Annotated, Any, Literal, get_args, get_origin

from drydock.harness.frame_keys import FRAME_KEYS, FrameKeys
from drydock.harness.port import Fault, Plain, Range
from drydock.harness.typed import field_to_plain, kind_of, members_of, ranges_of, shape_of, shapes_of
from drydock.harness.units import EXAMPLES, QUANTUMS_PER_USD, Unit

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(cls: type) -> dict[str, Plain]:
    """The schema of a dataclass: its keys, their types, bounds, defaults and descriptions; no other key is allowed."""
    properties = {shape.name: _property(cls, shape.name) for shape in shapes_of(cls)}
    required = [shape.name for shape in shapes_of(cls) if shape.is_required]
    kind = kind_of(cls)
    if kind:
        properties = {"kind": {"const": kind}} | properties
        properties["kind"] = {"const": kind}
        required = ["kind", *(name for name in required if name != "kind")]
    schema: dict[str, Plain] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    if description := _first_sentence(cls):
        schema["description"] = description
    return schema


def plan_schema(faults: Mapping[str, type[Fault]]) -> dict[str, Plain]:
    """The schema of a plan: a list of faults, told apart by their kind."""
    return {"type": "array", "items": {"oneOf": [json_schema(cls) for cls in faults.values()]}}


def scenario_schema(own: Mapping[str, Plain], required: Sequence[str], faults: Mapping[str, type[Fault]]) -> Plain:
    """The schema of a kit's scenario file: the shared keys and its own, ``own`` by name."""
    frame = json_schema(FrameKeys)
    properties = dict(frame["properties"]) | dict(own)
    reported = json_schema(type_of_reported := _reported_class())
    reported["properties"]["plan"] = plan_schema(faults) | {"description": _comments(type_of_reported)["plan"]}
    properties["reported"] = reported
    threats = [_threat_schema(cls) for cls in faults.values()]
    properties["threats"] = properties["threats"] | {"items": {"oneOf": threats}}
    assert set(FRAME_KEYS).isdisjoint(own), "a kit's own key hides a shared one"
    return {"$schema": DIALECT, **frame, "properties": properties, "required": [*frame["required"], *required]}


def type_schema(hint: Any, unit: Unit | None = None, bounds: Range | None = None) -> dict[str, Plain]:
    """The schema of any type that :mod:`drydock.harness.typed` understands."""
    if get_origin(hint) is Annotated:
        shape = shape_of(hint)
        return type_schema(shape.hint, shape.unit or unit, shape.bounds or bounds)
    if members := members_of(hint):
        return _union(hint, members, unit, bounds)
    origin, args = get_origin(hint) or hint, get_args(hint)
    if origin is Any:
        return {}
    if origin is Literal:
        return {"enum": list(args)}
    if origin is int:
        return _integer(unit, bounds)
    if origin in (str, bool):
        return {"type": "string" if origin is str else "boolean"}
    if is_dataclass(origin):
        return json_schema(origin)  # type: ignore[arg-type]  # is_dataclass holds of instances too
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": type_schema(args[1], unit, bounds)}
    if len(args) == 2 and args[1] is not Ellipsis:
        pair = [type_schema(arg, unit, bounds) for arg in args]
        return {"type": "array", "prefixItems": pair, "minItems": len(args), "maxItems": len(args)}
    return {"type": "array", "items": type_schema(args[0], unit, bounds)}


def _reported_class() -> type:
    hint = next(shape.hint for shape in shapes_of(FrameKeys) if shape.name == "reported")
    return members_of(hint)[0]  # type: ignore[no-any-return]  # the one member that is not None


def _property(cls: type, name: str) -> dict[str, Plain]:
    shape = next(shape for shape in shapes_of(cls) if shape.name == name)
    schema = type_schema(shape.hint, shape.unit, shape.bounds)
    if comment := _comments(cls).get(name):
        schema = {**schema, "description": comment}
    default = next(known.default for known in fields(cls) if known.name == name)
    if default is not MISSING and default is not None:
        schema = {**schema, "default": field_to_plain(shape, default)}
    return schema


def _integer(unit: Unit | None, bounds: Range | None) -> dict[str, Plain]:
    number: dict[str, Plain] = {"type": "integer"}
    scale = QUANTUMS_PER_USD if unit == "usd" else 1
    if bounds:
        number |= {"minimum": -(-bounds.low // scale), "maximum": bounds.high // scale}
    elif unit:
        number["minimum"] = 0
    if not unit:
        return number
    return {"anyOf": [number, {"type": "string"}], "description": EXAMPLES[unit]}


def _union(hint: Any, members: tuple[Any, ...], unit: Unit | None, bounds: Range | None) -> dict[str, Plain]:
    choices = [type_schema(member, unit, bounds) for member in members]
    if len(members) < len(get_args(hint)):
        choices.append({"type": "null"})
    return {"anyOf": choices}


def _threat_schema(cls: type[Fault]) -> dict[str, Plain]:
    names = {"type": "array", "items": {"type": "string"}, "minItems": 1}
    properties: dict[str, Plain] = {"kind": {"const": cls.kind}, "steps": names, "targets": names}
    for shape in shapes_of(cls):
        if shape.name in ranges_of(cls):
            one = type_schema(shape.hint, shape.unit, shape.bounds)
            properties[shape.name] = {"anyOf": [one, {"type": "array", "items": one, "minItems": 2, "maxItems": 2}]}
    required = ["kind", "steps", "targets"]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


# ---- descriptions ---------------------------------------------------------------------------------------------------
def _first_sentence(cls: type) -> str:
    text = inspect.getdoc(cls) or ""
    is_generated = text.startswith(f"{cls.__name__}(")  # the one that dataclass writes where there is none
    return "" if is_generated else " ".join(text.split("\n\n")[0].split())


@cache
def _comments(cls: type) -> Mapping[str, str]:
    """The texts below the fields of a class, by field; empty where its source is not at hand."""
    try:
        body = ast.parse(dedent(inspect.getsource(cls))).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    found: dict[str, str] = {}
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for above, below in pairwise(statements):
        is_text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name) and is_text:
            found[above.target.id] = " ".join(str(below.value.value).split())  # type: ignore[attr-defined]
    return found
