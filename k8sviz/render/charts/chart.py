"""A drawn chart that shows itself: SVG in a notebook with the same said in words, and files in three formats."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8sviz.errors import K8svizError
from k8sviz.letters import visible
from k8sviz.render.charts.sheet import Sheet
from k8sviz.render.charts.svg import sheet_svg
from k8sviz.saving import save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Chart"]


class Chart:
    """A sheet with its words and its alternative text."""

    def __init__(self, sheet: Sheet, words: str, alt: str) -> None:
        self.sheet = sheet
        self.words, self.alt = visible(words), visible(alt)

    def __str__(self) -> str:
        return self.words

    def __repr__(self) -> str:
        return f"<Chart: {self.alt}>"

    def svg(self, *, theme: str = "light") -> str:
        """The chart as SVG in the colours of 'light' or 'dark', the same for the same data."""
        return sheet_svg(self.sheet, alt=self.alt, words=self.words, theme=theme)

    def png(self, *, theme: str = "light") -> bytes:
        """The chart as PNG, two pixels for each of the SVG's."""
        from k8sviz.render.png import png

        return png(self.svg(theme=theme))

    def pdf(self) -> bytes:
        """The chart as PDF, drawn by matplotlib."""
        from k8sviz.render.charts.figure import sheet_pdf

        return sheet_pdf(self.sheet, self.alt)

    @property
    def figure(self) -> Figure:
        """The chart as a matplotlib figure, for whoever wants to go on with it."""
        from k8sviz.render.charts.figure import sheet_figure

        return sheet_figure(self.sheet)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the chart to a file that ends in .png, .svg or .pdf; returns its path.

        Raises K8svizError for another ending, or a file that cannot be written.
        """
        target = Path(path)
        kind = target.suffix.lower()
        if kind not in (".png", ".svg", ".pdf"):
            raise K8svizError(f"cannot save a chart as {target.name!r}; end the name in .png, .svg or .pdf")
        drawn = self.svg().encode("utf-8") if kind == ".svg" else self.pdf() if kind == ".pdf" else self.png()
        return save(target, drawn)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"image/svg+xml": self.svg(), "text/plain": self.words}, {"image/svg+xml": {"alt": self.alt}}
