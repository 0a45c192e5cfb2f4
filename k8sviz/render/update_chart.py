"""A hot update as a chart: one row for the key, one for each variable and file made of it, the value in each stretch.

A version has its hue; a stretch in which nobody looked is hatched. Values stand in the bars as words.
"""

from __future__ import annotations

from typing import Final

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from k8sviz.diagrams.timelines.lives import Lives
from k8sviz.diagrams.timelines.updates import Stretch, Track, Updates, updates_text
from k8sviz.render.charts import (
    Chart,
    _columns,
    _draw_steps,
    _inches,
    _list_steps,
    _seconds_axis,
    _Sheet,
    _style,
    _tint,
    new_figure,
)
from k8sviz.render.measure import printable, shorten
from k8sviz.render.palette import LIGHT
from k8sviz.words import say

__all__ = ["update_chart"]

_HUES: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
_WIDTH: Final = 10.5
_RIGHT: Final = 0.35
_ROW: Final = 0.4
_BAR: Final = 0.28
_SIZE: Final = 8.5


def update_chart(told: Updates) -> Chart:
    """Draw what changed of all that a container is given, and when it arrived; all is also in the chart's words."""
    tracks = told.tracks
    left = 0.45 + max((_inches(_label(track), 9) * 1.15 for track in tracks), default=1.0)
    width = _WIDTH - left - _RIGHT
    lives = Lives(told.title, max(told.end, 0.001), (), (), told.ticks)
    columns = _columns(lives, _WIDTH - 0.6)
    depth = max(_ROW * len(tracks), 0.3) + 0.1
    top = 0.62 + (0.5 if told.ticks else 0.15)
    notes = [say("updates.chart.legend"), *told.notes] if tracks else [say("updates.text.nothing", what=told.pod)]
    foot = 0.8 + 0.2 * len(notes) + (0.35 + 0.2 * columns.rows if columns.rows else 0)
    with _style():
        figure = new_figure(top + depth + foot)
        sheet = _Sheet(figure)
        sheet.write(0.3, 0.34, shorten(printable(told.title), 95), 13, weight="bold")
        axes = sheet.axes(left, top, width, depth)
        _seconds_axis(axes, told.end)
        _draw_steps(axes, lives, depth, width)
        for i, track in enumerate(tracks):
            middle = _ROW * (i + 0.5) + 0.05
            weight = "bold" if track.part == "source" else "normal"
            sheet.write(0.3 if track.part == "source" else 0.45, top + middle, _label(track), 9, weight=weight)
            _draw_track(axes, track, middle, told.end / width)
        y = top + depth + 0.62
        for note in notes:
            sheet.write(0.3, y, shorten(printable(note), 170), 8.5, color=LIGHT.soft)
            y += 0.2
        if columns.rows:
            sheet.write(0.3, y + 0.08, say("charts.lives.steps"), 9, weight="bold")
            _list_steps(sheet, lives, columns, 0.3, y + 0.3)
    rows = "; ".join(line.strip() for line in updates_text(told).splitlines()[1:4])
    return Chart(figure, updates_text(told), say("updates.chart.alt", seconds=f"{told.end:.0f}", rows=rows))


def _label(track: Track) -> str:
    return shorten(printable(track.label), 44)


def _draw_track(axes: Axes, track: Track, middle: float, per_inch: float) -> None:
    for stretch in track.stretches:
        _draw_stretch(axes, stretch, middle, per_inch, bold=track.part == "source")
    for change in track.changes:
        axes.plot([change.t] * 2, [middle - _ROW / 2, middle + _ROW / 2], color=LIGHT.text, linewidth=1.6, zorder=4)


def _draw_stretch(axes: Axes, stretch: Stretch, middle: float, per_inch: float, *, bold: bool) -> None:
    known = stretch.number is not None
    hue = _HUES[(stretch.number or 0) % len(_HUES)] if known else LIGHT.line
    box = Rectangle(
        (stretch.start, middle - _BAR / 2),
        stretch.end - stretch.start,
        _BAR,
        facecolor=_tint(hue, (0.55 if bold else 0.3) if known else 0.05),
        edgecolor=hue,
        linewidth=0.9,
        hatch=None if known else "////",
        zorder=2,
    )
    axes.add_patch(box)
    room = (stretch.end - stretch.start) / per_inch - 0.1
    words = printable(stretch.value)
    while words and _inches(words, _SIZE) > room:
        words = words[:-2] + "…" if len(words) > 3 else ""
    if words:
        back = {"facecolor": LIGHT.card, "edgecolor": "none", "pad": 0.8} if not known else None
        axes.text(
            stretch.start + 0.05 * per_inch,
            middle,
            words,
            fontsize=_SIZE,
            va="center_baseline",
            zorder=3,
            parse_math=False,
            bbox=back,
        )
