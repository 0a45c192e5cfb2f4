"""A story of a live cluster, drawn anew at each change: for a notebook as a widget, for a terminal as text.

Drawing is apart from watching: while one picture is made, changes gather, and the next picture shows them all.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

import anywidget
import traitlets

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.errors import K8svizError
from k8sviz.history import History, Snapshot
from k8sviz.letters import printable
from k8sviz.render.picture import Picture
from k8sviz.sources.follow import Follower
from k8sviz.words import say

__all__ = ["Follow", "diagrams"]

Tell = Callable[[Snapshot], Diagram]
_PAUSE: Final = 0.05  # seconds for a burst of changes to gather
_SCRIPT: Final = """
function render({ model, el }) {
  el.classList.add("kv-follow");
  const picture = document.createElement("div");
  const line = document.createElement("div");
  line.setAttribute("role", "status");
  line.style.cssText = "font:13px/1.6 system-ui,sans-serif;opacity:.8";
  const draw = () => { picture.innerHTML = model.get("svg"); line.textContent = model.get("line"); };
  el.append(picture, line);
  model.on("change:svg change:line", draw);
  draw();
}
export default { render };
"""


def diagrams(
    follower: Follower, tell: Callable[[History], Tell], *, seconds: float | None = None
) -> Iterator[tuple[Diagram, str]]:
    """The story's diagrams, each with a line on how things stand, whenever one of both has changed.

    Ends when the Follower is closed, or after some seconds.
    """
    shown: tuple[Diagram, str] | None = None
    seen = -1
    while not follower.closed and (seconds is None or follower.now() < seconds):
        changes = follower.wait(seen, 0.5)
        if changes != seen or shown is None:
            time.sleep(_PAUSE if shown is not None else 0)
            seen = follower.changes
        now = _told(follower, tell), follower.trouble
        if shown is None or now != shown:
            shown = now
            yield now


def _told(follower: Follower, tell: Callable[[History], Tell]) -> Diagram:
    return tell(follower.history)(follower.history.at())


class Follow(anywidget.AnyWidget):
    """Shows a story of what `follower` follows, and draws it anew at each change, until `close`."""

    _esm = _SCRIPT
    svg = traitlets.Unicode().tag(sync=True)
    line = traitlets.Unicode().tag(sync=True)

    def __init__(self, follower: Follower, tell: Callable[[History], Tell], *, theme: str = "light") -> None:
        self._follower = follower
        self._tell = tell
        self._theme = theme
        self.picture = Picture(_told(follower, tell), theme=theme)
        super().__init__(svg=_svg(self.picture), line=_line(follower))
        self._thread = threading.Thread(target=self._run, name="k8sviz follow", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            for diagram, _ in diagrams(self._follower, self._tell):
                self.picture = Picture(diagram, theme=self._theme)
                self.svg = _svg(self.picture)
                self.line = _line(self._follower)
        except K8svizError as error:
            self.line = str(error)

    def close(self) -> None:
        """Stop following; the last picture stays."""
        self._follower.close()
        self.line = say("live.stopped-following", seconds=round(self._follower.history.end))

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**kwargs) or ({}, {})
        still = {k: v for k, v in _mime(self.picture).items() if k in ("image/svg+xml", "text/plain")}
        return {**bundle[0], **still}, bundle[1]


def _mime(picture: Picture) -> dict[str, Any]:
    made: Any = picture._repr_mimebundle_()
    found: dict[str, Any] = made[0] if isinstance(made, tuple) else made
    return found


def _svg(picture: Picture) -> str:
    return str(_mime(picture)["image/svg+xml"])


def _line(follower: Follower) -> str:
    return printable(follower.trouble or say("live.following", namespace=follower.history.about.namespace))
