"""Kills rehearsals on real servers at random points, and looks for what is left: `python scripts/kill_postgres.py`

A verdict with two workers is started, and its runner is killed (-9) somewhere between its first line of Python and its
last run. Then somebody else starts, and ends. After that nothing may be left: no worker, no server, no container, no
directory. Prints a line for each kill; exits 1 at the first that leaves something.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

VICTIM = "gonogo db-scale-up --database postgres --workers 2 --runs 40 --postgres".split()
NEXT = "from drydock.models.postgres.choice import parse; parse({!r}).open().close()"
PATIENCE_S = 30


def main() -> int:
    """Kills as often as it is told; 0 if nothing is ever left."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=50)
    options.add_argument("--within", type=float, default=15, metavar="SECONDS", help="kill at random in this time")
    options.add_argument("--postgres", default="embedded", metavar="embedded|docker|system")
    options.add_argument("--seed", type=int, default=0)
    given = options.parse_args()
    when = random.Random(given.seed)
    temporary = Path(tempfile.mkdtemp(prefix="kills-"))
    temporary.chmod(0o711)  # root's servers run as somebody else
    os.environ |= {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT)}
    for number in range(1, given.kills + 1):
        after_s = when.uniform(0, given.within)
        others = containers(given.postgres)
        had = killed(given.postgres, after_s, temporary)
        if left := still_left(temporary, given.postgres, others):
            print(f"kill {number} after {after_s:.2f} s: left of {had} things: {left}; see {temporary}")
            return 1
        print(
            f"kill {number} after {after_s:.2f} s: of {had} processes and directories none is left",
            flush=True,
        )
    shutil.rmtree(temporary)
    return 0


def killed(kind: str, after_s: float, temporary: Path) -> int:
    """A verdict, its runner's death, somebody else's start and end; how many things there were at its death."""
    command = [sys.executable, "-m", "drydock", *VICTIM, kind]
    quiet = subprocess.DEVNULL
    runner = subprocess.Popen(command, cwd=temporary, start_new_session=True, stdout=quiet, stderr=quiet)
    try:
        runner.wait(after_s)
        raise SystemExit(f"the verdict ended by itself, with {runner.returncode}: --within is too long")
    except subprocess.TimeoutExpired:
        had = len(list(things_in(temporary)))
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    subprocess.run([sys.executable, "-c", NEXT.format(kind)], check=True)
    return had


def still_left(temporary: Path, kind: str, others: set[str]) -> list[str]:
    """What is left when everybody has had time to end; containers that were there before are somebody else's."""
    limit = time.monotonic() + PATIENCE_S
    while (left := [*things_in(temporary), *(containers(kind) - others)]) and time.monotonic() < limit:
        pass
    return left


def things_in(temporary: Path) -> Iterator[str]:
    """Processes that work there (the workers do too), and owners' directories."""
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            place, words = os.readlink(f"/proc/{entry}/cwd"), Path(f"/proc/{entry}/cmdline").read_text()
        except OSError:
            continue  # it is gone, or somebody else's
        if str(temporary) in place + words:
            yield f"process {entry}: {words.replace(chr(0), ' ')}"
    yield from (str(path) for home in temporary.glob("drydock-*") for path in home.iterdir())


def containers(kind: str) -> set[str]:
    """Those of every Drydock here."""
    if kind != "docker":
        return set()
    listed = "docker ps --all --quiet --filter label=io.drydock.owner".split()
    return set(subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split())


if __name__ == "__main__":
    sys.exit(main())
