"""The exit codes: a contract that scripts depend on."""

from __future__ import annotations

GO = 0
NO_GO = 1
USAGE = 2
INCONCLUSIVE = 3
HARNESS_FAILED = 4
INTERRUPTED = 130
BROKEN_PIPE = 141
TERMINATED = 143

MEANINGS: tuple[tuple[str, str], ...] = (
    ("0", "GO, or clean: something ran and no law was broken"),
    ("1", "NO-GO, or a law was broken, or a proof failed"),
    ("2", "bad usage or a bad file; every mistake is printed"),
    ("3", "INCONCLUSIVE: too little ran to say GO; of a replay: it no longer applies"),
    ("4", "Drydock itself failed; this is no judgement of the scenario"),
    ("130", "stopped by Ctrl-C (143: by SIGTERM): what exists is written, INCONCLUSIVE"),
)
_WORST_FIRST = (INTERRUPTED, TERMINATED, HARNESS_FAILED, NO_GO, INCONCLUSIVE, GO)


def worst(codes: list[int]) -> int:
    """The exit of several verdicts together; of none, INCONCLUSIVE, for nothing ran."""
    if not codes:
        return INCONCLUSIVE
    return min(codes, key=lambda code: _WORST_FIRST.index(code) if code in _WORST_FIRST else -1)


def of_regression(outcome: str) -> int:
    """The exit of a regression's replay, by what became of it."""
    return {"fixed": GO, "still fails": NO_GO, "fails otherwise": NO_GO}.get(outcome, INCONCLUSIVE)
