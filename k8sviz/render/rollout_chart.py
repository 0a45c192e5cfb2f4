"""A rollout's Pods over time, against the bounds that its settings promise; and a bar for each Pod.

From the bottom: available Pods, so that their edge can be read against the least line; above them those that are not
available yet, so that the whole can be read against the most line; on top, hatched, those that are going and that
nobody counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from k8sviz.diagrams.timelines.lives import Lives
from k8sviz.diagrams.timelines.rollouts import (
    COUNTED,
    Count,
    PodLife,
    Revision,
    RolloutSeries,
    Stage,
    revision_line,
    rollout_text,
)
from k8sviz.render.charts import (
    FILLS,
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

__all__ = ["HUES", "rollout_chart", "rollouts_chart"]

HUES: Final = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")
"""Okabe and Ito's colours, one a version, used again after the sixth: neighbours in time always differ."""
_STAGES: Final[tuple[Stage, ...]] = (*COUNTED, "terminating")
_WIDTH: Final = 10.5
_RIGHT: Final = 0.35
_AREA: Final = 2.5
_MOST_BARS: Final = 32
_BAR: Final = 0.2
_MOST_DEPTH: Final = 6.4  # of all bars together: more of them are thinner
_LINE_DESIRED: Final = {"color": "#1b1f24", "linewidth": 1.6, "linestyle": "-"}
_LINE_MOST: Final = {"color": "#b3261e", "linewidth": 1.6, "linestyle": (0, (5, 2))}
_LINE_LEAST: Final = {"color": "#00714f", "linewidth": 1.6, "linestyle": (0, (1, 1.2))}


class _Look(NamedTuple):
    """How a stage changes its version's hue: how much of it is left, and a hatch."""

    share: float
    hatch: str = ""


_LOOKS: Final[dict[str, _Look]] = {
    "available": _Look(0.8),
    "ready": _Look(0.5, "..."),
    "starting": _Look(0.28, "///"),
    "pending": _Look(0.12, "///"),
    "failing": _Look(0.2, "xxx"),
    "terminating": _Look(0.06, "\\\\\\"),
    "ended": _Look(0.06, "---"),
}


def _hue(version: int) -> str:
    return HUES[version % len(HUES)]


# -- one rollout ---------------------------------------------------------------------------------------


def rollout_chart(series: RolloutSeries, *, bars: int = _MOST_BARS) -> Chart:
    """Draw a workload's Pods over time: stacked by version and state with the bounds, conditions, a bar a Pod.

    More than `bars` Pods share rows: a row is used again when its Pod has gone. All is also in the chart's words.
    """
    lanes = _lanes(series)
    rows, packed = _rows(series, bars)
    told = Lives(series.title, max(series.end, 0.001), (), (), series.ticks)
    lines = [revision_line(r, series) for r in series.revisions]
    left = max([_inches(shorten(printable(r.label), 30), 8) for r in rows] + [_inches(n, 9) for n, _ in lanes] + [0.9])
    left += 0.5
    width = _WIDTH - left - _RIGHT
    columns = _columns(told, _WIDTH - 0.6)
    entries = _legend(series)
    legend = _flow(entries, _WIDTH - 0.6)
    band = 0.5 if series.ticks else 0.15
    lane_depth = 0.27 * len(lanes) + (0.25 if lanes else 0)
    bar = min(_BAR, _MOST_DEPTH / max(len(rows), 1))
    depth = _AREA + lane_depth + (0.3 + bar * len(rows) if rows else 0)
    top = 0.62 + 0.2 * len(lines) + band
    foot = 0.75 + 0.26 * len(legend) + (0.3 + 0.2 * columns.rows if columns.rows else 0)
    with _style():
        figure = new_figure(top + depth + foot)
        sheet = _Sheet(figure)
        title = series.title if str(series.ref) in series.title else f"{series.title} · {series.ref}"
        sheet.write(0.3, 0.3, shorten(printable(title), 95), 13, weight="bold")
        for i, line in enumerate(lines):
            sheet.write(0.3, 0.6 + 0.2 * i, shorten(printable(line), 160), 8.5, color=LIGHT.soft)
        back = sheet.axes(left, top, width, depth)
        _seconds_axis(back, told.end)
        _draw_steps(back, told, depth, width)
        area = sheet.axes(left, top, width, _AREA)
        _draw_area(area, series, _most(series))
        sheet.write(left - 0.42, top + _AREA / 2, say("rollout.chart.pods"), 9, rotation=90, ha="center", weight="bold")
        _draw_lanes(sheet, back, lanes, told.end, left, top)
        heading = say("rollout.chart.seats" if packed else "rollout.chart.bars")
        _draw_bars(sheet, back, rows, heading, bar, series.end, (_AREA + lane_depth, left, top))
        y = _draw_legend(sheet, legend, top + depth + 0.75)
        if columns.rows:
            sheet.write(0.3, y + 0.06, say("charts.lives.steps"), 9, weight="bold")
            _list_steps(sheet, told, columns, 0.3, y + 0.3)
    alt = say("rollout.chart.alt", seconds=f"{series.end:.0f}", what=series.ref, records=" ".join(lines))
    return Chart(figure, rollout_text(series), alt)


def _most(series: RolloutSeries) -> int:
    most = [c.total + c_going for c in series.counts for c_going in (_going(c),)]
    return max([*most, *(w.max_total for w in series.wishes), 1])


def _going(count: Count) -> int:
    return sum(n for _, stage, n in count.by if stage == "terminating")


# -- the stacked area ----------------------------------------------------------------------------------


def _draw_area(axes: Axes, series: RolloutSeries, most: int, *, marks: bool = True) -> None:
    end = max(series.end, 0.001)
    axes.set_xlim(0, end)
    axes.set_ylim(0, most * 1.06 + 0.35)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.tick_params(axis="y", length=3, labelsize=8.5)
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.spines["left"].set_visible(True)
    axes.grid(axis="y", color=_tint(LIGHT.frame, 0.5), linewidth=0.6)
    axes.set_axisbelow(True)
    _draw_bands(axes, series, end)
    _draw_wishes(axes, series, end)
    if marks:
        for revision in series.revisions:
            _draw_extremes(axes, series, revision)


def _draw_bands(axes: Axes, series: RolloutSeries, end: float) -> None:
    times = [c.t for c in series.counts] + [end]
    if len(times) < 2:
        return
    base = [0.0] * len(times)
    for stage in _STAGES:
        for version in range(len(series.versions)):
            numbers = [float(c.of(version, stage)) for c in series.counts]
            if not any(numbers):
                continue
            upper = [b + n for b, n in zip(base, [*numbers, numbers[-1]], strict=True)]
            look, hue = _LOOKS[stage], _hue(version)
            axes.fill_between(
                times,
                base,
                upper,
                step="post",
                facecolor=_tint(hue, look.share),
                linewidth=0,
                hatch=look.hatch,
                edgecolor=_tint(hue, 0.75),
                zorder=2,
            )
            base = upper
    _draw_edges(axes, series, times)


def _draw_edges(axes: Axes, series: RolloutSeries, times: Sequence[float]) -> None:
    """The upper edges of what is available and of what is counted: they are read against the lines."""
    last = series.counts[-1]
    for numbers, hue in (
        ([c.available for c in series.counts] + [last.available], "#00714f"),
        ([c.total for c in series.counts] + [last.total], LIGHT.text),
    ):
        axes.step(times, numbers, where="post", color=hue, linewidth=0.9, zorder=2.6)


def _draw_wishes(axes: Axes, series: RolloutSeries, end: float) -> None:
    """What the settings promise, from the time at which they came into force."""
    times = [w.t for w in series.wishes] + [end]
    if len(times) < 2:
        return
    desired = [w.replicas for w in series.wishes]
    for numbers, look in (
        (desired, _LINE_DESIRED),
        ([w.max_total for w in series.wishes], _LINE_MOST),
        ([w.min_available for w in series.wishes], _LINE_LEAST),
    ):
        if look is not _LINE_DESIRED and numbers == desired and not series.revisions:
            continue  # no bounds but the wish itself: a StatefulSet never has more
        line: dict[str, Any] = dict(look)
        axes.step(times, [*numbers, numbers[-1]], where="post", zorder=3, solid_capstyle="butt", **line)


def _draw_extremes(axes: Axes, series: RolloutSeries, revision: Revision) -> None:
    """Where a rollout had most Pods, and where fewest were available."""
    last = revision.end >= series.end
    inside = [c for c in series.counts if revision.start <= c.t < revision.end or (last and c.t == revision.end)]
    start = series.at(revision.start)
    inside = [Count(revision.start, start.by, start.total, start.available), *inside]
    high = max(inside, key=lambda c: c.total)
    style: dict[str, Any] = {"markersize": 7, "markeredgecolor": LIGHT.card, "markeredgewidth": 0.8, "zorder": 4}
    axes.plot(high.t, high.total, "v", color="#b3261e", **style)
    if revision.min_available is not None:
        low = min(inside, key=lambda c: c.available)
        axes.plot(low.t, low.available, "^", color="#00714f", **style)


# -- conditions ----------------------------------------------------------------------------------------


class _Span(NamedTuple):
    start: float
    end: float
    word: str
    level: str


def _lanes(series: RolloutSeries) -> list[tuple[str, list[_Span]]]:
    """Each condition's states, one after the other."""
    lanes: dict[str, list[_Span]] = {}
    for mark in series.marks:
        spans = lanes.setdefault(mark.subject, [])
        if spans:
            spans[-1] = spans[-1]._replace(end=mark.t)
        spans.append(_Span(mark.t, max(series.end, mark.t), mark.reason, mark.level))
    return [(name, spans) for name, spans in sorted(lanes.items())]


def _draw_lanes(
    sheet: _Sheet, axes: Axes, lanes: Sequence[tuple[str, list[_Span]]], end: float, left: float, top: float
) -> None:
    per_inch = end / (sheet.width - left - _RIGHT)
    for i, (name, spans) in enumerate(lanes):
        y = _AREA + 0.25 + 0.27 * i
        sheet.write(left - 0.12, top + y + 0.11, name, 8.5, ha="right")
        for span in spans:
            if not span.level:
                continue
            fill = FILLS[span.level]
            width = max(span.end - span.start, 0.01 * per_inch)
            _box(axes, span.start, y, width, 0.21, _tint(fill.hue, 0.25), _tint(fill.hue, 0.7), fill.hatch)
            word = _fit(printable(span.word), width / per_inch - 0.12, 7.5)
            if word:
                axes.text(
                    span.start + 0.05 * per_inch,
                    y + 0.105,
                    word,
                    fontsize=7.5,
                    va="center_baseline",
                    zorder=4,
                    bbox={"facecolor": _tint(fill.hue, 0.25), "edgecolor": "none", "boxstyle": "square,pad=0.1"},
                    parse_math=False,
                )


def _fit(word: str, room: float, size: float) -> str:
    """The word, shortened in its middle to the room (inches) that there is; nothing where that would say nothing."""
    lengths = range(len(word), 8, -1)
    return next((short for n in lengths if _inches(short := shorten(word, n), size) <= room), "")


def _box(axes: Axes, x: float, y: float, width: float, height: float, fill: str, edge: str, hatch: str) -> None:
    axes.add_patch(
        Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge, hatch=hatch, linewidth=0.7, zorder=3)
    )


# -- a bar for each Pod ----------------------------------------------------------------------------------


@dataclass
class _Row:
    """One line of bars; several Pods one after the other where there are many."""

    label: str
    pods: list[PodLife]


def _rows(series: RolloutSeries, most: int) -> tuple[list[_Row], bool]:
    """A row a Pod; a StatefulSet's Pods of one name, and all Pods where there are too many, share rows in turn."""
    if series.ref.kind == "StatefulSet":
        names: dict[str, _Row] = {}
        for pod in series.pods:
            names.setdefault(pod.name, _Row(pod.name, [])).pods.append(pod)
        rows = [names[n] for n in sorted(names, key=lambda n: (len(n), n))]
        return rows[:most], False
    if len(series.pods) <= most:
        return [_Row(p.name, [p]) for p in series.pods], False
    rows = []
    for pod in series.pods:
        free = next((r for r in rows if r.pods[-1].end <= pod.created), None)
        if free is None:
            rows.append(_Row(str(len(rows) + 1), [pod]))
        else:
            free.pods.append(pod)
    return rows, True


def _draw_bars(
    sheet: _Sheet,
    axes: Axes,
    rows: Sequence[_Row],
    heading: str,
    bar: float,
    end: float,
    at: tuple[float, float, float],
) -> None:
    if not rows:
        return
    offset, left, top = at
    sheet.write(0.3, top + offset + 0.12, heading, 9, weight="bold")
    per_inch = max(end, 0.001) / (sheet.width - left - _RIGHT)
    for i, row in enumerate(rows):
        y = offset + 0.26 + bar * i
        if bar >= 0.13:
            label = shorten(printable(row.label), 30)
            sheet.write(left - 0.12, top + y + bar / 2, label, min(8.0, bar * 40), ha="right")
        for pod in row.pods:
            _draw_life(axes, pod, y, per_inch, bar)


def _draw_life(axes: Axes, pod: PodLife, y: float, per_inch: float, bar: float) -> None:
    """One Pod's stages, with a dot when it got a node, a tick when it was Ready, and a bar at its end."""
    hue, height = _hue(pod.version), bar * 0.74
    top = y + bar * 0.13
    for spell in pod.spells:
        look = _LOOKS[spell.stage]
        width = max(spell.end - spell.start, 0.008 * per_inch)
        edge = FILLS["bad"].hue if spell.stage == "failing" else _tint(hue, 0.75)
        _box(axes, spell.start, top, width, height, _tint(hue, look.share), edge, look.hatch)
    middle = top + height / 2
    if pod.scheduled is not None and pod.created <= pod.scheduled <= pod.end:
        axes.plot(pod.scheduled, middle, "o", markersize=15 * bar, color=LIGHT.text, markeredgewidth=0, zorder=4)
    if pod.ready is not None and pod.created <= pod.ready <= pod.end:
        axes.plot([pod.ready] * 2, [top, top + height], color=LIGHT.text, linewidth=1.1, zorder=4)
    if pod.gone is not None:
        axes.plot([pod.end] * 2, [top - 0.01, top + height + 0.01], color=LIGHT.text, linewidth=1.8, zorder=4)
    else:
        axes.plot(
            pod.end + 0.06 * per_inch,
            middle,
            ">",
            markersize=17 * bar,
            color=LIGHT.soft,
            markeredgewidth=0,
            clip_on=False,
            zorder=3,
        )


# -- legend ----------------------------------------------------------------------------------------------


class _Entry(NamedTuple):
    word: str
    sign: str
    value: Any


def _legend(series: RolloutSeries, *, bars: bool = True) -> list[_Entry]:
    """Only what is in the chart: versions by colour, stages by hatch, then lines and marks."""
    there = {stage for c in series.counts for _, stage, _ in c.by}
    versions = sorted({p.version for p in series.pods})
    shown = versions if len(versions) <= len(HUES) else []
    entries = [
        _Entry(say("rollout.chart.version", label=series.versions[v].label), "box", (_hue(v), _Look(0.8)))
        for v in shown
    ]
    for stage in _STAGES:
        if stage in there and stage != "available":
            word = say("rollout.chart.uncounted") if stage == "terminating" else say(f"rollout.stage.{stage}")
            entries.append(_Entry(word, "box", ("#7d8590", _LOOKS[stage])))
    entries += [_Entry(say("rollout.chart.desired"), "line", _LINE_DESIRED)]
    if series.revisions or any(w.max_total != w.replicas for w in series.wishes):
        entries.append(_Entry(say("rollout.chart.most"), "line", _LINE_MOST))
    if series.revisions or any(w.min_available != w.replicas for w in series.wishes):
        entries.append(_Entry(say("rollout.chart.least"), "line", _LINE_LEAST))
    if series.revisions:
        entries += [_Entry(say("rollout.chart.high"), "v", "#b3261e"), _Entry(say("rollout.chart.low"), "^", "#00714f")]
    if bars and series.pods:
        entries.append(_Entry(say("rollout.chart.scheduled"), "o", LIGHT.text))
        entries += [_Entry(say("rollout.chart.ready"), "|", 1.1), _Entry(say("charts.lives.gone"), "|", 1.8)]
    return entries


def _flow(entries: Sequence[_Entry], room: float) -> list[list[tuple[float, _Entry]]]:
    lines: list[list[tuple[float, _Entry]]] = []
    x = room
    for entry in entries:
        width = 0.42 + _inches(entry.word, 8.5) + 0.2
        if not lines or x + width > room:
            lines.append([])
            x = 0.0
        lines[-1].append((x, entry))
        x += width
    return lines


def _draw_legend(sheet: _Sheet, lines: Sequence[Sequence[tuple[float, _Entry]]], y: float) -> float:
    """Draw the legend from `y` inches down; returns where it ends."""
    if not lines:
        return y
    height = 0.26 * len(lines)
    axes = sheet.axes(0.3, y - 0.13, sheet.width - 0.6, height)
    axes.set_axis_off()
    axes.set_xlim(0, sheet.width - 0.6)
    for number, line in enumerate(lines):
        for x, entry in line:
            _draw_sign(axes, entry, x, 0.13 + 0.26 * number)
            sheet.write(0.3 + x + 0.4, y + 0.26 * number, shorten(printable(entry.word), 70), 8.5)
    return y + height


def _draw_sign(axes: Axes, entry: _Entry, x: float, y: float) -> None:
    if entry.sign == "box":
        hue, look = entry.value
        _box(axes, x + 0.02, y - 0.075, 0.3, 0.15, _tint(hue, look.share), _tint(hue, 0.75), look.hatch)
    elif entry.sign == "line":
        axes.plot([x + 0.02, x + 0.32], [y, y], **entry.value)
    elif entry.sign == "|":
        axes.plot([x + 0.2] * 2, [y - 0.08, y + 0.08], color=LIGHT.text, linewidth=entry.value)
    else:
        axes.plot(
            x + 0.2, y, entry.sign, markersize=4 if entry.sign == "o" else 7, color=entry.value, markeredgewidth=0
        )


# -- several rollouts side by side -------------------------------------------------------------------------


def rollouts_chart(parts: Sequence[RolloutSeries], *, title: str = "", across: int = 2) -> Chart:
    """Draw rollouts under different settings in panels with the same axes, so that they can be compared.

    Each panel's heading is its series' title; below it stands what was reached, one line a revision.
    """
    parts = list(parts)
    across = max(1, min(across, len(parts)))
    down = math.ceil(len(parts) / across) if parts else 0
    most = max([_most(p) for p in parts], default=1)
    end = max([p.end for p in parts], default=1.0)
    gap, panel = 0.6, 2.1
    width = (_WIDTH - 0.55 - _RIGHT - 0.45 * (across - 1)) / across
    legend = _flow(_shared_legend(parts), _WIDTH - 0.6)
    top = 0.75 if title else 0.3
    lines = [line for p in parts for line in (p.title, *(revision_line(r, p) for r in p.revisions))]
    with _style():
        figure = new_figure(top + down * (panel + gap + 0.35) + 0.05 + 0.26 * len(legend) + 0.2)
        sheet = _Sheet(figure)
        sheet.write(0.3, 0.34, shorten(printable(title), 95), 13, weight="bold")
        for i, part in enumerate(parts):
            row, column = divmod(i, across)
            x, y = 0.55 + column * (width + 0.45), top + row * (panel + gap + 0.35)
            _panel(sheet, part, most, end, (x, y, width, panel))
        _draw_legend(sheet, legend, top + down * (panel + gap + 0.35) + 0.1)
    records = " ".join(lines)
    return Chart(
        figure,
        "\n".join([title, *lines] if title else lines),
        say("rollout.chart.alt-many", count=len(parts), records=records),
    )


def _shared_legend(parts: Sequence[RolloutSeries]) -> list[_Entry]:
    """One legend for all panels: a colour stands for the same tags in each, whatever its revision's number is."""
    tags: dict[str, dict[str, None]] = {}
    for part in parts:
        for version in {p.version for p in part.pods}:
            tags.setdefault(_hue(version), {})[part.versions[version].tag] = None
    entries = [
        _Entry(say("rollout.chart.tags", tags=", ".join(tags[hue])), "box", (hue, _Look(0.8)))
        for hue in HUES
        if hue in tags
    ]
    others = {e.word: e for part in parts for e in _legend(part, bars=False) if not _is_version(e)}
    return [*entries, *others.values()]


def _is_version(entry: _Entry) -> bool:
    return entry.sign == "box" and entry.value[0] in HUES


def _panel(sheet: _Sheet, part: RolloutSeries, most: int, end: float, box: tuple[float, float, float, float]) -> None:
    x, y, width, height = box
    size = 9.5 if _inches(part.title, 9.5) <= width / 1.12 else 8.0
    sheet.write(x, y + 0.02, _fit(printable(part.title), width / 1.12, size), size, weight="bold")
    for revision in part.revisions[-1:]:
        reached = say(
            "rollout.chart.reached",
            total=revision.max_total,
            most=revision.total_bound,
            available="–" if revision.min_available is None else revision.min_available,
            least="–" if revision.available_bound is None else revision.available_bound,
        )
        if revision.complete is not None:
            reached += say("rollout.text.complete", seconds=f"{revision.complete - revision.start:.1f}")
        sheet.write(x, y + 0.22, reached, 8.5, color=LIGHT.soft)
    area = sheet.axes(x, y + 0.35, width, height)
    _draw_area(area, part, most)
    area.set_xlim(0, max(end, 0.001))
    area.tick_params(axis="x", length=3, labelsize=8, labelbottom=True)
    area.set_xlabel(say("rollout.chart.axis"), fontsize=8, color=LIGHT.soft, labelpad=1)
