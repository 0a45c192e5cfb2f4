"""What all charts over time share: the plot with its seconds, the lab's steps as numbered marks, the legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from k8sviz.diagrams.timelines.lives import Tick
from k8sviz.letters import printable
from k8sviz.render.charts.sheet import (
    CARD,
    FRAME,
    SOFT,
    TEXT,
    WIDTH,
    Box,
    Fill,
    Ink,
    Line,
    Mark,
    Sheet,
    Text,
    fit,
    inches,
)
from k8sviz.render.measure import shorten
from k8sviz.words import say

__all__ = ["MOST_STEPS", "RIGHT", "Entry", "Plot", "Steps", "bar", "flow", "legend", "nice_step", "spread"]

RIGHT: Final = 0.35
MOST_STEPS: Final = 60
_CLOCK_STEPS: Final = (300, 600, 1800, 3600, 7200, 14400, 43200, 86400)


class Plot(NamedTuple):
    """The part of a sheet that time runs over: `end` seconds in `width` inches, `depth` inches down from `top`."""

    sheet: Sheet
    left: float
    top: float
    width: float
    depth: float
    end: float

    @property
    def per_inch(self) -> float:
        """Seconds in an inch."""
        return self.end / self.width

    def x(self, t: float) -> float:
        """Where a time stands."""
        return self.left + t / self.per_inch

    def draw_axis(self, *, size: float = 8.5, label: str = "") -> None:
        """A time axis below the plot with round numbers, and thin lines up."""
        hours = self.end > 6000
        step = _clock_step(self.end) if hours else nice_step(self.end / min(10, max(self.width, 2)))
        bottom = self.top + self.depth
        for i in range(int(self.end / step + 1e-9) + 1):
            t = i * step
            x = self.x(t)
            self.sheet.line([(x, self.top), (x, bottom)], FRAME.thin(0.45), 0.6, 0.2)
            self.sheet.line([(x, bottom), (x, bottom + 0.04)], Ink("line"), 0.8, 0.3)
            words = clock(t) if hours else f"{round(t, 6):g}"
            self.sheet.write(x, bottom + 0.14, words, size, SOFT, anchor="middle")
        self.sheet.line([(self.left, bottom), (self.left + self.width, bottom)], Ink("line"), 0.8, 0.3)
        words = label or say("charts.lives.axis-hours" if hours else "charts.lives.axis")
        self.sheet.write(self.left + self.width / 2, bottom + 0.33, words, size, SOFT, anchor="middle")


def nice_step(least: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is not below `least`.

    >>> [nice_step(least) for least in (0.3, 3, 7, 12)]
    [0.5, 5.0, 10.0, 20.0]
    """
    power = 10.0 ** math.floor(math.log10(max(least, 1e-9)))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))


def _clock_step(end: float) -> float:
    return next((step for step in _CLOCK_STEPS if end / step <= 10), math.ceil(end / 10 / 86400) * 86400.0)


def clock(t: float) -> str:
    """Seconds as h:mm:ss.

    >>> clock(3725)
    '1:02:05'
    """
    return f"{int(t) // 3600}:{int(t) // 60 % 60:02}:{int(t) % 60:02}"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones (rising), at least `gap` apart and between `low` and `high` where there is room.

    >>> spread([1.0, 1.1, 5.0], 1.0, 0.0, 6.0)
    [0.55, 1.55, 5.0]
    """
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))

    def first(run: Sequence[float]) -> float:
        middle = sum(run) / len(run) - gap * (len(run) - 1) / 2
        return min(max(middle, low), high - gap * (len(run) - 1))

    # runs of places that touch are moved as one, so that each stays as near as it can
    runs: list[list[float]] = []
    for place in wanted:
        runs.append([place])
        while len(runs) > 1 and first(runs[-2]) + gap * len(runs[-2]) > first(runs[-1]):
            last = runs.pop()
            runs[-1] += last
    return [round(first(run) + gap * i, 6) for run in runs for i in range(len(run))]


def bar(sheet: Sheet, x: float, y: float, width: float, height: float, fill: Fill) -> None:
    """A state's bar: its hue thinned, its hatch, and an edge."""
    box = Box(x, y, width, height, fill.ink.thin(0.3), fill.ink, 1.0, fill.hatch, fill.ink.thin(0.6))
    sheet.add(box, 2.0)


# -- a lab's steps -----------------------------------------------------------------------------------


class Steps(NamedTuple):
    """A lab's steps as numbered marks above a plot, and as a list of names below it in columns of `rows` lines."""

    ticks: tuple[Tick, ...]
    rows: int
    column: float

    @classmethod
    def of(cls, ticks: Sequence[Tick]) -> Steps:
        """The first steps, in the fewest lines that hold their names side by side."""
        shown, room = tuple(ticks[:MOST_STEPS]), WIDTH - 0.6
        if not shown:
            return cls((), 0, room)
        widest = max(inches(shorten(printable(tick.id), 40), 8.5) for tick in shown) + 0.5
        across = max(1, min(len(shown), int(room / widest)))
        return cls(shown, math.ceil(len(shown) / across), room / across)

    @property
    def band(self) -> float:
        """The room that the marks take above the plot."""
        return 0.5 if self.ticks else 0.15

    @property
    def foot(self) -> float:
        """The room that the list takes, with its heading."""
        return 0.3 + 0.2 * self.rows if self.ticks else 0.0

    def draw_marks(self, plot: Plot) -> None:
        """Numbered marks above the plot, moved apart where steps are close, each with a line down at its time."""
        places = spread([tick.t / plot.per_inch for tick in self.ticks], 0.225, 0.0, plot.width)
        for tick, place in zip(self.ticks, places, strict=True):
            x, at = plot.left + place, plot.x(tick.t)
            plot.sheet.line([(x, plot.top - 0.22), (at, plot.top - 0.06), (at, plot.top)], SOFT, 0.7, 1.0)
            down = ((at, plot.top), (at, plot.top + plot.depth))
            plot.sheet.add(Line(down, SOFT, 0.6, (0.6, 1.8)), 0.6)
            plot.sheet.add(Mark(x, plot.top - 0.3, "o", 12.5, CARD, Ink("line")), 4.0)
            plot.sheet.write(x, plot.top - 0.3, str(tick.number), 7.5, anchor="middle")

    def draw_list(self, sheet: Sheet, y: float) -> float:
        """The steps' names by their numbers, read downwards, from `y`; returns where the list ends."""
        if not self.ticks:
            return y
        sheet.write(0.3, y + 0.06, say("charts.lives.steps"), bold=True)
        for i, tick in enumerate(self.ticks):
            column, row = divmod(i, self.rows)
            left, middle = 0.3 + column * self.column, y + 0.3 + row * 0.2
            sheet.write(left + 0.19, middle, str(tick.number), 8.5, SOFT, anchor="end")
            sheet.write(left + 0.27, middle, shorten(printable(tick.id), 40), 8.5)
        return y + self.foot


# -- the legend ----------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """A sign of the legend, drawn in 0.34 inches from the place it is given, and its word."""

    word: str
    draw: Callable[[Sheet, float, float], None]
    key: str = ""


def flow(entries: Sequence[Entry], room: float = WIDTH - 0.6) -> list[list[tuple[float, Entry]]]:
    """The legend's entries in lines, each with its place."""
    lines: list[list[tuple[float, Entry]]] = []
    x = room
    for entry in entries:
        width = 0.42 + inches(shorten(printable(entry.word), 70), 8.5) + 0.2
        if not lines or x + width > room:
            lines.append([])
            x = 0.0
        lines[-1].append((x, entry))
        x += width
    return lines


def legend(sheet: Sheet, lines: Sequence[Sequence[tuple[float, Entry]]], y: float) -> float:
    """Draw the legend from `y` inches down; returns where it ends."""
    for number, line in enumerate(lines):
        for x, entry in line:
            middle = y + 0.26 * number
            entry.draw(sheet, 0.3 + x, middle)
            sheet.write(0.3 + x + 0.4, middle, shorten(printable(entry.word), 70), 8.5)
    return y + 0.26 * len(lines)


def word_in_bar(plot: Plot, start: float, end: float, y: float, word: str, back: Ink, size: float = 8.0) -> None:
    """A state's word in its bar, where it has room, on the bar's own colour so that the hatch does not cross it."""
    short = fit(printable(word), (end - start) / plot.per_inch - 0.12, size)
    if short:
        plot.sheet.add(Text(plot.x(start) + 0.06, y, short, size, TEXT, back=back), 3.5)
