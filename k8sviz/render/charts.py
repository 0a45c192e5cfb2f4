"""Charts over time, drawn with matplotlib: the only module that pays for importing it.

Figures are made without pyplot, which keeps every figure of a notebook alive and has one global current one; and
without the reader's own style, so that a chart is the same everywhere.
"""

from __future__ import annotations

import base64
import io
import math
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from k8sviz.diagrams.timelines.lives import Lives, Restart, Row, Span, lives_text
from k8sviz.errors import K8svizError
from k8sviz.render.measure import printable, shorten, text_width, visible
from k8sviz.render.palette import LIGHT, family
from k8sviz.words import say

__all__ = ["FILLS", "Chart", "Fill", "lives_chart", "new_figure"]


class Fill(NamedTuple):
    """How a state looks in a chart: an Okabe-Ito hue and a hatch, which tells it apart without colour."""

    hue: str
    hatch: str = ""


FILLS: Final[dict[str, Fill]] = {
    "ok": Fill("#009e73"),
    "wait": Fill("#e69f00", "///"),
    "bad": Fill("#d55e00", "xxx"),
    "ending": Fill("#cc79a7", "\\\\\\"),
    "off": Fill("#7d8590", "..."),
    "unknown": Fill("#7d8590", "ooo"),
    "": Fill("#56b4e9", "---"),
}

_WIDTH: Final = 10.5  # inches, as all lengths here
_DPI: Final = 160
_RIGHT: Final = 0.35
_BASE_FONTS: Final = ("DejaVu Sans",)
_CJK_FONTS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "STHeiti",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",
    "Noto Sans CJK TC",
    "Noto Sans CJK KR",
    "Arial Unicode MS",
    "AR PL UMing CN",
    "Noto Serif CJK SC",
)
_MATH_FREE: Final[dict[str, Any]] = {"parse_math": False}  # a name may hold a dollar sign


class Chart:
    """A drawn chart that shows itself: a PNG in a notebook with the same said in words, and files in three formats."""

    def __init__(self, figure: Figure, words: str, alt: str) -> None:
        self.figure = figure
        self.words, self.alt = visible(words), visible(alt)

    def __str__(self) -> str:
        return self.words

    def __repr__(self) -> str:
        return f"<Chart: {self.alt}>"

    def png(self) -> bytes:
        """The chart as PNG, in 256 colours: a third of the bytes, and nobody sees a difference."""
        from PIL import Image, PngImagePlugin

        with Image.open(io.BytesIO(self._drawn("png", {"Software": None}))) as drawn:
            few = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        words = PngImagePlugin.PngInfo()
        words.add_text("Description", self.alt)
        file = io.BytesIO()
        few.save(file, "PNG", optimize=True, pnginfo=words)
        return file.getvalue()

    def svg(self) -> str:
        """The chart as SVG, with its letters as outlines: the same for the same data, and with its alt text."""
        drawn = self._drawn("svg", {"Date": None, "Creator": None, "Title": self.alt}).decode("utf-8")
        return drawn[drawn.index("<svg") :]

    def pdf(self) -> bytes:
        """The chart as PDF."""
        return self._drawn("pdf", {"CreationDate": None, "Creator": None, "Producer": None, "Title": self.alt})

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart to a file that ends in .png, .svg or .pdf; returns its path.

        Raises K8svizError for another ending, or a file that cannot be written.
        """
        target = Path(path)
        kind = target.suffix.lower()
        if kind not in (".png", ".svg", ".pdf"):
            raise K8svizError(f"cannot save a chart as {target.name!r}; end the name in .png, .svg or .pdf")
        drawn = self.svg().encode("utf-8") if kind == ".svg" else self.pdf() if kind == ".pdf" else self.png()
        try:
            target.write_bytes(drawn)
        except OSError as error:
            raise K8svizError(f"cannot write {target}: {error.strerror or error}") from None
        return target

    def _drawn(self, kind: str, metadata: dict[str, str | None]) -> bytes:
        file = io.BytesIO()
        with _style():
            self.figure.savefig(file, format=kind, dpi=_DPI, metadata=metadata)
        return file.getvalue()

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        data = {"image/png": base64.b64encode(self.png()).decode("ascii"), "text/plain": self.words}
        width = round(self.figure.get_figwidth() * 96)
        return data, {"image/png": {"alt": self.alt, "width": width}}


# -- what every chart uses -----------------------------------------------------------------------


@cache
def _families() -> tuple[str, ...]:
    """Fonts that are installed, so that matplotlib looks for no other and has nothing to warn about."""
    there = {font.name for font in font_manager.fontManager.ttflist}
    return (*_BASE_FONTS, *[name for name in _CJK_FONTS if name in there][:1])


@contextmanager
def _style() -> Iterator[None]:
    """matplotlib's own defaults and ours, whatever style the reader has set; and no warning about a letter."""
    ours: Any = {
        "font.family": list(_families()),
        "font.size": 9.0,
        "text.color": LIGHT.text,
        "axes.edgecolor": LIGHT.line,
        "xtick.color": LIGHT.soft,
        "hatch.linewidth": 0.7,
        "svg.hashsalt": "k8sviz",
        "svg.fonttype": "path",
        "text.parse_math": False,
        "axes.unicode_minus": False,
    }
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        defaults: Any = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}
        mpl.rcParams.update(defaults)
        mpl.rcParams.update(ours)
        yield


def new_figure(height: float, width: float = _WIDTH) -> Figure:
    """An empty figure (inches) on an opaque light card, which reads on a dark page too; pyplot knows nothing of it."""
    figure = Figure(figsize=(width, height), facecolor=LIGHT.card)
    FigureCanvasAgg(figure)
    return figure


def _write_title(sheet: _Sheet, title: str) -> None:
    """The title on one line: in smaller letters where it is long, and cut where it is very long."""
    title, room = shorten(printable(title), 110), sheet.width - 0.6
    size = min(13.0, 13.0 * room / max(text_width(title, 13.0, bold=True) / 72, 0.1))
    sheet.write(0.3, 0.34, title, size, weight="bold")


def _tint(hue: str, share: float) -> str:
    """The hue thinned with the card's white: `share` of it is left."""
    red, green, blue = (1 - share * (1 - part) for part in to_rgb(hue))
    return to_hex((red, green, blue))


def _inches(text: str, size: float) -> float:
    return text_width(text, size) / 72


class _Sheet:
    """Writes on a figure in inches from its top left corner, as a page is laid out."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        self.width, self.height = figure.get_size_inches()

    def write(self, x: float, y: float, text: str, size: float = 9.0, **more: Any) -> None:
        """Text whose middle is at height `y`."""
        more = {"va": "center", "ha": "left", **more, **_MATH_FREE}
        self.figure.text(x / self.width, 1 - y / self.height, text, fontsize=size, **more)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose y counts inches downwards from their top."""
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_ylim(height, 0)
        axes.patch.set_alpha(0)
        axes.set_yticks([])
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        return axes


def _seconds_axis(axes: Axes, end: float) -> None:
    """A time axis from 0 to `end` seconds with round numbers and thin lines up."""
    axes.set_xlim(0, max(end, 0.001))
    hours = end > 6000
    axes.xaxis.set_major_locator(MaxNLocator(nbins=10, steps=[1, 2, 5, 10] if not hours else [1, 1.8, 3.6, 7.2]))
    if hours:
        axes.xaxis.set_major_formatter(FuncFormatter(_clock))
    axes.tick_params(axis="x", length=3, labelsize=8.5)
    axes.grid(axis="x", color=_tint(LIGHT.frame, 0.45), linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(say("charts.lives.axis-hours" if hours else "charts.lives.axis"), fontsize=8.5, color=LIGHT.soft)


def _clock(t: float, _: object = None) -> str:
    """Seconds as h:mm:ss.

    >>> _clock(3725)
    '1:02:05'
    """
    return f"{int(t) // 3600}:{int(t) // 60 % 60:02}:{int(t) % 60:02}"


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places near the wanted ones (rising), at least `gap` apart and between `low` and `high` where there is room.

    >>> spread([1.0, 1.1, 5.0], 1.0, 0.0, 6.0)
    [0.55, 1.55, 5.0]
    """
    gap = min(gap, (high - low) / max(len(wanted) - 1, 1))
    # runs of places that touch are moved as one, so that each stays as near as it can
    runs: list[list[float]] = []
    for place in wanted:
        runs.append([place])
        while len(runs) > 1 and _first(runs[-2], gap, low, high) + gap * len(runs[-2]) > _first(
            runs[-1], gap, low, high
        ):
            last = runs.pop()
            runs[-1] += last
    return [round(_first(run, gap, low, high) + gap * i, 6) for run in runs for i in range(len(run))]


def _first(run: Sequence[float], gap: float, low: float, high: float) -> float:
    middle = sum(run) / len(run) - gap * (len(run) - 1) / 2
    return min(max(middle, low), high - gap * (len(run) - 1))


# -- steps, shared by all charts over time ---------------------------------------------------------

_STEP_BAND: Final = 0.5
_STEP_SIZE: Final = 7.5
_MOST_STEPS: Final = 60


def _draw_steps(axes: Axes, told: Lives, depth: float, width: float) -> None:
    """Numbered marks above the axes, moved apart where steps are close, each with a line down at its time."""
    ticks = told.ticks[:_MOST_STEPS]
    per_inch = max(told.end, 0.001) / width
    places = spread([tick.t / per_inch for tick in ticks], 0.225, 0.0, width)
    for tick, place in zip(ticks, places, strict=True):
        x = place * per_inch
        axes.plot([x, tick.t, tick.t], [-0.22, -0.06, 0], color=LIGHT.soft, linewidth=0.7, clip_on=False, zorder=1)
        axes.plot([tick.t, tick.t], [0, depth], color=LIGHT.soft, linewidth=0.6, linestyle=(0, (1, 3)), zorder=0.6)
        axes.plot(
            x,
            -0.3,
            "o",
            markersize=12.5,
            markerfacecolor=LIGHT.card,
            markeredgecolor=LIGHT.line,
            markeredgewidth=0.8,
            clip_on=False,
            zorder=4,
        )
        axes.text(
            x,
            -0.3,
            str(tick.number),
            fontsize=_STEP_SIZE,
            ha="center",
            va="center_baseline",
            clip_on=False,
            zorder=5,
            **_MATH_FREE,
        )


class _Columns(NamedTuple):
    """How a list is set in columns."""

    rows: int
    width: float


def _columns(told: Lives, room: float) -> _Columns:
    """The fewest lines that hold the steps' names side by side in `room` inches."""
    ticks = told.ticks[:_MOST_STEPS]
    if not ticks:
        return _Columns(0, room)
    widest = max(_inches(shorten(printable(tick.id), 40), 8.5) for tick in ticks) + 0.5
    across = max(1, min(len(ticks), int(room / widest)))
    return _Columns(math.ceil(len(ticks) / across), room / across)


def _list_steps(sheet: _Sheet, told: Lives, columns: _Columns, x: float, y: float) -> None:
    """The steps' names below the chart, by their numbers, read downwards."""
    for i, tick in enumerate(told.ticks[:_MOST_STEPS]):
        column, row = divmod(i, columns.rows)
        left, middle = x + column * columns.width, y + row * 0.2
        sheet.write(left + 0.19, middle, str(tick.number), 8.5, ha="right", color=LIGHT.soft)
        sheet.write(left + 0.27, middle, shorten(printable(tick.id), 40), 8.5)


# -- lives ---------------------------------------------------------------------------------------

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
    lines = _lines(shown)
    depth = lines[-1].top + lines[-1].height + 0.08 if lines else 0.5
    left = _label_width(lines)
    width = _WIDTH - left - _RIGHT
    columns = _columns(told, _WIDTH - 0.6)
    entries = _legend(told, shown)
    legend_rows = _flow(entries, _WIDTH - 0.6)
    band = _STEP_BAND if told.ticks else 0.15
    y = _TOP + band + depth
    below = 0.86 + 0.26 * len(legend_rows) + (0.3 + 0.2 * columns.rows if columns.rows else 0) + 0.2 * len(notes)
    with _style():
        figure = new_figure(y + below)
        sheet = _Sheet(figure)
        _write_title(sheet, told.title)
        axes = sheet.axes(left, _TOP + band, width, depth)
        _seconds_axis(axes, told.end)
        _draw_steps(axes, told, depth, width)
        if told.ticks:
            sheet.write(0.3, _TOP + band - 0.3, say("charts.lives.steps"), 10, weight="bold", color=LIGHT.soft)
        _draw_lines(sheet, axes, lines, told, left, _TOP + band)
        _draw_links(axes, told, lines)
        y = _draw_legend(sheet, legend_rows, y + 0.75)
        if columns.rows:
            sheet.write(0.3, y + 0.06, say("charts.lives.steps"), 9, weight="bold")
            _list_steps(sheet, told, columns, 0.3, y + 0.3)
            y += 0.3 + 0.2 * columns.rows
        for i, note in enumerate(notes):
            sheet.write(0.3, y + 0.2 * i, shorten(printable(note), 150), 8.5, color=LIGHT.soft)
    alt = say("charts.lives.alt", seconds=f"{told.end:.0f}", rows=_summary(told), steps=len(told.ticks))
    return Chart(figure, lives_text(told), alt)


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
    if len(told.ticks) > _MOST_STEPS:
        notes.append(say("charts.lives.steps-left-out", count=len(told.ticks) - _MOST_STEPS))
    if not rows:
        notes.append(say("charts.lives.empty", kinds=", ".join(told.kinds)))
    return rows[:most], notes


def _lines(rows: Sequence[Row]) -> list[_Line]:
    lines: list[_Line] = []
    y, kind = 0.0, ""
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
    widths = [_inches(line.kind, 10) * 1.1 for line in lines if line.row is None]
    for line in lines:
        if line.row is not None:
            text, size = _label(line.row)
            widths.append(_inches(text, size) + (0.3 if line.row.container else 0.12))
    return 0.3 + max(widths, default=1.0) + 0.15


def _draw_lines(sheet: _Sheet, axes: Axes, lines: Sequence[_Line], told: Lives, left: float, top: float) -> None:
    per_inch = max(told.end, 0.001) / (_WIDTH - left - _RIGHT)
    for line in lines:
        y = top + line.middle
        if line.row is None:
            axes.axhline(line.top + 0.07, color=LIGHT.frame, linewidth=0.8, xmin=-0.5, clip_on=True, zorder=0.4)
            hue = LIGHT.families[family(line.kind)]
            sheet.write(0.3, y + 0.03, line.kind, 10, weight="bold", color=hue)
            continue
        text, size = _label(line.row)
        inner = bool(line.row.container)
        sheet.write(0.6 if inner else 0.42, y, text, size, color=LIGHT.soft if inner else LIGHT.text)
        axes.plot([0, told.end], [line.middle] * 2, color=_tint(LIGHT.frame, 0.6), linewidth=0.7, zorder=0.5)
        _draw_row(axes, line, line.row, per_inch)


def _draw_row(axes: Axes, line: _Line, row: Row, per_inch: float) -> None:
    for life in row.lives:
        restarts = [r for r in row.restarts if life.start <= r.t <= life.end]
        for span in reversed(life.spans):  # the edge of a very short one stays on top of what followed
            _draw_span(axes, line, span, restarts, per_inch)
        half = line.bar / 2 + 0.015
        if life.gone:
            axes.plot(
                [life.end] * 2,
                [line.middle - half, line.middle + half],
                color=LIGHT.text,
                linewidth=1.6,
                solid_capstyle="butt",
                zorder=3.2,
            )
        else:
            axes.plot(
                life.end + 0.07 * per_inch,
                line.middle,
                ">",
                markersize=line.bar * 20,
                color=LIGHT.soft,
                markeredgewidth=0,
                clip_on=False,
                zorder=3,
            )


def _draw_span(axes: Axes, line: _Line, span: Span, restarts: Sequence[Restart], per_inch: float) -> None:
    """One phase's bar; a word for each part between restarts, in the longest form that has room."""
    fill = FILLS[span.level]
    top = line.middle - line.bar / 2
    _bar(axes, span.start, top, max(span.end - span.start, 0.012 * per_inch), line.bar, fill)
    here = [r for r in restarts if span.start <= r.t < span.end]
    edges: list[tuple[float, Restart | None]] = [(r.t, r) for r in here]
    if not here or here[0].t > span.start:
        edges.insert(0, (span.start, None))
    for (start, restart), end in zip(edges, [*(t for t, _ in edges[1:]), span.end], strict=True):
        _write_word(axes, line, span, restart, start, (end - start) / per_inch, per_inch)


def _bar(axes: Axes, x: float, y: float, width: float, height: float, fill: Fill) -> None:
    axes.add_patch(
        Rectangle(
            (x, y),
            width,
            height,
            facecolor=_tint(fill.hue, 0.3),
            edgecolor=_tint(fill.hue, 0.6),
            hatch=fill.hatch,
            linewidth=0,
            zorder=2,
        )
    )
    axes.add_patch(Rectangle((x, y), width, height, fill=False, edgecolor=fill.hue, linewidth=1.0, zorder=2.2))


def _write_word(
    axes: Axes, line: _Line, span: Span, restart: Restart | None, start: float, room: float, per_inch: float
) -> None:
    sizes = (7.5, 6.5) if line.row is not None and line.row.container else (8.5, 7.5, 6.5)
    x = start
    if restart is not None:
        mark = say("charts.lives.restart-count", count=restart.count)
        _mark_restart(axes, start + 0.03 * per_inch, line.middle, mark, line.bar)
        wide = _inches(mark, line.bar * 33) + 0.06
        x, room = start + wide * per_inch, room - wide
    fitting = ((w, s) for w in _words(span, restart) for s in sizes if _inches(w, s) + 0.12 <= room)
    word, size = next(fitting, ("", 0.0))
    if word:
        back = _tint(FILLS[span.level].hue, 0.3)
        axes.text(
            x + 0.06 * per_inch,
            line.middle,
            word,
            fontsize=size,
            va="center_baseline",
            zorder=3.5,
            bbox={"facecolor": back, "edgecolor": "none", "boxstyle": "square,pad=0.12"},
            clip_on=True,
            **_MATH_FREE,
        )


def _words(span: Span, restart: Restart | None) -> list[str]:
    """What may stand in a bar, the longest first."""
    phase, detail = printable(span.phase), printable(span.detail)
    words = [f"{phase}: {detail}", detail, phase] if detail else [phase]
    if restart is not None and restart.exit_code is not None:
        words.insert(0, f"{phase} " + say("charts.lives.restart-after", code=restart.exit_code))
    return words


def _mark_restart(axes: Axes, x: float, y: float, mark: str, height: float) -> None:
    """A dark pill that begins at `x` and holds the count."""
    pill = {"facecolor": LIGHT.text, "edgecolor": "none", "boxstyle": "round,pad=0.2"}
    axes.text(
        x,
        y,
        mark,
        fontsize=height * 33,
        color=LIGHT.card,
        va="center_baseline",
        zorder=4,
        clip_on=True,
        bbox=pill,
        **_MATH_FREE,
    )


_LINKS: Final = {"binds": ("#0072b2", "-", "o"), "uses": ("#0072b2", (0, (2, 1.5)), "D")}


def _draw_links(axes: Axes, told: Lives, lines: Sequence[_Line]) -> None:
    """Binding as a line between two rows at its time, with a mark on both."""
    at = {line.row.ref: line for line in lines if line.row is not None and not line.row.container}
    for link in told.links:
        if link.source in at and link.target in at:
            hue, style, mark = _LINKS[link.relation]
            ends = sorted((at[link.source], at[link.target]), key=lambda line: line.top)
            ys = [ends[0].middle + ends[0].bar / 2, ends[1].middle - ends[1].bar / 2]
            axes.plot(
                [link.t] * 2, ys, color=hue, linestyle=style, linewidth=1.3, marker=mark, markersize=4.5, zorder=3.3
            )


# -- the legend of lives ---------------------------------------------------------------------------


class _Entry(NamedTuple):
    """A sign of the legend and its word."""

    sign: str
    word: str
    fill: Fill | None = None


def _legend(told: Lives, rows: Sequence[Row]) -> list[_Entry]:
    """Only what is in the chart, phases in the order in which they come."""
    spans = [span for row in rows for life in row.lives for span in life.spans]
    words: dict[str, list[str]] = {}
    for span in spans:
        if span.phase not in words.setdefault(span.level, []):
            words[span.level].append(span.phase)
    entries = [_Entry("bar", " · ".join(map(printable, names)), FILLS[level]) for level, names in words.items()]
    drawn = {row.ref for row in rows}
    relations = {link.relation for link in told.links if {link.source, link.target} <= drawn}
    entries += [_Entry(name, say(f"charts.lives.{name}")) for name in _LINKS if name in relations]
    if any(row.restarts for row in rows):
        entries.append(_Entry("restart", say("charts.lives.restart")))
    for gone, sign in ((True, "gone"), (False, "stays")):
        if any(life.gone is gone for row in rows for life in row.lives):
            entries.append(_Entry(sign, say(f"charts.lives.{sign}")))
    return entries


def _flow(entries: Sequence[_Entry], room: float) -> list[list[tuple[float, _Entry]]]:
    """The legend's entries in lines, each with its place."""
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
            sheet.write(0.3 + x + 0.4, y + 0.26 * number, entry.word, 8.5)
    return y + height


def _draw_sign(axes: Axes, entry: _Entry, x: float, y: float) -> None:
    if entry.fill is not None:
        _bar(axes, x + 0.02, y - 0.075, 0.3, 0.15, entry.fill)
    elif entry.sign == "restart":
        _mark_restart(axes, x + 0.11, y, say("charts.lives.restart-count", count="n"), 0.2)
    elif entry.sign == "gone":
        axes.plot([x + 0.2] * 2, [y - 0.09, y + 0.09], color=LIGHT.text, linewidth=1.6)
    elif entry.sign == "stays":
        axes.plot(x + 0.2, y, ">", markersize=5, color=LIGHT.soft, markeredgewidth=0)
    else:
        hue, style, mark = _LINKS[entry.sign]
        axes.plot([x + 0.05, x + 0.29], [y, y], color=hue, linestyle=style, linewidth=1.3, marker=mark, markersize=4.5)
