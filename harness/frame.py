"""What every scenario file shares: regimes, the reported plan, threats, sweep, policy, accepted risks.

A kit reads its file in three strokes: :func:`parse_frame`, then its own keys, then :func:`finish_scenario`, which
checks what needs the whole scenario (the targets of faults) and raises all mistakes of the file together.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any

from drydock.harness import registry
from drydock.harness.frame_keys import FRAME_KEYS, FrameKeys, LimitKeys, PolicyKeys, SweepKeys
from drydock.harness.mistakes import Mistakes, did_you_mean, listing
from drydock.harness.places import DataPath, folder_of, key_place, path_text
from drydock.harness.plan import Plan, check_steps, check_targets, fault_class, plan_from_plain
from drydock.harness.port import (
    Accepted,
    LawClass,
    Limit,
    Plain,
    Policy,
    Range,
    Scenario,
    Sweep,
    Threat,
    Where,
)
from drydock.harness.scenario import scenario_hash
from drydock.harness.typed import build, build_value, ranges_of, shown
from drydock.harness.units import unit_of


@dataclass(frozen=True, slots=True)
class Known:
    """The names of a kit that the frame refers to. ``steps`` may come from the raw runbook: names are all it takes."""

    regimes: Sequence[str]
    laws: Mapping[str, LawClass]
    steps: Sequence[str]
    harm_kinds: Sequence[str]


@dataclass(frozen=True, slots=True)
class Frame:
    """The frame, typed; targets of its faults are not yet checked."""

    name: str
    summary: str
    kit: str
    regimes: tuple[str, ...]
    reported_regime: str
    reported: Plan
    threats: tuple[Threat, ...]
    sweep: Sweep
    policy: Policy
    accepted: tuple[Accepted, ...] = field(default_factory=tuple)


# ---- reading --------------------------------------------------------------------------------------------------------
def parse_frame(
    data: Plain, where: Where, mistakes: Mistakes, *, own_keys: Collection[str], known: Known
) -> Frame | None:
    """The shared part of a scenario's data; None where it cannot be made, and then ``mistakes`` says why.

    ``own_keys`` are the kit's top-level keys; any key that is neither is a mistake.
    """
    if not isinstance(data, dict):
        mistakes.add(where(()), f"got {shown(data)}; a scenario is a mapping that begins with its name")
        return None
    known = replace(known, laws={**known.laws, **registry.loaded_laws(str(data.get("kit", registry.DEFAULT_KIT)))})
    every_key = (*FRAME_KEYS, *own_keys)
    for key in data:
        if key not in every_key:
            mistakes.add(key_place(where, (key,)), f"{key}: unknown key '{key}'; {did_you_mean(key, every_key)}")
    ours = {key: value for key, value in data.items() if key in FRAME_KEYS}
    keys = build(FrameKeys, ours, (), where, mistakes)
    plan = _reported_plan(data, where, mistakes, known)
    threats = _threats(data, where, mistakes, known)
    _check_names(data, where, mistakes, known)
    if keys is None:
        return None
    for number, limit in enumerate(keys.policy.limits):
        _check_limit(limit, number, keys.policy, where, mistakes, known)
    return _frame(keys, plan, threats, where, mistakes)


def finish_scenario(
    frame: Frame | None,
    venue: Any,
    *,
    data: Plain,
    where: Where,
    mistakes: Mistakes,
    files: Mapping[str, str] | None = None,
    is_private: bool = False,
) -> Scenario:
    """The scenario. ``data`` is what a case embeds: after ``--set``, and with defaults where the kit writes them out.

    ``files`` are the other files it refers to, name to :func:`~drydock.harness.scenario.file_hash`; ``is_private`` says
    that they hold customer data. Raises :exc:`~drydock.harness.mistakes.BadFile` with all mistakes of the file.
    """
    if frame is None:
        mistakes.raise_if_any()
    assert frame is not None  # a frame that could not be made left a mistake
    parts = {name: getattr(frame, name) for name in Frame.__dataclass_fields__}
    scenario = Scenario(
        **{**parts, "reported": (), "threats": ()},
        data=data,
        hash=scenario_hash(data),
        venue=venue,
        files=dict(files or {}),
        folder=str(folder_of(where)),
        is_private=is_private,
    )
    reported = data.get("reported")
    check_targets(_plan_of(reported), ("reported", "plan"), where, mistakes, scenario)
    check_targets(data.get("threats"), ("threats",), where, mistakes, scenario)
    mistakes.raise_if_any()
    return replace(scenario, reported=frame.reported, threats=frame.threats)


def _plan_of(reported: Plain) -> Plain:
    return reported.get("plan") if isinstance(reported, dict) else None


def _frame(keys: FrameKeys, plan: Plan, threats: tuple[Threat, ...], where: Where, mistakes: Mistakes) -> Frame:
    if threats and keys.sweep is None:
        mistakes.add(where(("threats",)), "threats: they need a sweep, such as sweep: {name: first, faults: [1, 2]}")
    sweep = keys.sweep or SweepKeys("none", (0, 0))
    if sweep.faults[0] > sweep.faults[1]:
        mistakes.add(where(("sweep", "faults")), f"sweep.faults: {sweep.faults[0]} is more than {sweep.faults[1]}")
    if threats and keys.sweep is not None and not sweep.faults[1]:
        mistakes.add(where(("sweep", "faults")), "sweep.faults: there are threats, and at most 0 of them would strike")
    if not keys.name.strip() or not keys.name.isprintable():
        mistakes.add(where(("name",)), f"name: got {keys.name!r}; allowed one line of text")
    limits = tuple(Limit(limit.law, limit.share_max, limit.usd_max) for limit in keys.policy.limits)
    return Frame(
        name=keys.name,
        summary=keys.summary,
        kit=keys.kit,
        regimes=keys.regimes,
        reported_regime=keys.reported.regime if keys.reported else "".join(keys.regimes[:1]),
        reported=plan,
        threats=threats,
        sweep=Sweep(sweep.name, *sweep.faults),
        policy=Policy(keys.policy.level, limits, keys.policy.refunds, keys.policy.least),
        accepted=keys.accepted,
    )


def _reported_plan(data: Mapping[str, Plain], where: Where, mistakes: Mistakes, known: Known) -> Plan:
    reported = data.get("reported")
    if not isinstance(reported, dict) or "plan" not in reported:
        return ()
    path = ("reported", "plan")
    plan = plan_from_plain(reported["plan"], path, where, mistakes)
    check_steps(reported["plan"], path, where, mistakes, known.steps)
    return plan


# ---- threats --------------------------------------------------------------------------------------------------------
def _threats(data: Mapping[str, Plain], where: Where, mistakes: Mistakes, known: Known) -> tuple[Threat, ...]:
    listed = data.get("threats")
    items = listed if isinstance(listed, list) else []
    found = [_threat(item, ("threats", number), where, mistakes, known) for number, item in enumerate(items)]
    return tuple(threat for threat in found if threat)


def _threat(data: Plain, path: DataPath, where: Where, mistakes: Mistakes, known: Known) -> Threat | None:
    cls = fault_class(data, path, where, mistakes)
    if cls is None:
        return None
    before, bounds = len(mistakes), ranges_of(cls)
    allowed = ("kind", "steps", "targets", *bounds)
    for key in data:
        if key not in allowed:
            place = (*path, key)
            mistakes.add(
                key_place(where, place), f"{path_text(place)}: unknown key '{key}'; {did_you_mean(key, allowed)}"
            )
    steps, targets = (_names(data, noun, path, where, mistakes) for noun in ("steps", "targets"))
    for number, step in enumerate(steps):
        _check(step, known.steps, "step", (*path, "steps", number), where, mistakes)
    ranges = {
        name: _range(data[name], name, full, (*path, name), where, mistakes)
        for name, full in bounds.items()
        if name in data
    }
    return Threat(cls.kind, steps, targets, ranges) if len(mistakes) == before else None


def _names(data: Mapping[str, Plain], noun: str, path: DataPath, where: Where, mistakes: Mistakes) -> tuple[str, ...]:
    if not data.get(noun):
        mistakes.add(where((*path, noun)), f"{path_text(path)}: the list '{noun}' is missing or empty")
        return ()
    return build_value(tuple[str, ...], data[noun], (*path, noun), where, mistakes) or ()


def _range(data: Plain, name: str, full: Range, path: DataPath, where: Where, mistakes: Mistakes) -> tuple[int, int]:
    """``[low, high]`` within the fault's own range; one value stands for both ends."""
    one = Annotated[int, full]
    if not isinstance(data, list):
        value = build_value(one, data, path, where, mistakes, unit_of(name))
        return (value, value) if value is not None else (full.low, full.high)
    pair = build_value(tuple[one, one], data, path, where, mistakes, unit_of(name))
    if pair is None:
        return (full.low, full.high)
    if pair[0] > pair[1]:
        mistakes.add(where(path), f"{path_text(path)}: {shown(data[0])} is more than {shown(data[1])}")
    return (pair[0], pair[1])


# ---- names ----------------------------------------------------------------------------------------------------------
def _check_names(data: Mapping[str, Plain], where: Where, mistakes: Mistakes, known: Known) -> None:
    """Works on data, so that a wrong name is told beside whatever else is wrong."""
    names: tuple[tuple[tuple[str | None, ...], str, Collection[str]], ...] = (
        (("regimes", None), "regime", known.regimes),
        (("reported", "regime"), "regime", known.regimes),
        (("policy", "refunds", None), "kind of harm", known.harm_kinds),
        (("policy", "limits", None, "law"), "law", known.laws),
        (("accepted", None, "law"), "law", known.laws),
    )
    for pattern, noun, allowed in names:
        for path, text in _texts(data, pattern):
            _check(text, allowed, noun, path, where, mistakes)
    for noun in ("reason", "owner"):
        for path, text in _texts(data, ("accepted", None, noun)):
            if not text.strip():
                mistakes.add(where(path), f"{path_text(path)}: it is empty; a risk is taken by somebody, for a reason")
    for path, text in _texts(data, ("accepted", None, "expires")):
        if not _is_date(text):
            mistakes.add(where(path), f"{path_text(path)}: got '{text}'; allowed a date such as 2026-12-31")
    for path, text in _texts(data, ("regimes", None)):
        if text in data["regimes"][: path[-1]]:
            mistakes.add(where(path), f"{path_text(path)}: '{text}' is there twice; seeds are dealt evenly over them")
    if data.get("regimes") == []:
        mistakes.add(where(("regimes",)), f"regimes: the list is empty; allowed: {listing(known.regimes)}")


def _texts(data: Plain, pattern: tuple[str | None, ...], path: DataPath = ()) -> Iterator[tuple[DataPath, str]]:
    """The texts at a path and their places; None in the pattern stands for every item of a list."""
    if not pattern:
        if isinstance(data, str):
            yield path, data
    elif pattern[0] is None and isinstance(data, list):
        for number, item in enumerate(data):
            yield from _texts(item, pattern[1:], (*path, number))
    elif pattern[0] is not None and isinstance(data, dict) and pattern[0] in data:
        yield from _texts(data[pattern[0]], pattern[1:], (*path, pattern[0]))


def _check_limit(
    limit: LimitKeys, number: int, policy: PolicyKeys, where: Where, mistakes: Mistakes, known: Known
) -> None:
    path: DataPath = ("policy", "limits", number)
    law_class = known.laws.get(limit.law)
    if law_class == "safety":
        message = f"{path_text(path)}: {limit.law} is a safety law and has no limit: one violation is a NO-GO"
        mistakes.add(where(path), message)
    if law_class == "service" and limit.usd_max:
        place = (*path, "usd_max")
        mistakes.add(where(place), f"{path_text(place)}: {limit.law} is a service law; allowed: share_max")
    if limit.law in (earlier.law for earlier in policy.limits[:number]):
        mistakes.add(where(path), f"{path_text(path)}: {limit.law} has a limit already")


def _check(name: str, names: Collection[str], noun: str, path: DataPath, where: Where, mistakes: Mistakes) -> None:
    if name not in names:
        mistakes.add(where(path), f"{path_text(path)}: unknown {noun} '{name}'; {did_you_mean(name, names)}")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == len("2026-12-31")
