"""A story as text: a line an event, with when, in which step, and the line of source; last what it came to."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, RenderableType
from rich.text import Text

from drydock.harness.report import console as out
from drydock.harness.report.words import count, kinds_text, usd
from drydock.harness.story import Sentence, Story

_STYLES = {"event": "", "fault": "yellow", "race": "bold magenta"}


def story_lines(story: Story) -> Iterator[str]:
    """Plain lines, for a log, a bug report or a chat."""
    yield f"How {story.finding.law} came to be broken: {story.law_sentence}".rstrip(": ")
    for sentence in story.sentences:
        if sentence.more:
            yield f"    ... {count(sentence.more, 'event')} in between"
        yield f"  {when(sentence.at_ms, story)}  {sentence.text}{_context(sentence)}"
        yield from (f"      {line}" for line in broken(sentence))
    yield from (f"  {line}" for line in outcome(story))
    if story.replay:
        yield f"  again: {story.replay}"


def print_story(console: Console, story: Story) -> None:
    """The same on a console."""
    out.print_lines(console, out.heading(f"How {story.finding.law} came to be broken"), *_body(story))


def outcome(story: Story) -> Iterator[str]:
    """What it came to: the finding where no told event carries it, and the harm of the run."""
    if not any(story.finding in sentence.breaks for sentence in story.sentences):
        yield f"So {story.finding.law} was broken: {story.finding.detail}"
    if not story.chain:
        yield "The law names no event of its own: it judges the run as a whole."
    total = sum(story.harm.values())
    if total:
        yield f"It came to {usd(total)} USD of harm to {count(story.accounts, 'account')}: {kinds_text(story.harm)}"
    else:
        yield "It came to no harm in USD."


def broken(sentence: Sentence) -> Iterator[str]:
    """The laws that this event broke: the first in full, the others by name."""
    for finding in sentence.breaks[:1]:
        yield f"breaks {finding.law}: {finding.detail}"
    if sentence.breaks[1:]:
        yield f"and with it {', '.join(finding.law for finding in sentence.breaks[1:])}"


def when(at_ms: int, story: Story) -> str:
    """``T+30:25.520``: from the start of the window; hours only where there are some."""
    return clock(at_ms - story.window_ms)


def clock(distance_ms: int, *, has_millis: bool = True) -> str:
    """``T+05:00.250``, ``T-02:10.000``, ``T+1:15:10.000``."""
    seconds, millis = divmod(abs(distance_ms), 1000)
    hours = f"{seconds // 3600}:" if seconds >= 3600 else ""
    text = f"T{'-' if distance_ms < 0 else '+'}{hours}{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{millis:03d}" if has_millis else text


def _context(sentence: Sentence) -> str:
    told = ", ".join(part for part in (sentence.step, sentence.source) if part)
    return f"  [{told}]" if told else ""


def _body(story: Story) -> Iterator[RenderableType]:
    if story.law_sentence:
        yield out.indented(Text(story.law_sentence, style="dim"))
    table = out.grid(False, False, False)
    table.columns[0].no_wrap = True
    for sentence in story.sentences:
        if sentence.more:
            table.add_row("", "", Text(f"... {count(sentence.more, 'event')} in between", style="dim"))
        text = Text(sentence.text, style=_STYLES[sentence.kind])
        for line in broken(sentence):
            text.append(f"\n{line}", style="red")
        if sentence.source:
            text.append(f"  {sentence.source}", style="dim")
        table.add_row(Text(when(sentence.at_ms, story), style="dim"), Text(sentence.step, style="dim"), text)
    yield out.indented(table)
    yield from (out.indented(line) for line in outcome(story))
    if story.replay:
        yield out.command_line(story.replay, 2)
