"""The verdict as a release manager reads it the evening before: the decision first, then what carries it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.port import Finding
from drydock.harness.report import console as out
from drydock.harness.report.evidence import evidence
from drydock.harness.report.known import known_failures
from drydock.harness.report.words import count, kinds_text, usd
from drydock.harness.result import Bundle, Money, Verdict, Violation

_STYLES = {"GO": "bold white on green", "NO-GO": "bold white on red", "INCONCLUSIVE": "bold black on yellow"}
_SHOWN = 6
LIMIT = (
    "A GO covers the runbook as modelled, the threats listed and the runs made: no more. What is not modelled, "
    "and a fault that nobody named, it cannot see."
)


def print_verdict(console: Console, verdict: Verdict, replays: Mapping[str, str], *, verbosity: int = 0) -> None:
    """The whole answer of ``drydock gonogo``. ``replays``: the command that shows a law or a regression again."""
    if verbosity < 0:
        out.print_lines(console, one_line(verdict))
        return
    parts = (
        _head(verdict),
        _accepted(verdict),
        _reasons(verdict, is_complete=verbosity > 0),
        _broken(verdict, replays),
        known_failures(verdict, replays, is_complete=verbosity > 0),
        _harm(verdict),
        evidence(verdict, is_complete=verbosity > 0),
    )
    for part in parts:
        out.print_lines(console, *part)
    out.print_lines(console, Text(""), Text(LIMIT, style="dim"))


def one_line(verdict: Verdict) -> Text:
    """``NO-GO  db-scale-up  at level smoke: ...``, for a shell or a chat."""
    line = Text(no_wrap=True, overflow="ignore")
    line.append(verdict.decision, style=_STYLES[verdict.decision])
    return line.append(f"  {verdict.scenario} {verdict.claim.removeprefix(verdict.decision)}")


# ---- the decision ---------------------------------------------------------------------------------------------------
def _head(verdict: Verdict) -> Iterator[RenderableType]:
    yield Text.assemble((f" {verdict.decision} ", _STYLES[verdict.decision]), "  ", (verdict.scenario, "bold"))
    yield out.indented(verdict.claim, 1)
    yield out.indented(Text(f"level {verdict.level} · seed {verdict.seed} · today {verdict.today}", style="dim"), 1)


def _accepted(verdict: Verdict) -> Iterator[RenderableType]:
    if not verdict.accepted:
        return
    yield out.heading("Risks taken knowingly")
    for risk in verdict.accepted:
        only = f" as far as regression {risk['regression']} shows it" if risk.get("regression") else ""
        line = Text.assemble((str(risk["law"]), "bold"), f"{only}  {risk['reason']}")
        line.append(f" (accepted by {risk['owner']} until {risk['expires']})")
        seen = [f"{runs:,} {name} runs" for name, runs in risk["runs"].items() if runs]
        line.append(f"; came true in {', '.join(seen)}" if seen else "; did not come true in any run", style="dim")
        if risk["expired"]:
            line.append(" EXPIRED: accepts nothing", style="bold red")
        yield out.indented(line, bullet="-")


def _reasons(verdict: Verdict, *, is_complete: bool) -> Iterator[RenderableType]:
    if not verdict.reasons:
        return
    shown = verdict.reasons if is_complete else verdict.reasons[:_SHOWN]
    yield out.heading("Why")
    for reason in shown:
        yield out.indented(reason, bullet="-")
    if len(verdict.reasons) > len(shown):
        yield out.indented(f"... {len(verdict.reasons) - len(shown)} more; -v shows all", 4)


# ---- what was broken ------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Broken:
    """A law that was broken: its first violation, in how many runs of which bundle, and why it may not decide."""

    violation: Violation
    where: str
    standing: str

    @property
    def decides(self) -> bool:
        """Whether it is a reason of the decision."""
        return not self.standing


def _broken(verdict: Verdict, replays: Mapping[str, str]) -> Iterator[RenderableType]:
    broken = list(_broken_laws(verdict))
    if broken or verdict.baseline:
        yield out.heading("What was broken")
    if verdict.baseline:
        yield out.indented(Text("without any fault", style="bold red"))
        for finding in _one_a_law(verdict.baseline):
            yield out.indented(f"{finding.law}: {finding.detail}", 6)
    shown: dict[str, str] = {}  # command -> the law below which it stands
    for entry in broken:
        yield from _broken_law(entry, replays.get(entry.violation.law, ""), shown)


def _broken_law(entry: _Broken, replay: str, shown: dict[str, str]) -> Iterator[RenderableType]:
    violation = entry.violation
    style = "bold red" if entry.decides else "bold yellow"
    yield out.indented(Text.assemble((violation.law, style), f"  {violation.sentence}"))
    elsewhere = f" · replay as for {shown[replay]}" if replay in shown else ""
    yield out.indented(Text(f"{violation.law_class} · {entry.where}{entry.standing}{elsewhere}", style="dim"), 6)
    yield out.indented(violation.first_finding.detail, 6)
    if replay and not elsewhere:
        shown[replay] = violation.law
        yield out.command_line(replay)


def _broken_laws(verdict: Verdict) -> Iterator[_Broken]:
    """Safety laws first, then by how many runs broke them; the example of the reported plan where there is one."""
    bundles = [bundle for bundle in (verdict.reported, verdict.sweep) if bundle is not None]
    first: dict[str, Violation] = {}
    where: dict[str, list[str]] = {}
    for bundle in bundles:
        for violation in bundle.violations:
            first.setdefault(violation.law, violation)
            share = f"{bundle.name}: {violation.runs:,} of {count(bundle.runs, 'run')}"
            where.setdefault(violation.law, []).append(share)
    found = [_Broken(first[law], " · ".join(where[law]), _standing(first[law], verdict)) for law in first]
    yield from sorted(found, key=lambda b: (not b.decides, b.violation.law_class != "safety", -b.violation.runs))


def broken_laws(verdict: Verdict) -> list[Violation]:
    """Each law that was broken, by the first violation of it, in the order in which they are told: worst first."""
    return [entry.violation for entry in _broken_laws(verdict)]


def _standing(violation: Violation, verdict: Verdict) -> str:
    """Why a violation does not decide; empty where it does."""
    risks = [risk for risk in verdict.accepted if not risk["expired"] and not risk.get("regression")]
    if any(risk["law"] == violation.law for risk in risks):
        return " · accepted"
    is_within = violation.law_class != "safety" and not any(
        line.passed for line in verdict.limits if line.law == violation.law
    )
    return " · within the policy's limit" if is_within else ""


def _one_a_law(findings: tuple[Finding, ...]) -> list[Finding]:
    return list({finding.law: finding for finding in reversed(findings)}.values())[::-1]


# ---- what it costs --------------------------------------------------------------------------------------------------
def _harm(verdict: Verdict) -> Iterator[RenderableType]:
    bundles = [b for b in (verdict.reported, verdict.sweep) if b is not None and b.runs]
    if not bundles:
        return
    if not any(b.harm.maximum for b in bundles):
        yield out.heading("Harm  none in any run")
        return
    yield out.heading("Harm, USD a run")
    table = out.grid(False, True, True, True, True, True)
    table.add_row("", *(Text(title, style="dim") for title in ("mean", "p50", "p95", "p99", "max")))
    for bundle in bundles:
        table.add_row(bundle.name, *_amounts(bundle.harm))
        if bundle.refund is not None:
            table.add_row("  to refund", *_amounts(bundle.refund))
    yield out.indented(table)
    for bundle in bundles:
        yield from _harm_detail(bundle)


def _amounts(money: Money) -> list[str]:
    return [usd(amount) for amount in (money.mean, money.p50, money.p95, money.p99, money.maximum)]


def _harm_detail(bundle: Bundle) -> Iterator[RenderableType]:
    if told := kinds_text(bundle.harm.by_kind):
        yield out.indented(f"{bundle.name}, mean by kind: {told}")
    if bundle.refund is not None and (told := kinds_text(bundle.refund.by_kind)):
        yield out.indented(f"{bundle.name}, mean to refund by kind: {told}")
    if bundle.harm.restored_mean:
        yield out.indented(f"{bundle.name}, given back by rollbacks: {usd(bundle.harm.restored_mean)} in the mean")
    if bundle.accounts_max:
        typical = "" if bundle.accounts_p50 is None else f"{bundle.accounts_p50:,} in the median run, "
        yield out.indented(f"{bundle.name}, accounts to refund: {typical}{bundle.accounts_max:,} at most")
