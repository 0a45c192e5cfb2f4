"""The silent node on one time axis: heartbeat, condition, taint, each Pod's clock, and what is only believed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes

from k8sviz.diagrams.timelines.lives import Lives, Span
from k8sviz.diagrams.timelines.silence import Lane, Silence, silence_text
from k8sviz.render.charts import (
    FILLS,
    Chart,
    _bar,
    _columns,
    _draw_steps,
    _inches,
    _list_steps,
    _seconds_axis,
    _Sheet,
    _style,
    _tint,
    new_figure,
    spread,
)
from k8sviz.render.measure import printable, shorten
from k8sviz.render.palette import LIGHT, family
from k8sviz.words import say

__all__ = ["silence_chart"]

_WIDTH: Final = 10.5
_RIGHT: Final = 0.35
_ROW: Final = 0.32
_INNER: Final = ("Clock", "Process")


def silence_chart(told: Silence) -> Chart:
    """Draw the story of a silent node: a lane for each thing, and below what happened, by letters at their time."""
    lanes = told.lanes[:40]
    left = 0.45 + max((_inches(shorten(printable(lane.label), 34), 9) for lane in lanes), default=1.0) + 0.2
    width = _WIDTH - left - _RIGHT
    as_lives = Lives(told.title, max(told.end, 0.001), (), (), told.ticks)
    columns = _columns(as_lives, _WIDTH - 0.6)
    top = 0.62 + (0.5 if told.ticks else 0.15)
    marks = 0.3 if told.moments else 0.05
    depth = _ROW * len(lanes) + marks
    foot = 0.75 + 0.3 + 0.21 * len(told.moments) + (0.35 + 0.2 * columns.rows if columns.rows else 0)
    with _style():
        figure = new_figure(top + depth + foot)
        sheet = _Sheet(figure)
        sheet.write(0.3, 0.34, shorten(printable(told.title), 95), 13, weight="bold")
        axes = sheet.axes(left, top, width, depth)
        _seconds_axis(axes, as_lives.end)
        _draw_steps(axes, as_lives, depth, width)
        per_inch = as_lives.end / width
        for i, lane in enumerate(lanes):
            _draw_lane(sheet, axes, lane, marks + _ROW * i, top, per_inch)
        _draw_moments(axes, told, depth, per_inch, width)
        y = _list_moments(sheet, told, top + depth + 0.7)
        if columns.rows:
            sheet.write(0.3, y + 0.1, say("charts.lives.steps"), 9, weight="bold")
            _list_steps(sheet, as_lives, columns, 0.3, y + 0.33)
    words = " ".join(f"{m.t:.1f} s: {m.text}." for m in told.moments)
    return Chart(
        figure, silence_text(told), say("node.chart.alt", seconds=f"{told.end:.0f}", node=told.node, moments=words)
    )


def _draw_lane(sheet: _Sheet, axes: Axes, lane: Lane, y: float, top: float, per_inch: float) -> None:
    inner = lane.kind in _INNER
    hue = LIGHT.soft if inner else LIGHT.families[family(lane.kind)]
    label = shorten(printable(lane.label), 34)
    sheet.write(
        0.55 if inner else 0.3,
        top + y + _ROW / 2,
        label,
        8.5 if inner else 9.5,
        color=hue,
        weight="normal" if inner else "bold",
    )
    for span in lane.spans:
        _draw_span(axes, span, y, per_inch, _ROW * (0.62 if inner else 0.74))


def _draw_span(axes: Axes, span: Span, y: float, per_inch: float, height: float) -> None:
    fill = FILLS[span.level]
    width = max(span.end - span.start, 0.012 * per_inch)
    _bar(axes, span.start, y + (_ROW - height) / 2, width, height, fill)
    word = printable(span.phase)
    if _inches(word, 8) + 0.14 <= width / per_inch:
        axes.text(
            span.start + 0.06 * per_inch,
            y + _ROW / 2,
            word,
            fontsize=8,
            va="center_baseline",
            zorder=3.5,
            bbox={"facecolor": _tint(fill.hue, 0.3), "edgecolor": "none", "boxstyle": "square,pad=0.12"},
            clip_on=True,
            parse_math=False,
        )


def _letter(number: int) -> str:
    return chr(ord("a") + number % 26)


def _draw_moments(axes: Axes, told: Silence, depth: float, per_inch: float, width: float) -> None:
    places: Sequence[float] = spread([m.t / per_inch for m in told.moments], 0.19, 0.0, width)
    for i, (moment, place) in enumerate(zip(told.moments, places, strict=True)):
        x = place * per_inch
        axes.plot([x, moment.t, moment.t], [0.19, 0.29, depth], color=LIGHT.text, linewidth=0.7, alpha=0.55, zorder=2.5)
        axes.plot(x, 0.12, "s", markersize=11, markerfacecolor=LIGHT.text, markeredgewidth=0, zorder=4)
        axes.text(
            x,
            0.12,
            _letter(i),
            fontsize=8,
            color=LIGHT.card,
            ha="center",
            va="center_baseline",
            zorder=5,
            weight="bold",
            parse_math=False,
        )


def _list_moments(sheet: _Sheet, told: Silence, y: float) -> float:
    if not told.moments:
        return y
    sheet.write(0.3, y, say("node.chart.moments"), 9, weight="bold")
    for i, moment in enumerate(told.moments):
        at = y + 0.23 + 0.21 * i
        sheet.write(0.4, at, _letter(i), 8.5, weight="bold")
        sheet.write(0.95, at, f"{moment.t:.1f} s", 8.5, ha="right", color=LIGHT.soft)
        sheet.write(1.05, at, shorten(printable(moment.text), 150), 8.5)
    return y + 0.23 + 0.21 * len(told.moments)
