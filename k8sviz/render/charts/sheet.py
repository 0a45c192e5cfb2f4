"""What a chart draws, as plain data: shapes in inches from the sheet's top left corner, with inks and no colours yet.

An ink is a role of the theme or a hue thinned with the card's colour, so that the same sheet is drawn light and dark.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from k8sviz.letters import printable
from k8sviz.render.measure import shorten, text_width
from k8sviz.render.palette import Theme

__all__ = [
    "CARD",
    "FILLS",
    "FRAME",
    "HUES",
    "SOFT",
    "TEXT",
    "WIDTH",
    "Area",
    "Box",
    "Fill",
    "Ink",
    "Line",
    "Mark",
    "Shape",
    "Sheet",
    "Text",
    "fit",
    "inches",
]

WIDTH: Final = 10.5  # inches, as all lengths here; letters, lines and marks are measured in points
_DARK_HUES: Final = {"#0072b2": "#56b4e9", "#56b4e9": "#3f8fd0", "#b3261e": "#ff8a7a", "#00714f": "#3ecf9f"}


class Ink(NamedTuple):
    """A colour still to be mixed: of a hue (#rrggbb), or of what the theme has under a name, `share` is left."""

    hue: str
    share: float = 1.0

    def on(self, theme: Theme, *, dark: bool) -> str:
        """The colour on a theme's card, as #rrggbb."""
        hue = self.hue
        if not hue.startswith("#"):
            hue = theme.families[hue] if hue in theme.families else str(getattr(theme, hue))
        elif dark:
            hue = _DARK_HUES.get(hue, hue)
        if self.share >= 1:
            return hue
        mixed = (
            round(int(theme.card[i : i + 2], 16) * (1 - self.share) + int(hue[i : i + 2], 16) * self.share)
            for i in (1, 3, 5)
        )
        return "#" + "".join(f"{part:02x}" for part in mixed)

    def thin(self, share: float) -> "Ink":
        """The same hue with less of it left."""
        return self._replace(share=share)


TEXT: Final = Ink("text")
SOFT: Final = Ink("soft")
FRAME: Final = Ink("frame")
CARD: Final = Ink("card")

HUES: Final = tuple(map(Ink, ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00")))
"""Okabe and Ito's colours, one a version, used again after the sixth: neighbours in time always differ."""


class Fill(NamedTuple):
    """How a state looks in a chart: a hue and a hatch, which tells it apart without colour."""

    ink: Ink
    hatch: str = ""


FILLS: Final[dict[str, Fill]] = {
    "ok": Fill(Ink("#009e73")),
    "wait": Fill(Ink("#e69f00"), "/"),
    "bad": Fill(Ink("#d55e00"), "x"),
    "ending": Fill(Ink("#cc79a7"), "\\"),
    "off": Fill(Ink("#7d8590"), "."),
    "unknown": Fill(Ink("#7d8590"), "o"),
    "": Fill(Ink("#56b4e9"), "-"),
}


class Box(NamedTuple):
    """A rectangle; `line` is the width of its edge in points."""

    x: float
    y: float
    width: float
    height: float
    fill: Ink | None = None
    edge: Ink | None = None
    line: float = 0.7
    hatch: str = ""
    hatch_ink: Ink | None = None
    radius: float = 0.0


class Line(NamedTuple):
    """Straight pieces from point to point; `width` and `dash` in points."""

    points: tuple[tuple[float, float], ...]
    ink: Ink
    width: float = 1.0
    dash: tuple[float, ...] = ()


class Area(NamedTuple):
    """A filled polygon."""

    points: tuple[tuple[float, float], ...]
    fill: Ink
    hatch: str = ""
    hatch_ink: Ink | None = None


class Text(NamedTuple):
    """One line of text whose middle is at height `y`; `back` is painted behind it, `turned` reads upwards."""

    x: float
    y: float
    text: str
    size: float = 9.0
    ink: Ink = TEXT
    anchor: str = "start"
    bold: bool = False
    turned: bool = False
    back: Ink | None = None


class Mark(NamedTuple):
    """A sign of `size` points across: o disc, s square, D diamond, and the triangles ^ v >."""

    x: float
    y: float
    sign: str
    size: float
    ink: Ink
    edge: Ink | None = None


Shape = Box | Line | Area | Text | Mark


def inches(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a line of text is."""
    return text_width(text, size, bold=bold) / 72


def fit(word: str, room: float, size: float) -> str:
    """The word, shortened in its middle to the room (inches) that there is; nothing where that would say nothing.

    >>> fit("MinimumReplicasAvailable", 1.0, 7.5), fit("Progressing", 0.1, 7.5)
    ('MinimumR…ailable', '')
    """
    lengths = range(len(word), 8, -1)
    return next((short for n in lengths if inches(short := shorten(word, n), size) <= room), "")


class Sheet:
    """Shapes in layers: a higher layer is painted over a lower one, and within a layer what comes later."""

    def __init__(self, height: float, width: float = WIDTH) -> None:
        self.width, self.height = width, height
        self._shapes: list[tuple[float, Shape]] = []

    def add(self, shape: Shape, layer: float = 2.0) -> None:
        """Put a shape on the sheet."""
        self._shapes.append((layer, shape))

    @property
    def shapes(self) -> list[Shape]:
        """All shapes in the order in which they are painted."""
        return [shape for _, shape in sorted(self._shapes, key=lambda one: one[0])]

    def write(self, x: float, y: float, text: str, size: float = 9.0, ink: Ink = TEXT, **more: object) -> None:
        """Text on top of everything; see `Text`."""
        self.add(Text(x, y, text, size, ink, **more), 6.0)  # type: ignore[arg-type]

    def title(self, title: str) -> None:
        """The title on one line: in smaller letters where it is long, and cut where it is very long."""
        title, room = shorten(printable(title), 110), self.width - 0.6
        size = min(13.0, 13.0 * room / max(inches(title, 13.0, bold=True), 0.1))
        self.write(0.3, 0.34, title, size, bold=True)

    def line(self, points: Sequence[tuple[float, float]], ink: Ink, width: float, layer: float = 3.0) -> None:
        """A line of `width` points."""
        self.add(Line(tuple(points), ink, width), layer)
