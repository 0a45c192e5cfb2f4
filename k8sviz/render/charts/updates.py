"""A hot update as a chart: one row for the key, one for each variable and file made of it, the value in each stretch.

A version has its hue; a stretch in which nobody looked is hatched. Values stand in the bars as words.
"""

from __future__ import annotations

from typing import Final

from k8sviz.diagrams.timelines.updates import Stretch, Track, Updates, updates_text
from k8sviz.letters import printable
from k8sviz.render.charts.chart import Chart
from k8sviz.render.charts.sheet import CARD, HUES, SOFT, TEXT, WIDTH, Box, Ink, Sheet, Text, inches
from k8sviz.render.charts.timeline import RIGHT, Plot, Steps
from k8sviz.render.measure import shorten
from k8sviz.words import say

__all__ = ["update_chart"]

_ROW: Final = 0.4
_BAR: Final = 0.28
_SIZE: Final = 8.5


def update_chart(told: Updates) -> Chart:
    """Draw what changed of all that a container is given, and when it arrived; all is also in the chart's words."""
    tracks = told.tracks
    left = 0.45 + max((inches(_label(track), 9) * 1.15 for track in tracks), default=1.0)
    steps = Steps.of(told.ticks)
    depth = max(_ROW * len(tracks), 0.3) + 0.1
    top = 0.62 + steps.band
    notes = [say("updates.chart.legend"), *told.notes] if tracks else [say("updates.text.nothing", what=told.pod)]
    sheet = Sheet(top + depth + 0.8 + 0.2 * len(notes) + steps.foot + 0.05)
    sheet.title(told.title)
    plot = Plot(sheet, left, top, WIDTH - left - RIGHT, depth, max(told.end, 0.001))
    plot.draw_axis()
    steps.draw_marks(plot)
    for i, track in enumerate(tracks):
        middle, source = top + _ROW * (i + 0.5) + 0.05, track.part == "source"
        sheet.write(0.3 if source else 0.45, middle, _label(track), 9, bold=source)
        _draw_track(plot, track, middle)
    y = top + depth + 0.62
    for note in notes:
        sheet.write(0.3, y, shorten(printable(note), 170), 8.5, SOFT)
        y += 0.2
    steps.draw_list(sheet, y)
    rows = "; ".join(line.strip() for line in updates_text(told).splitlines()[1:4])
    return Chart(sheet, updates_text(told), say("updates.chart.alt", seconds=f"{told.end:.0f}", rows=rows))


def _label(track: Track) -> str:
    return shorten(printable(track.label), 44)


def _draw_track(plot: Plot, track: Track, middle: float) -> None:
    for stretch in track.stretches:
        _draw_stretch(plot, stretch, middle, bold=track.part == "source")
    for change in track.changes:
        x = plot.x(change.t)
        plot.sheet.line([(x, middle - _ROW / 2), (x, middle + _ROW / 2)], TEXT, 1.6, 4.0)


def _draw_stretch(plot: Plot, stretch: Stretch, middle: float, *, bold: bool) -> None:
    known = stretch.number is not None
    ink = HUES[(stretch.number or 0) % len(HUES)] if known else Ink("line")
    width = (stretch.end - stretch.start) / plot.per_inch
    fill, hatch = ink.thin((0.55 if bold else 0.3) if known else 0.05), "" if known else "/"
    plot.sheet.add(Box(plot.x(stretch.start), middle - _BAR / 2, width, _BAR, fill, ink, 0.9, hatch))
    words = printable(stretch.value)
    while words and inches(words, _SIZE) > width - 0.1:
        words = words[:-2] + "…" if len(words) > 3 else ""
    if words:
        back = None if known else CARD
        plot.sheet.add(Text(plot.x(stretch.start) + 0.05, middle, words, _SIZE, back=back), 3.0)
