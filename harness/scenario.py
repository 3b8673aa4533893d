"""Loads a scenario: finds its file, applies ``--set``, and hands the data to its kit."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from drydock.harness import registry
from drydock.harness.mistakes import BadFile, Mistake, Mistakes, did_you_mean, together
from drydock.harness.places import DataPath, Places, path_text
from drydock.harness.port import Kit, Plain, Scenario, Where
from drydock.harness.typed import shown
from drydock.harness.yaml_file import parse_value, read_plain

_SUFFIXES = (".yaml", ".yml", ".json")


def load_scenario(reference: str, sets: Sequence[str] = ()) -> Scenario:
    """The scenario of a packaged name, or of a path (anything with a folder in it, or ``.yaml .yml .json`` at its end).

    ``sets`` are ``PATH=VALUE``, applied in order over the file's data before its kit sees them. Raises
    :exc:`~drydock.harness.mistakes.BadFile` with all mistakes of file and settings together.
    """
    mistakes = Mistakes()
    data, places = read_plain(scenario_file(reference), mistakes)
    if data is None:
        mistakes.raise_if_any()
    data, places = apply_sets(data, places, sets, mistakes)
    with together(mistakes):
        return kit_of(data, places).parse(data, places)


def scenario_file(reference: str) -> Path:
    """The path behind a reference; ``BadFile`` lists the packaged names where it is none of them."""
    if reference.endswith(_SUFFIXES) or "/" in reference or "\\" in reference:
        return Path(reference)
    known = packaged_scenarios()
    if reference in known:
        return Path(known[reference])
    tail = f"{did_you_mean(reference, known)}; or give a file, such as ./{reference}.yaml"
    raise BadFile([Mistake(reference, f"there is no scenario of this name; {tail}")])


def packaged_scenarios() -> Mapping[str, str]:
    """Every kit's packaged scenarios: name to path."""
    return {name: path for kit in registry.kits().values() for name, path in kit.scenarios().items()}


def packaged_folders() -> tuple[Path, ...]:
    """The folders in which they lie."""
    return tuple(dict.fromkeys(Path(path).parent for path in packaged_scenarios().values()))


def kit_of(data: Plain, where: Where) -> Kit:
    """The kit that ``kit:`` names, or the default; ``BadFile`` for an unknown one."""
    if not isinstance(data, dict):
        raise BadFile([Mistake(where(()), f"got {shown(data)}; a scenario is a mapping that begins with its name")])
    name = data.get("kit", registry.DEFAULT_KIT)
    if name in registry.kit_names():
        return registry.kit(name)
    tail = did_you_mean(str(name), registry.kit_names())
    raise BadFile([Mistake(where(("kit",)), f"kit: unknown kit '{name}'; {tail}; --load brings your own")])


def scenario_hash(data: Plain) -> str:
    """The hash of a scenario's data: hexadecimal blake2b of its canonical JSON."""
    return blake2b(canonical_json(data).encode(), digest_size=16).hexdigest()


def canonical_json(data: Plain) -> str:
    """One text for equal data: sorted keys, no spaces, ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def file_hash(path: str | Path) -> str:
    """The hash by which a case knows a file that it does not embed: hexadecimal blake2b of its bytes."""
    return blake2b(Path(path).read_bytes(), digest_size=16).hexdigest()


# ---- --set ----------------------------------------------------------------------------------------------------------
def apply_sets(data: Plain, places: Places, sets: Sequence[str], mistakes: Mistakes) -> tuple[Plain, Places]:
    """The data with each ``PATH=VALUE`` put in; what is wrong with one is told at ``--set PATH``.

    A list index must exist. A key may be new: whether it is allowed its kit knows, and says so at the same place.
    """
    data = copy.deepcopy(data)
    for setting in sets:
        path_part, sign, value_text = setting.partition("=")
        place = f"--set {path_part}"
        if not sign or not path_part.strip("."):
            mistakes.add(f"--set {setting}", "allowed is PATH=VALUE, e.g. policy.level=ci")
            continue
        before = len(mistakes)
        value = parse_value(value_text, place, mistakes)
        if len(mistakes) == before:
            places = _put(data, path_part.split("."), value, place, places, mistakes)
    return data, places


def _put(data: Plain, parts: list[str], value: Plain, place: str, places: Places, mistakes: Mistakes) -> Places:
    holder: Any = data
    path: DataPath = ()
    for part in parts[:-1]:
        key = _key(holder, part, path, place, mistakes)
        if key is None:
            return places
        if isinstance(holder, dict) and key not in holder:
            holder[key] = {}
            places = places.overlaid((*path, key), place)
        holder, path = holder[key], (*path, key)
    key = _key(holder, parts[-1], path, place, mistakes)
    if key is None:
        return places
    holder[key] = value
    return places.overlaid((*path, key), place)


def _key(holder: Any, part: str, path: DataPath, place: str, mistakes: Mistakes) -> str | int | None:
    """The key or index that ``part`` is in the holder; None and a mistake where it is neither."""
    told = path_text(path) or "the scenario"
    if isinstance(holder, dict):
        return part
    if not isinstance(holder, list):
        mistakes.add(place, f"{told} is {shown(holder)} and has no '{part}'")
    elif not part.isdecimal() or int(part) >= len(holder):
        allowed = f"0 to {len(holder) - 1}" if holder else "none, it is empty"
        mistakes.add(place, f"{told} is a list and has no '{part}'; allowed: {allowed}")
    else:
        return int(part)
    return None
