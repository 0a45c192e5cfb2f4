"""A Diagram that shows itself: in a notebook, on a terminal, as a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.errors import K8svizError, nearest
from k8sviz.render.svg import svg
from k8sviz.render.text import text
from k8sviz.saving import save

__all__ = ["FORMATS", "Picture", "render"]

FORMATS: Final = ("svg", "png", "dot", "mermaid", "text")
_SUFFIXES: Final = {
    ".svg": "svg",
    ".png": "png",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".txt": "text",
    ".text": "text",
}


def render(diagram: Diagram, format: str = "svg", *, theme: str = "light") -> str | bytes:  # noqa: A002
    """A Diagram in one of `FORMATS`: bytes for png, text for the others.

    Raises K8svizError for an unknown format.
    """
    if format == "svg":
        return svg(diagram, theme=theme, alt=text(diagram))
    if format == "png":
        from k8sviz.render.png import png

        return png(svg(diagram, theme=theme))
    if format == "dot":
        from k8sviz.render.dot import dot

        return dot(diagram)
    if format == "mermaid":
        from k8sviz.render.mermaid import mermaid

        return mermaid(diagram)
    if format == "text":
        return text(diagram)
    raise K8svizError(f"unknown format {format!r}; {nearest(format, FORMATS)}")


class Picture:
    """What `draw` returns: shows SVG in a notebook with the text beside it, text on a terminal."""

    def __init__(self, diagram: Diagram, *, theme: str = "light") -> None:
        self.diagram = diagram
        self.theme = theme

    def __str__(self) -> str:
        return text(self.diagram)

    def __repr__(self) -> str:
        return f"<Picture {self.diagram.title}: {len(self.diagram.nodes)} nodes, {len(self.diagram.edges)} edges>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        words = text(self.diagram)
        drawn = svg(self.diagram, theme=self.theme, alt=words)
        return {"image/svg+xml": drawn, "text/plain": words}, {"image/svg+xml": {"alt": self.diagram.spoken}}

    def save(self, path: str | os.PathLike[str], format: str | None = None) -> Path:  # noqa: A002
        """Write the picture to a file; the format comes from its suffix unless it is named.

        Raises K8svizError for an unknown suffix or a file that cannot be written.
        """
        target = Path(path)
        chosen = format or _SUFFIXES.get(target.suffix.lower())
        if chosen is None:
            raise K8svizError(f"cannot tell a format from {target.name!r}; end it in {', '.join(sorted(_SUFFIXES))}")
        drawn = render(self.diagram, chosen, theme=self.theme)
        return save(target, drawn if isinstance(drawn, bytes) else f"{drawn}\n")
