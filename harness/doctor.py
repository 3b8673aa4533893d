"""A proof of determinism on this machine: the same Case here twice, and in another process with another hash seed."""

from __future__ import annotations

import gzip
import os
import pickle
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import simpy

from drydock.harness import registry
from drydock.harness.divergence import first_divergence
from drydock.harness.event import Event
from drydock.harness.port import Case
from drydock.harness.result import RunResult
from drydock.harness.run import HarnessError, run_case

CaseFactory = Callable[[], Case]
_TIME_LIMIT_S = 600


@dataclass(frozen=True, slots=True)
class Proof:
    """One comparison: ``divergence`` is empty where digests are equal, else it names the first differing event."""

    name: str
    expected: str
    actual: str
    divergence: str = ""

    @property
    def holds(self) -> bool:
        """Whether the two digests are equal."""
        return self.expected == self.actual


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The machine, and whether runs are deterministic on it."""

    facts: Mapping[str, str]
    proofs: tuple[Proof, ...]

    @property
    def is_healthy(self) -> bool:
        """Whether every proof holds; the command exits 1 where one does not."""
        return all(proof.holds for proof in self.proofs)


def diagnose(make_case: CaseFactory) -> Diagnosis:
    """Runs the Case three times and compares. Raises :exc:`HarnessError` where a run itself fails."""
    first = _played(case := make_case())
    again = _played(make_case())
    elsewhere = _played_elsewhere(make_case())
    hash_seed = _other_hash_seed()
    return Diagnosis(
        facts=machine_facts() | dict(registry.kit(case.scenario.kit).found()),
        proofs=(
            _proof("twice in this process", first, again),
            _proof(f"in another process, PYTHONHASHSEED={hash_seed}", first, elsewhere),
        ),
    )


def machine_facts() -> dict[str, str]:
    """What a report about a failed proof needs."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "simpy": str(simpy.__version__),
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": str(os.cpu_count() or 1),
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
    }


def _played(case: Case) -> RunResult:
    result = run_case(case, registry.kit(case.scenario.kit), keep_trace=True)
    if result.error:
        raise HarnessError(f"the proof's own run failed: {result.error}")
    return result


def _proof(name: str, one: RunResult, other: RunResult) -> Proof:
    if one.digest == other.digest:
        return Proof(name, one.digest, other.digest)
    parting = first_divergence(one.events or (), other.events or ())
    where = str(parting) if parting else "no event: names, or views that only laws see, came in another order"
    return Proof(name, one.digest, other.digest, where)


def _played_elsewhere(case: Case) -> RunResult:
    """The same in a fresh interpreter: case and result travel by pipe."""
    environment = dict(os.environ, PYTHONHASHSEED=_other_hash_seed(), PYTHONPATH=_search_path())
    parcel = pickle.dumps((registry.loaded(), pickle.dumps(case)))
    done = subprocess.run(
        [sys.executable, "-m", "drydock.harness.doctor"],
        input=parcel,
        capture_output=True,
        env=environment,
        timeout=_TIME_LIMIT_S,
        check=False,
    )
    if done.returncode != 0:
        last_line = (done.stderr.decode(errors="replace").strip().splitlines() or ["no message"])[-1]
        raise HarnessError(f"the proof's other process failed: {last_line}")
    result: RunResult = pickle.loads(gzip.decompress(done.stdout))
    return result


def _search_path() -> str:
    return os.pathsep.join(folder or os.getcwd() for folder in sys.path)


def _other_hash_seed() -> str:
    return "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"


def _answer() -> None:
    """In the other process: reads a case, runs it, writes the result."""
    loads, parcel = pickle.load(sys.stdin.buffer)
    for path in loads:
        registry.load(Path(path))
    result = _played(pickle.loads(parcel))
    portable = replace(result, events=[_without_views(event) for event in result.events or ()])
    sys.stdout.buffer.write(gzip.compress(pickle.dumps(portable), compresslevel=1))


def _without_views(event: Event) -> Event:
    """A view for laws shows a world, which stays in its process."""
    views = {name: None for name, value in event.data._asdict().items() if getattr(value, "is_view", False)}
    return event._replace(data=event.data._replace(**views)) if views else event


if __name__ == "__main__":
    _answer()
