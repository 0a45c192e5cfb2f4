"""A Sheet as SVG. Colours stand in its style sheet by the names of their inks, once for light and once for dark."""

from __future__ import annotations

from html import escape
from typing import Final

from k8sviz.letters import printable, visible
from k8sviz.render.charts.sheet import CARD, FRAME, Area, Box, Ink, Line, Mark, Shape, Sheet, Text, inches
from k8sviz.render.palette import DARK, LIGHT, Theme
from k8sviz.render.svg import FONTS

__all__ = ["sheet_svg"]

_INCH: Final = 96.0
_POINT: Final = _INCH / 72
# corners of the signs, in their own size
_SIGNS: Final = {
    "s": ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "D": ((0.0, -0.6), (0.6, 0.0), (0.0, 0.6), (-0.6, 0.0)),
    "^": ((0.0, -0.5), (0.5, 0.5), (-0.5, 0.5)),
    "v": ((0.0, 0.5), (0.5, -0.5), (-0.5, -0.5)),
    ">": ((0.5, 0.0), (-0.5, 0.5), (-0.5, -0.5)),
}
# each hatch on a tile of six pixels
_HATCHES: Final = {
    "/": "M-1,1L1,-1M0,6L6,0M5,7L7,5",
    "\\": "M-1,5L1,7M0,0L6,6M5,-1L7,1",
    "x": "M0,0L6,6M0,6L6,0",
    "-": "M0,3H6",
    ".": "M2,3a1,1 0 1 0 2,0a1,1 0 1 0 -2,0",
    "o": "M1.2,3a1.8,1.8 0 1 0 3.6,0a1.8,1.8 0 1 0 -3.6,0",
}


def sheet_svg(sheet: Sheet, *, alt: str, words: str = "", theme: str = "light") -> str:
    """One `<svg>` element: the sheet on an opaque card, in the colours of 'light' or 'dark', with all that it says.

    'auto', for an SVG that stands in a page itself, takes those of the page: JupyterLab's, the site's, the system's.
    """
    return _Writer(sheet, f"kc-{theme}").svg(alt, words)


class _Writer:
    """Collects the inks and hatches that the shapes use."""

    def __init__(self, sheet: Sheet, name: str) -> None:
        self.sheet, self.name = sheet, name
        self.rules: dict[str, tuple[str, Ink]] = {}
        self.patterns: dict[str, tuple[str, Ink]] = {}

    def svg(self, alt: str, words: str) -> str:
        width, height = (round(side * _INCH) for side in (self.sheet.width, self.sheet.height))
        card = Box(0.005, 0.005, self.sheet.width - 0.01, self.sheet.height - 0.01, CARD, FRAME, 0.75, radius=0.08)
        shapes = "".join(map(self._shape, [card, *self.sheet.shapes]))
        patterns, spoken = self._defs(), escape(printable(alt))
        style = self._style()  # after all that use an ink
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="kc {self.name}" width="{width}" height="{height}"'
            f' viewBox="0 0 {width} {height}" role="img" aria-label="{spoken}" style="max-width:100%;height:auto">'
            f"<title>{spoken}</title><desc>{escape(visible(words))}</desc><style>{style}</style><defs>{patterns}</defs>{shapes}</svg>"
        )

    def _style(self) -> str:
        within = f".{self.name}"
        colors = self._colors(DARK if self.name == "kc-dark" else LIGHT, within)
        if self.name == "kc-auto":
            system = self._colors(DARK, f"body:not([data-jp-theme-light]) {within}")
            colors += f"@media (prefers-color-scheme:dark){{{system}}}"
            colors += self._colors(DARK, f"[data-jp-theme-light=false] {within}")
            colors += self._colors(DARK, f"[data-theme=dark] {within}")
            colors += self._colors(LIGHT, f"[data-theme=light] {within}")
        return f"{within} text{{font-family:{FONTS};dominant-baseline:auto}}{colors}"

    def _colors(self, theme: Theme, within: str) -> str:
        inks = self.rules.items()
        dark = theme is DARK
        return "".join(f"{within} .{name}{{{prop}:{ink.on(theme, dark=dark)}}}" for name, (prop, ink) in inks)

    def _defs(self) -> str:
        made = []
        for name, (hatch, ink) in self.patterns.items():
            lines = f'<path {self._paint(None, ink, 0.7)} d="{_HATCHES[hatch]}"/>'
            made.append(f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">{lines}</pattern>')
        return "".join(made)

    # -- inks ----------------------------------------------------------------------------------------

    def _class(self, prop: str, ink: Ink) -> str:
        name = f"kc-{prop[0]}-{ink.hue.lstrip('#')}-{round(ink.share * 100)}"
        self.rules[name] = (prop, ink)
        return name

    def _hatch(self, hatch: str, ink: Ink) -> str:
        number = list(_HATCHES).index(hatch)
        name = f"{self.name}-h{number}-{ink.hue.lstrip('#')}-{round(ink.share * 100)}"
        self.patterns[name] = (hatch, ink)
        return f"url(#{name})"

    def _paint(self, fill: Ink | None, edge: Ink | None = None, line: float = 0.0) -> str:
        names = [self._class("fill", fill)] if fill is not None else []
        names += [self._class("stroke", edge)] if edge is not None and line else []
        more = ' fill="none"' if fill is None else ""
        more += f' stroke-width="{_n(line * _POINT)}"' if edge is not None and line else ""
        return f'class="{" ".join(names)}"{more}' if names else more.strip()

    # -- shapes ----------------------------------------------------------------------------------------

    def _shape(self, shape: Shape) -> str:
        if isinstance(shape, Box):
            return self._box(shape)
        if isinstance(shape, Line):
            return self._line(shape)
        if isinstance(shape, Area):
            return self._area(shape)
        return self._text(shape) if isinstance(shape, Text) else self._mark(shape)

    def _box(self, box: Box) -> str:
        place = f'x="{_px(box.x)}" y="{_px(box.y)}" width="{_px(box.width)}" height="{_px(box.height)}"'
        round_corners = f' rx="{_px(box.radius)}"' if box.radius else ""
        drawn = f"<rect {place}{round_corners} {self._paint(box.fill, box.edge, box.line)}/>"
        if box.hatch:
            drawn += f'<rect {place} fill="{self._hatch(box.hatch, box.hatch_ink or box.edge or FRAME)}"/>'
        return drawn

    def _line(self, line: Line) -> str:
        dash = f' stroke-dasharray="{" ".join(_n(part * _POINT) for part in line.dash)}"' if line.dash else ""
        return f'<path d="{_path(line.points)}" {self._paint(None, line.ink, line.width)}{dash}/>'

    def _area(self, area: Area) -> str:
        path = _path(area.points)
        drawn = f'<path d="{path}" {self._paint(area.fill)}/>'
        if area.hatch:
            drawn += f'<path d="{path}" fill="{self._hatch(area.hatch, area.hatch_ink or area.fill)}"/>'
        return drawn

    def _text(self, text: Text) -> str:
        behind = ""
        if text.back is not None:
            width, pad = inches(text.text, text.size, bold=text.bold), 0.02
            left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
            half = text.size / 72 * 0.62
            behind = self._box(Box(left - pad, text.y - half, width + 2 * pad, 2 * half, text.back))
        x, y = text.x * _INCH, text.y * _INCH
        place = f'x="{_n(x)}" y="{_n(y + text.size * _POINT * 0.35)}"'
        turn = f' transform="rotate(-90 {_n(x)} {_n(y)})"' if text.turned else ""
        weight = ' font-weight="700"' if text.bold else ""
        anchor = f' text-anchor="{text.anchor}"' if text.anchor != "start" else ""
        size = f'font-size="{_n(text.size * _POINT)}"'
        words = escape(printable(text.text))
        return f"{behind}<text {place} {size}{weight}{anchor}{turn} {self._paint(text.ink)}>{words}</text>"

    def _mark(self, mark: Mark) -> str:
        size = mark.size / 72
        paint = self._paint(mark.ink, mark.edge, 0.8)
        if mark.sign == "o":
            return f'<circle cx="{_px(mark.x)}" cy="{_px(mark.y)}" r="{_px(size / 2)}" {paint}/>'
        corners = tuple((mark.x + x * size, mark.y + y * size) for x, y in _SIGNS[mark.sign])
        return f'<path d="{_path(corners)}z" {paint}/>'


def _path(points: tuple[tuple[float, float], ...]) -> str:
    return "M" + "L".join(f"{_px(x)},{_px(y)}" for x, y in points)


def _px(length: float) -> str:
    return _n(length * _INCH)


def _n(number: float) -> str:
    """The number with at most one decimal."""
    return f"{round(number, 1):g}"
