"""Lives on a time axis: a row for each object, its phases as colour, hatch and word, with restarts and bindings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from k8sviz.diagrams.timelines.lives import Lives, Restart, Row, Span, lives_text
from k8sviz.letters import printable
from k8sviz.render.charts.chart import Chart
from k8sviz.render.charts.sheet import CARD, FILLS, FRAME, SOFT, TEXT, WIDTH, Box, Ink, Line, Mark, Sheet, Text, inches
from k8sviz.render.charts.timeline import MOST_STEPS, RIGHT, Entry, Plot, Steps, bar, flow, legend
from k8sviz.render.measure import shorten
from k8sviz.render.palette import family
from k8sviz.words import say

__all__ = ["lives_chart"]

_MOST_ROWS: Final = 70
_KIND_HEIGHT: Final = 0.34
_ROW_HEIGHT: Final = 0.36
_CONTAINER_HEIGHT: Final = 0.255
_TOP: Final = 0.62


class _Line(NamedTuple):
    """A line of the chart: a kind's heading, or a row, from `top` over `height` inches."""

    top: float
    height: float
    row: Row | None
    kind: str = ""

    @property
    def middle(self) -> float:
        return self.top + self.height / 2

    @property
    def bar(self) -> float:
        return self.height * (0.8 if self.row is not None and self.row.container else 0.72)


def lives_chart(told: Lives, *, rows: int = _MOST_ROWS) -> Chart:
    """Draw lives: a row for each object, its phases as colour, hatch and word, with restarts, bindings and steps.

    At most that many `rows` are drawn; what is left out is said below the chart, and all is in its words.
    """
    shown, notes = _fitting(told, rows)
    steps = Steps.of(told.ticks)
    top = _TOP + steps.band
    lines = _lines(shown, top)
    depth = lines[-1].top + lines[-1].height + 0.08 - top if lines else 0.5
    left = _label_width(lines)
    entries = flow(_legend(told, shown))
    sheet = Sheet(top + depth + 0.86 + 0.26 * len(entries) + steps.foot + 0.2 * len(notes))
    plot = Plot(sheet, left, top, WIDTH - left - RIGHT, depth, max(told.end, 0.001))
    sheet.title(told.title)
    plot.draw_axis()
    steps.draw_marks(plot)
    if steps.ticks:
        sheet.write(0.3, top - 0.3, say("charts.lives.steps"), 10, SOFT, bold=True)
    for line in lines:
        _draw_line(plot, line)
    _draw_links(plot, told, lines)
    y = steps.draw_list(sheet, legend(sheet, entries, top + depth + 0.75))
    for i, note in enumerate(notes):
        sheet.write(0.3, y + 0.2 * i, shorten(printable(note), 150), 8.5, SOFT)
    alt = say("charts.lives.alt", seconds=f"{told.end:.0f}", rows=_summary(told), steps=len(told.ticks))
    return Chart(sheet, lives_text(told), alt)


def _summary(told: Lives) -> str:
    """Which objects there are, for the alt text."""
    names = [str(row.ref) for row in told.rows if not row.container]
    return ", ".join(names[:12]) + (f" … ({len(names)})" if len(names) > 12 else "") if names else "-"


def _fitting(told: Lives, most: int) -> tuple[list[Row], list[str]]:
    """The rows that are drawn, and what is said about the others: containers go first."""
    rows, notes = list(told.rows), list(told.notes)
    if len(rows) > most and any(row.container for row in rows):
        rows = [row for row in rows if not row.container]
        notes.append(say("charts.lives.containers-left-out"))
    if len(rows) > most:
        notes.append(say("charts.lives.rows-left-out", count=len(rows) - most))
    if len(told.ticks) > MOST_STEPS:
        notes.append(say("charts.lives.steps-left-out", count=len(told.ticks) - MOST_STEPS))
    if not rows:
        notes.append(say("charts.lives.empty", kinds=", ".join(told.kinds)))
    return rows[:most], notes


def _lines(rows: Sequence[Row], y: float) -> list[_Line]:
    lines: list[_Line] = []
    kind = ""
    for row in rows:
        if row.ref.kind != kind:
            kind = row.ref.kind
            lines.append(_Line(y, _KIND_HEIGHT, None, kind))
            y += _KIND_HEIGHT
        height = _CONTAINER_HEIGHT if row.container else _ROW_HEIGHT
        lines.append(_Line(y, height, row))
        y += height
    return lines


def _label(row: Row) -> tuple[str, float]:
    """A row's name and the size of its letters."""
    return shorten(printable(row.label), 36), 8.0 if row.container else 9.5


def _label_width(lines: Sequence[_Line]) -> float:
    widths = [inches(line.kind, 10) * 1.1 for line in lines if line.row is None]
    for line in lines:
        if line.row is not None:
            text, size = _label(line.row)
            widths.append(inches(text, size) + (0.3 if line.row.container else 0.12))
    return 0.3 + max(widths, default=1.0) + 0.15


def kind_ink(kind: str) -> Ink:
    """The colour of a kind's family."""
    return Ink(family(kind))


def _draw_line(plot: Plot, line: _Line) -> None:
    sheet, y = plot.sheet, line.middle
    if line.row is None:
        sheet.line([(0.3, line.top + 0.07), (plot.left + plot.width, line.top + 0.07)], FRAME, 0.8, 0.4)
        sheet.write(0.3, y + 0.03, line.kind, 10, kind_ink(line.kind), bold=True)
        return
    text, size = _label(line.row)
    inner = bool(line.row.container)
    sheet.write(0.6 if inner else 0.42, y, text, size, SOFT if inner else TEXT)
    sheet.line([(plot.left, y), (plot.x(plot.end), y)], FRAME.thin(0.6), 0.7, 0.5)
    for life in line.row.lives:
        restarts = [r for r in line.row.restarts if life.start <= r.t <= life.end]
        for span in reversed(life.spans):  # the edge of a very short one stays on top of what followed
            _draw_span(plot, line, span, restarts)
        half, x = line.bar / 2 + 0.015, plot.x(life.end)
        if life.gone:
            sheet.line([(x, y - half), (x, y + half)], TEXT, 1.6, 3.2)
        else:
            sheet.add(Mark(x + 0.07, y, ">", line.bar * 20, SOFT), 3.0)


def _draw_span(plot: Plot, line: _Line, span: Span, restarts: Sequence[Restart]) -> None:
    """One phase's bar; a word for each part between restarts, in the longest form that has room."""
    width = max((span.end - span.start) / plot.per_inch, 0.012)
    bar(plot.sheet, plot.x(span.start), line.middle - line.bar / 2, width, line.bar, FILLS[span.level])
    here = [r for r in restarts if span.start <= r.t < span.end]
    edges: list[tuple[float, Restart | None]] = [(r.t, r) for r in here]
    if not here or here[0].t > span.start:
        edges.insert(0, (span.start, None))
    for (start, restart), end in zip(edges, [*(t for t, _ in edges[1:]), span.end], strict=True):
        _write_word(plot, line, span, restart, plot.x(start), (end - start) / plot.per_inch)


def _write_word(plot: Plot, line: _Line, span: Span, restart: Restart | None, x: float, room: float) -> None:
    sizes = (7.5, 6.5) if line.row is not None and line.row.container else (8.5, 7.5, 6.5)
    if restart is not None:
        mark = say("charts.lives.restart-count", count=restart.count)
        _mark_restart(plot.sheet, x + 0.03, line.middle, mark, line.bar)
        wide = inches(mark, line.bar * 33) + 0.06
        x, room = x + wide, room - wide
    fitting = ((w, s) for w in _words(span, restart) for s in sizes if inches(w, s) + 0.12 <= room)
    word, size = next(fitting, ("", 0.0))
    if word:
        plot.sheet.add(Text(x + 0.06, line.middle, word, size, back=FILLS[span.level].ink.thin(0.3)), 3.5)


def _words(span: Span, restart: Restart | None) -> list[str]:
    """What may stand in a bar, the longest first."""
    phase, detail = printable(span.phase), printable(span.detail)
    words = [f"{phase}: {detail}", detail, phase] if detail else [phase]
    if restart is not None and restart.exit_code is not None:
        words.insert(0, f"{phase} " + say("charts.lives.restart-after", code=restart.exit_code))
    return words


def _mark_restart(sheet: Sheet, x: float, y: float, mark: str, height: float) -> None:
    """A dark pill that begins at `x` and holds the count."""
    size = height * 33
    sheet.add(Box(x - 0.03, y - height * 0.4, inches(mark, size) + 0.06, height * 0.8, TEXT, radius=0.05), 3.6)
    sheet.add(Text(x, y, mark, size, CARD), 4.0)


_LINKS: Final = {"binds": ((), "o"), "uses": ((2.6, 2.0), "D")}
_LINK_INK: Final = Ink("#0072b2")


def _draw_links(plot: Plot, told: Lives, lines: Sequence[_Line]) -> None:
    """Binding as a line between two rows at its time, with a mark on both."""
    at = {line.row.ref: line for line in lines if line.row is not None and not line.row.container}
    for link in told.links:
        if link.source in at and link.target in at:
            ends = sorted((at[link.source], at[link.target]), key=lambda line: line.top)
            high, low = ends[0].middle + ends[0].bar / 2, ends[1].middle - ends[1].bar / 2
            _draw_link(plot.sheet, link.relation, (plot.x(link.t), high), (plot.x(link.t), low))


def _draw_link(sheet: Sheet, relation: str, start: tuple[float, float], end: tuple[float, float]) -> None:
    dash, sign = _LINKS[relation]
    sheet.add(Line((start, end), _LINK_INK, 1.3, dash), 3.3)
    for x, y in (start, end):
        sheet.add(Mark(x, y, sign, 4.5, _LINK_INK), 3.3)


# -- the legend --------------------------------------------------------------------------------------


def _legend(told: Lives, rows: Sequence[Row]) -> list[Entry]:
    """Only what is in the chart, phases in the order in which they come."""
    words: dict[str, list[str]] = {}
    for span in (span for row in rows for life in row.lives for span in life.spans):
        if span.phase not in words.setdefault(span.level, []):
            words[span.level].append(span.phase)
    entries = [_bar_entry(level, " · ".join(map(printable, names))) for level, names in words.items()]
    drawn = {row.ref for row in rows}
    relations = {link.relation for link in told.links if {link.source, link.target} <= drawn}
    entries += [_link_entry(name) for name in _LINKS if name in relations]
    if any(row.restarts for row in rows):
        entries.append(Entry(say("charts.lives.restart"), _restart_sign))
    if any(life.gone for row in rows for life in row.lives):
        entries.append(Entry(say("charts.lives.gone"), _gone_sign))
    if any(not life.gone for row in rows for life in row.lives):
        entries.append(Entry(say("charts.lives.stays"), _stays_sign))
    return entries


def _bar_entry(level: str, word: str) -> Entry:
    return Entry(word, lambda sheet, x, y: bar(sheet, x + 0.02, y - 0.075, 0.3, 0.15, FILLS[level]))


def _link_entry(relation: str) -> Entry:
    word = say(f"charts.lives.{relation}")
    return Entry(word, lambda sheet, x, y: _draw_link(sheet, relation, (x + 0.05, y), (x + 0.29, y)))


def _restart_sign(sheet: Sheet, x: float, y: float) -> None:
    _mark_restart(sheet, x + 0.11, y, say("charts.lives.restart-count", count="n"), 0.2)


def _gone_sign(sheet: Sheet, x: float, y: float) -> None:
    sheet.line([(x + 0.2, y - 0.09), (x + 0.2, y + 0.09)], TEXT, 1.6)


def _stays_sign(sheet: Sheet, x: float, y: float) -> None:
    sheet.add(Mark(x + 0.2, y, ">", 5, SOFT))
