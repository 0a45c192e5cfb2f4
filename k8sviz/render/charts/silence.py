"""The silent node on one time axis: heartbeat, condition, taint, each Pod's clock, and what is only believed."""

from __future__ import annotations

from typing import Final

from k8sviz.diagrams.timelines.silence import Lane, Silence, silence_text
from k8sviz.letters import printable
from k8sviz.render.charts.chart import Chart
from k8sviz.render.charts.lives import kind_ink
from k8sviz.render.charts.sheet import CARD, FILLS, SOFT, TEXT, WIDTH, Mark, Sheet, inches
from k8sviz.render.charts.timeline import RIGHT, Plot, Steps, bar, spread, word_in_bar
from k8sviz.render.measure import shorten
from k8sviz.words import say

__all__ = ["silence_chart"]

_ROW: Final = 0.32
_INNER: Final = ("Clock", "Process")


def silence_chart(told: Silence) -> Chart:
    """Draw the story of a silent node: a lane for each thing, and below what happened, by letters at their time."""
    lanes = told.lanes[:40]
    left = 0.45 + max((inches(shorten(printable(lane.label), 34), 9) for lane in lanes), default=1.0) + 0.2
    steps = Steps.of(told.ticks)
    top = 0.62 + steps.band
    marks = 0.3 if told.moments else 0.05
    depth = _ROW * len(lanes) + marks
    sheet = Sheet(top + depth + 0.75 + 0.3 + 0.21 * len(told.moments) + steps.foot + 0.05)
    sheet.title(told.title)
    plot = Plot(sheet, left, top, WIDTH - left - RIGHT, depth, max(told.end, 0.001))
    plot.draw_axis()
    steps.draw_marks(plot)
    for i, lane in enumerate(lanes):
        _draw_lane(plot, lane, top + marks + _ROW * i)
    _draw_moments(plot, told)
    steps.draw_list(sheet, _list_moments(sheet, told, top + depth + 0.7))
    words = " ".join(f"{m.t:.1f} s: {m.text}." for m in told.moments)
    alt = say("node.chart.alt", seconds=f"{told.end:.0f}", node=told.node, moments=words)
    return Chart(sheet, silence_text(told), alt)


def _draw_lane(plot: Plot, lane: Lane, y: float) -> None:
    inner = lane.kind in _INNER
    ink, label, middle = SOFT if inner else kind_ink(lane.kind), shorten(printable(lane.label), 34), y + _ROW / 2
    plot.sheet.write(0.55 if inner else 0.3, middle, label, 8.5 if inner else 9.5, ink, bold=not inner)
    height = _ROW * (0.62 if inner else 0.74)
    for span in lane.spans:
        fill = FILLS[span.level]
        width = max((span.end - span.start) / plot.per_inch, 0.012)
        bar(plot.sheet, plot.x(span.start), y + (_ROW - height) / 2, width, height, fill)
        word_in_bar(plot, span.start, span.end, middle, span.phase, fill.ink.thin(0.3))


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26)


def _draw_moments(plot: Plot, told: Silence) -> None:
    places = spread([m.t / plot.per_inch for m in told.moments], 0.19, 0.0, plot.width)
    for i, (moment, place) in enumerate(zip(told.moments, places, strict=True)):
        x, at, top = plot.left + place, plot.x(moment.t), plot.top
        plot.sheet.line([(x, top + 0.19), (at, top + 0.29), (at, top + plot.depth)], TEXT.thin(0.55), 0.7, 2.5)
        plot.sheet.add(Mark(x, top + 0.12, "s", 11, TEXT), 4.0)
        plot.sheet.write(x, top + 0.12, _letter(i), 8, CARD, anchor="middle", bold=True)


def _list_moments(sheet: Sheet, told: Silence, y: float) -> float:
    if not told.moments:
        return y
    sheet.write(0.3, y, say("node.chart.moments"), 9, bold=True)
    for i, moment in enumerate(told.moments):
        at = y + 0.23 + 0.21 * i
        sheet.write(0.4, at, _letter(i), 8.5, bold=True)
        sheet.write(0.95, at, f"{moment.t:.1f} s", 8.5, SOFT, anchor="end")
        sheet.write(1.05, at, shorten(printable(moment.text), 150), 8.5)
    return y + 0.23 + 0.21 * len(told.moments)
