"""A Sheet as a matplotlib figure, for PDF and for whoever wants to go on with it: the only module that imports it.

The figure is made without pyplot, which keeps every figure of a notebook alive, and has one axes in inches.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, Final

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Polygon, Rectangle

from k8sviz.render.charts.sheet import Area, Box, Line, Mark, Shape, Sheet, Text
from k8sviz.render.palette import LIGHT

__all__ = ["sheet_figure", "sheet_pdf"]

_BASE_FONTS: Final = ("DejaVu Sans",)
_CJK_FONTS: Final = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Noto Sans CJK JP",
    "Arial Unicode MS",
    "AR PL UMing CN",
)
_ANCHORS: Final = {"start": "left", "middle": "center", "end": "right"}


def sheet_figure(sheet: Sheet) -> Figure:
    """The sheet as a figure (inches) on its light card; pyplot knows nothing of it."""
    with _style():
        figure = Figure(figsize=(sheet.width, sheet.height), facecolor=LIGHT.card)
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(0, sheet.width)
        axes.set_ylim(sheet.height, 0)
        axes.set_axis_off()
        for layer, shape in enumerate(sheet.shapes):
            _draw(axes, shape, layer)
    return figure


def sheet_pdf(sheet: Sheet, title: str) -> bytes:
    """The sheet as PDF: the same for the same data."""
    file = io.BytesIO()
    figure = sheet_figure(sheet)
    with _style():
        figure.savefig(
            file, format="pdf", metadata={"CreationDate": None, "Creator": None, "Producer": None, "Title": title}
        )
    return file.getvalue()


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
        "hatch.linewidth": 0.7,
        "text.parse_math": False,
        "axes.unicode_minus": False,
    }
    with mpl.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from")
        defaults: Any = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith("backend")}
        mpl.rcParams.update(defaults)
        mpl.rcParams.update(ours)
        yield


def _draw(axes: Axes, shape: Shape, layer: int) -> None:
    if isinstance(shape, Box):
        _box(axes, shape, layer)
    elif isinstance(shape, Area):
        look = {"hatch": shape.hatch * 3, "edgecolor": (shape.hatch_ink or shape.fill).on(LIGHT, dark=False)}
        more: dict[str, Any] = look if shape.hatch else {}
        fill = shape.fill.on(LIGHT, dark=False)
        axes.add_patch(Polygon(shape.points, facecolor=fill, linewidth=0, zorder=layer, **more))
    elif isinstance(shape, Line):
        style: Any = (0, tuple(part / max(shape.width, 0.1) for part in shape.dash)) if shape.dash else "-"
        xs, ys = zip(*shape.points, strict=True)
        ink = shape.ink.on(LIGHT, dark=False)
        axes.plot(xs, ys, color=ink, linewidth=shape.width, linestyle=style, zorder=layer, solid_capstyle="butt")
    elif isinstance(shape, Text):
        _text(axes, shape, layer)
    else:
        _mark(axes, shape, layer)


def _box(axes: Axes, box: Box, layer: int) -> None:
    edge = (box.edge or box.hatch_ink or box.fill).on(LIGHT, dark=False) if box.edge or box.fill else "none"  # type: ignore[union-attr]
    look: dict[str, Any] = {
        "facecolor": box.fill.on(LIGHT, dark=False) if box.fill else "none",
        "edgecolor": edge,
        "linewidth": box.line if box.edge else 0,
        "hatch": box.hatch * 3 or None,
        "zorder": layer,
    }
    if box.radius:
        style = f"round,pad=0,rounding_size={box.radius}"
        axes.add_patch(FancyBboxPatch((box.x, box.y), box.width, box.height, boxstyle=style, **look))
    else:
        axes.add_patch(Rectangle((box.x, box.y), box.width, box.height, **look))


def _text(axes: Axes, text: Text, layer: int) -> None:
    back = text.back and {"facecolor": text.back.on(LIGHT, dark=False), "edgecolor": "none", "pad": 1.0}
    axes.text(
        text.x,
        text.y,
        text.text,
        fontsize=text.size,
        color=text.ink.on(LIGHT, dark=False),
        ha=_ANCHORS[text.anchor],
        va="center_baseline",
        weight="bold" if text.bold else "normal",
        rotation=90 if text.turned else 0,
        bbox=back,
        zorder=layer,
        parse_math=False,
    )


def _mark(axes: Axes, mark: Mark, layer: int) -> None:
    edge: dict[str, Any] = {"markeredgewidth": 0.8 if mark.edge else 0}
    if mark.edge:
        edge["markeredgecolor"] = mark.edge.on(LIGHT, dark=False)
    ink = mark.ink.on(LIGHT, dark=False)
    axes.plot(mark.x, mark.y, mark.sign, markersize=mark.size, color=ink, zorder=layer, **edge)
