"""A rollout's Pods over time, against the bounds that its settings promise; and a bar for each Pod.

From the bottom: available Pods, so that their edge can be read against the least line; above them those that are not
available yet, so that the whole can be read against the most line; on top, hatched, those that are going and that
nobody counts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

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
from k8sviz.letters import printable
from k8sviz.render.charts.chart import Chart
from k8sviz.render.charts.sheet import (
    CARD,
    FILLS,
    FRAME,
    HUES,
    SOFT,
    TEXT,
    WIDTH,
    Area,
    Box,
    Ink,
    Line,
    Mark,
    Sheet,
    fit,
    inches,
)
from k8sviz.render.charts.timeline import RIGHT, Entry, Plot, Steps, flow, legend, nice_step, word_in_bar
from k8sviz.render.measure import shorten
from k8sviz.words import say

__all__ = ["rollout_chart", "rollouts_chart"]

_STAGES: Final[tuple[Stage, ...]] = (*COUNTED, "terminating")
_AREA: Final = 2.5
_MOST_BARS: Final = 32
_BAR: Final = 0.2
_MOST_DEPTH: Final = 6.4  # of all bars together: more of them are thinner
_MOST_INK: Final = Ink("#b3261e")
_LEAST_INK: Final = Ink("#00714f")
_GREY: Final = Ink("#7d8590")


class _Wish(NamedTuple):
    """How a promise of the settings is drawn: its colour and its dashes."""

    ink: Ink
    dash: tuple[float, ...] = ()

    def draw(self, sheet: Sheet, points: Sequence[tuple[float, float]]) -> None:
        sheet.add(Line(tuple(points), self.ink, 1.6, self.dash), 3.0)


_DESIRED: Final = _Wish(TEXT)
_MOST: Final = _Wish(_MOST_INK, (8.0, 3.2))
_LEAST: Final = _Wish(_LEAST_INK, (1.6, 1.9))


class _Look(NamedTuple):
    """How a stage changes its version's hue: how much of it is left, and a hatch."""

    share: float
    hatch: str = ""


_LOOKS: Final[dict[str, _Look]] = {
    "available": _Look(0.8),
    "ready": _Look(0.5, "."),
    "starting": _Look(0.28, "/"),
    "pending": _Look(0.12, "/"),
    "failing": _Look(0.2, "x"),
    "terminating": _Look(0.06, "\\"),
    "ended": _Look(0.06, "-"),
}


def _hue(version: int) -> Ink:
    return HUES[version % len(HUES)]


# -- one rollout ---------------------------------------------------------------------------------------


def rollout_chart(series: RolloutSeries, *, bars: int = _MOST_BARS) -> Chart:
    """Draw a workload's Pods over time: stacked by version and state with the bounds, conditions, a bar a Pod.

    More than `bars` Pods share rows: a row is used again when its Pod has gone. All is also in the chart's words.
    """
    lanes = _lanes(series)
    rows, packed = _rows(series, bars)
    lines = [revision_line(r, series) for r in series.revisions]
    labels = [inches(shorten(printable(r.label), 30), 8) for r in rows]
    left = max([*labels, *(inches(name, 9) for name, _ in lanes), 0.9]) + 0.5
    steps = Steps.of(series.ticks)
    entries = flow(_legend(series))
    lane_depth = 0.27 * len(lanes) + (0.25 if lanes else 0)
    bar = min(_BAR, _MOST_DEPTH / max(len(rows), 1))
    depth = _AREA + lane_depth + (0.3 + bar * len(rows) if rows else 0)
    top = 0.62 + 0.2 * len(lines) + steps.band
    sheet = Sheet(top + depth + 0.75 + 0.26 * len(entries) + steps.foot)
    sheet.title(series.title if str(series.ref) in series.title else f"{series.title} · {series.ref}")
    for i, line in enumerate(lines):
        sheet.write(0.3, 0.6 + 0.2 * i, shorten(printable(line), 160), 8.5, SOFT)
    plot = Plot(sheet, left, top, WIDTH - left - RIGHT, depth, max(series.end, 0.001))
    plot.draw_axis()
    steps.draw_marks(plot)
    _draw_seam(plot, series.seam)
    _Area(plot._replace(depth=_AREA), _most(series)).draw(series)
    sheet.write(left - 0.42, top + _AREA / 2, say("rollout.chart.pods"), 9, bold=True, anchor="middle", turned=True)
    _draw_lanes(plot, lanes)
    heading = say("rollout.chart.seats" if packed else "rollout.chart.bars")
    _draw_bars(plot, rows, heading, bar, top + _AREA + lane_depth)
    steps.draw_list(sheet, legend(sheet, entries, top + depth + 0.75))
    alt = say("rollout.chart.alt", seconds=f"{series.end:.0f}", what=series.ref, records=" ".join(lines))
    return Chart(sheet, rollout_text(series), alt)


def _draw_seam(plot: Plot, seam: float | None) -> None:
    """Where a fork begins to predict: a line, a word, and a tint over all that comes after it."""
    if seam is None:
        return
    x, end = plot.x(seam), plot.left + plot.width
    plot.sheet.add(Box(x, plot.top, end - x, plot.depth, SOFT.thin(0.09)), 0.1)
    plot.sheet.line([(x, plot.top), (x, plot.top + plot.depth)], SOFT, 1.4, 1.2)
    word = say("rollout.chart.seam")
    if inches(word, 8) + 0.1 < end - x:
        plot.sheet.write(x + 0.06, plot.top + 0.1, word, 8, SOFT, bold=True)


def _most(series: RolloutSeries) -> int:
    return max([*(c.total + _going(c) for c in series.counts), *(w.max_total for w in series.wishes), 1])


def _going(count: Count) -> int:
    return sum(n for _, stage, n in count.by if stage == "terminating")


# -- the stacked area ----------------------------------------------------------------------------------


class _Area(NamedTuple):
    """The part of a plot in which Pods are counted upwards, up to `most`."""

    plot: Plot
    most: int

    def y(self, count: float) -> float:
        return self.plot.top + self.plot.depth * (1 - count / (self.most * 1.06 + 0.35))

    def steps(self, times: Sequence[float], numbers: Sequence[float]) -> list[tuple[float, float]]:
        """A staircase: each number stands from its time to the next one."""
        points: list[tuple[float, float]] = []
        for t, until, number in zip(times, times[1:], numbers, strict=False):
            points += [(self.plot.x(t), self.y(number)), (self.plot.x(until), self.y(number))]
        return points

    def draw(self, series: RolloutSeries) -> None:
        self._draw_numbers()
        self._draw_bands(series)
        self._draw_wishes(series)
        for revision in series.revisions:
            self._draw_extremes(series, revision)

    def _draw_numbers(self) -> None:
        sheet, left = self.plot.sheet, self.plot.left
        step = max(1, int(nice_step(self.most / 8)))
        for number in range(0, self.most + 1, step):
            y = self.y(number)
            sheet.line([(left, y), (left + self.plot.width, y)], FRAME.thin(0.5), 0.6, 0.3)
            sheet.write(left - 0.08, y, str(number), 8.5, SOFT, anchor="end")
        sheet.line([(left, self.plot.top), (left, self.plot.top + self.plot.depth)], Ink("line"), 0.8, 0.4)

    def _draw_bands(self, series: RolloutSeries) -> None:
        if not series.counts:
            return
        times = [*(c.t for c in series.counts), max(series.end, 0.001)]
        base = [0.0] * len(series.counts)
        for stage in _STAGES:
            for version in range(len(series.versions)):
                numbers = [float(c.of(version, stage)) for c in series.counts]
                if not any(numbers):
                    continue
                upper = [b + n for b, n in zip(base, numbers, strict=True)]
                outline = self.steps(times, upper) + self.steps(times, base)[::-1]
                look, hue = _LOOKS[stage], _hue(version)
                self.plot.sheet.add(Area(tuple(outline), hue.thin(look.share), look.hatch, hue.thin(0.75)), 2.0)
                base = upper
        for numbers, ink in (
            ([float(c.available) for c in series.counts], _LEAST_INK),
            ([float(c.total) for c in series.counts], TEXT),
        ):  # the upper edges of what is available and of what is counted are read against the lines
            self.plot.sheet.line(self.steps(times, numbers), ink, 0.9, 2.6)

    def _draw_wishes(self, series: RolloutSeries) -> None:
        """What the settings promise, from the time at which they came into force."""
        if not series.wishes:
            return
        times = [*(w.t for w in series.wishes), max(series.end, 0.001)]
        desired = [w.replicas for w in series.wishes]
        for numbers, look in (
            (desired, _DESIRED),
            ([w.max_total for w in series.wishes], _MOST),
            ([w.min_available for w in series.wishes], _LEAST),
        ):
            if look is not _DESIRED and numbers == desired and not series.revisions:
                continue  # no bounds but the wish itself: a StatefulSet never has more
            look.draw(self.plot.sheet, self.steps(times, numbers))

    def _draw_extremes(self, series: RolloutSeries, revision: Revision) -> None:
        """Where a rollout had most Pods, and where fewest were available."""
        last = revision.end >= series.end
        inside = [c for c in series.counts if revision.start <= c.t < revision.end or (last and c.t == revision.end)]
        start = series.at(revision.start)
        inside = [Count(revision.start, start.by, start.total, start.available), *inside]
        high = max(inside, key=lambda c: c.total)
        self.plot.sheet.add(Mark(self.plot.x(high.t), self.y(high.total), "v", 7, _MOST_INK, CARD), 4.0)
        if revision.min_available is not None:
            low = min(inside, key=lambda c: c.available)
            self.plot.sheet.add(Mark(self.plot.x(low.t), self.y(low.available), "^", 7, _LEAST_INK, CARD), 4.0)


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


def _draw_lanes(plot: Plot, lanes: Sequence[tuple[str, list[_Span]]]) -> None:
    for i, (name, spans) in enumerate(lanes):
        y = plot.top + _AREA + 0.25 + 0.27 * i
        plot.sheet.write(plot.left - 0.12, y + 0.11, name, 8.5, anchor="end")
        for span in spans:
            if span.level:
                ink, hatch = FILLS[span.level]
                width = max((span.end - span.start) / plot.per_inch, 0.01)
                plot.sheet.add(_box(plot.x(span.start), y, width, 0.21, ink, _Look(0.25, hatch), ink.thin(0.7)), 3.0)
                word_in_bar(plot, span.start, span.end, y + 0.105, span.word, ink.thin(0.25), 7.5)


def _box(x: float, y: float, width: float, height: float, ink: Ink, look: _Look, edge: Ink) -> Box:
    return Box(x, y, width, height, ink.thin(look.share), edge, 0.7, look.hatch)


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


def _draw_bars(plot: Plot, rows: Sequence[_Row], heading: str, bar: float, y: float) -> None:
    if not rows:
        return
    plot.sheet.write(0.3, y + 0.12, heading, bold=True)
    for i, row in enumerate(rows):
        top = y + 0.26 + bar * i
        if bar >= 0.13:
            label = shorten(printable(row.label), 30)
            plot.sheet.write(plot.left - 0.12, top + bar / 2, label, min(8.0, bar * 40), anchor="end")
        for pod in row.pods:
            _draw_life(plot, pod, top, bar)


def _draw_life(plot: Plot, pod: PodLife, y: float, bar: float) -> None:
    """One Pod's stages, with a dot when it got a node, a tick when it was Ready, and a bar at its end."""
    sheet, hue, height = plot.sheet, _hue(pod.version), bar * 0.74
    top = y + bar * 0.13
    for spell in pod.spells:
        width = max((spell.end - spell.start) / plot.per_inch, 0.008)
        edge = FILLS["bad"].ink if spell.stage == "failing" else hue.thin(0.75)
        sheet.add(_box(plot.x(spell.start), top, width, height, hue, _LOOKS[spell.stage], edge), 3.0)
    middle = top + height / 2
    if pod.scheduled is not None and pod.created <= pod.scheduled <= pod.end:
        sheet.add(Mark(plot.x(pod.scheduled), middle, "o", 15 * bar, TEXT), 4.0)
    if pod.ready is not None and pod.created <= pod.ready <= pod.end:
        x = plot.x(pod.ready)
        sheet.line([(x, top), (x, top + height)], TEXT, 1.1, 4.0)
    x = plot.x(pod.end)
    if pod.gone is not None:
        sheet.line([(x, top - 0.01), (x, top + height + 0.01)], TEXT, 1.8, 4.0)
    else:
        sheet.add(Mark(x + 0.06, middle, ">", 17 * bar, SOFT), 3.0)


# -- legend ----------------------------------------------------------------------------------------------


def _legend(series: RolloutSeries, *, bars: bool = True) -> list[Entry]:
    """Only what is in the chart: versions by colour, stages by hatch, then lines and marks."""
    there = {stage for c in series.counts for _, stage, _ in c.by}
    versions = sorted({p.version for p in series.pods})
    shown = versions if len(versions) <= len(HUES) else []
    entries = [_version_entry(say("rollout.chart.version", label=series.versions[v].label), _hue(v)) for v in shown]
    for stage in _STAGES:
        if stage in there and stage != "available":
            word = say("rollout.chart.uncounted") if stage == "terminating" else say(f"rollout.stage.{stage}")
            entries.append(_box_entry(word, _GREY, _LOOKS[stage]))
    entries.append(_wish_entry("desired", _DESIRED))
    if series.revisions or any(w.max_total != w.replicas for w in series.wishes):
        entries.append(_wish_entry("most", _MOST))
    if series.revisions or any(w.min_available != w.replicas for w in series.wishes):
        entries.append(_wish_entry("least", _LEAST))
    if series.revisions:
        entries += [_mark_entry("high", "v", 7, _MOST_INK), _mark_entry("low", "^", 7, _LEAST_INK)]
    if bars and series.pods:
        entries.append(_mark_entry("scheduled", "o", 4, TEXT))
        entries += [_tick_entry(say("rollout.chart.ready"), 1.1), _tick_entry(say("charts.lives.gone"), 1.8)]
    return entries


def _box_entry(word: str, ink: Ink, look: _Look, key: str = "") -> Entry:
    drawn = look, ink.thin(0.75)
    return Entry(word, lambda sheet, x, y: sheet.add(_box(x + 0.02, y - 0.075, 0.3, 0.15, ink, *drawn)), key)


def _version_entry(word: str, ink: Ink) -> Entry:
    return _box_entry(word, ink, _Look(0.8), "version")


def _wish_entry(name: str, wish: _Wish) -> Entry:
    return Entry(say(f"rollout.chart.{name}"), lambda sheet, x, y: wish.draw(sheet, [(x + 0.02, y), (x + 0.32, y)]))


def _mark_entry(name: str, sign: str, size: float, ink: Ink) -> Entry:
    return Entry(say(f"rollout.chart.{name}"), lambda sheet, x, y: sheet.add(Mark(x + 0.2, y, sign, size, ink)))


def _tick_entry(word: str, width: float) -> Entry:
    return Entry(word, lambda sheet, x, y: sheet.line([(x + 0.2, y - 0.08), (x + 0.2, y + 0.08)], TEXT, width))


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
    width = (WIDTH - 0.55 - RIGHT - 0.45 * (across - 1)) / across
    entries = flow(_shared_legend(parts))
    top = 0.75 if title else 0.3
    lines = [line for p in parts for line in (p.title, *(revision_line(r, p) for r in p.revisions))]
    sheet = Sheet(top + down * (panel + gap + 0.35) + 0.05 + 0.26 * len(entries) + 0.2)
    sheet.title(title)
    for i, part in enumerate(parts):
        row, column = divmod(i, across)
        x, y = 0.55 + column * (width + 0.45), top + row * (panel + gap + 0.35)
        _panel(Plot(sheet, x, y + 0.35, width, panel, max(end, 0.001)), part, most)
    legend(sheet, entries, top + down * (panel + gap + 0.35) + 0.1)
    records = " ".join(lines)
    alt = say("rollout.chart.alt-many", count=len(parts), records=records)
    return Chart(sheet, "\n".join([title, *lines] if title else lines), alt)


def _shared_legend(parts: Sequence[RolloutSeries]) -> list[Entry]:
    """One legend for all panels: a colour stands for the same tags in each, whatever its revision's number is."""
    tags: dict[Ink, dict[str, None]] = {}
    for part in parts:
        for version in {p.version for p in part.pods}:
            tags.setdefault(_hue(version), {})[part.versions[version].tag] = None
    entries = [_version_entry(say("rollout.chart.tags", tags=", ".join(tags[hue])), hue) for hue in HUES if hue in tags]
    others = {e.word: e for part in parts for e in _legend(part, bars=False) if e.key != "version"}
    return [*entries, *others.values()]


def _panel(plot: Plot, part: RolloutSeries, most: int) -> None:
    sheet, x, y = plot.sheet, plot.left, plot.top - 0.35
    size = 9.5 if inches(part.title, 9.5) <= plot.width / 1.12 else 8.0
    sheet.write(x, y + 0.02, fit(printable(part.title), plot.width / 1.12, size), size, bold=True)
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
        sheet.write(x, y + 0.22, reached, 8.5, SOFT)
    plot.draw_axis(size=8.0, label=say("rollout.chart.axis"))
    _Area(plot, most).draw(part)
