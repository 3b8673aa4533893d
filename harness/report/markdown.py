"""The verdict as Markdown: for the summary of a CI job, a ticket or a chat. The decision comes first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from drydock.harness.report.evidence import database_told
from drydock.harness.report.page import Table
from drydock.harness.report.page_verdict import evidence_tables
from drydock.harness.report.text import LIMIT, broken_laws
from drydock.harness.report.words import count
from drydock.harness.result import Verdict

_SIGNS = {"GO": "🟢", "NO-GO": "🔴", "INCONCLUSIVE": "🟡"}
_KNOWN = "Known failures, on the scenario as it is today"
_SHOWN = ("Risks taken knowingly", _KNOWN, "Laws", "Limits of the policy", "Harm, USD a run")
_FOLDED = ("Faults of the design basis", "Goals", "Safeguards", "Laws that were seen to fail", "Lint", "Not tested")


def markdown(verdicts: Sequence[Verdict], replays: Sequence[Mapping[str, str]]) -> str:
    """All verdicts, one below the other; ``replays`` holds for each a law's command to see it again."""
    parts = ("\n".join(_verdict(verdict, own)) for verdict, own in zip(verdicts, replays, strict=True))
    return "\n\n---\n\n".join(parts) + "\n"


def _verdict(verdict: Verdict, replays: Mapping[str, str]) -> Iterator[str]:
    yield f"# {_SIGNS[verdict.decision]} {verdict.decision}: {escaped(verdict.scenario)}"
    yield ""
    yield f"**{escaped(verdict.claim)}**"
    if verdict.reasons:
        yield ""
        yield from (f"- {escaped(reason)}" for reason in verdict.reasons)
    tables = {table.title: table for table in evidence_tables(verdict) if table.rows}
    yield from _tables((tables[title] for title in _SHOWN if title in tables), "##")
    yield from _replays(verdict, replays)
    folded = [tables[title] for title in _FOLDED if title in tables]
    if folded:
        yield from ("", "<details><summary>What this rests on</summary>")
        yield from _tables(folded, "###")
        yield from ("", "</details>")
    yield ""
    yield f"level {verdict.level} · seed {verdict.seed} · today {verdict.today} · scenario `{verdict.scenario_hash}`"
    yield from (f"database: {escaped(told)}" for told in database_told(verdict))
    yield ""
    yield f"_{LIMIT}_"


def _replays(verdict: Verdict, replays: Mapping[str, str]) -> Iterator[str]:
    """A command for each first case, and the laws that it breaks first."""
    laws: dict[str, list[str]] = {}
    for violation in broken_laws(verdict):
        if violation.law in replays:
            laws.setdefault(replays[violation.law], []).append(violation.law)
    for line in verdict.regressions:
        if line.outcome != "fixed" and line.id in replays:
            laws.setdefault(replays[line.id], []).append(line.signature)
    if not laws:
        return
    yield from ("", f"## See {count(len(laws), 'case')} again", "", "```sh")
    yield from (f"{command}   # {', '.join(broken)}" for command, broken in laws.items())
    yield "```"


def _tables(tables: Iterable[Table], level: str) -> Iterator[str]:
    for table in tables:
        yield from ("", f"{level} {table.title}", "")
        yield f"| {' | '.join(map(escaped, table.heads))} |"
        yield f"|{'|'.join('--:' if n in table.numbers else '---' for n in range(len(table.heads)))}|"
        for row in table.rows:
            cells = (f"**{escaped(cell.text)}**" if cell.tone == "bad" else escaped(cell.text) for cell in row)
            yield f"| {' | '.join(cells)} |"


def escaped(text: str) -> str:
    """A text that stays what it is: no markup, no HTML, no end of a cell."""
    return re.sub(r"([\\`*_|<>\[\]#])", r"\\\1", " ".join(text.split()))
