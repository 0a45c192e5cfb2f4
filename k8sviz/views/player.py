"""The player in a notebook: shown once, it needs no kernel any more, and no scripts to be worth looking at.

A front end takes the richest form that it knows: JupyterLab the widget, whose state the notebook keeps; GitHub
and others that run no scripts the SVG of one telling frame; a terminal its words.
"""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from k8sviz.history import History
from k8sviz.render.text import text
from k8sviz.views.assets import player_css, player_js
from k8sviz.views.frames import Story, film, pack

__all__ = ["Player"]


class Player(anywidget.AnyWidget):
    """Plays a story over a History: `Player(lab.history, storage)`.

    `start` is where it begins, `telling` the frame for places without scripts: each a step's id (its settled
    state) or a time in seconds; `telling=None` takes the frame with most relations. `secrets=True` leaves values
    of Secrets in what commands printed. Raises K8svizError for an unknown step, or when the story fails at
    every time.
    """

    _esm = player_js()
    _css = player_css()
    packed = traitlets.Unicode().tag(sync=True)
    at = traitlets.Float(0.0, help="Set it to move every view of this player to that time (seconds).").tag(sync=True)

    def __init__(
        self,
        history: History,
        story: Story,
        *,
        title: str = "",
        start: str | float | None = 0.0,
        telling: str | float | None = None,
        secrets: bool = False,
        theme: str = "light",
    ) -> None:
        self.film = film(history, story)
        self.still = self.film.still(telling, theme=theme)
        self.words = text(self.film.telling(telling).diagram)
        payload = self.film.payload(title=title, start=start, secrets=secrets)
        self.title = str(payload["title"])
        super().__init__(packed=pack(payload), at=payload["start"])

    def __repr__(self) -> str:
        return f"<Player {self.title}: {len(self.film.frames)} frames, {self.film.end:.1f} s>"

    def seek(self, at: str | float | None) -> None:
        """Move every view to a step's settled state or a time in seconds (None: the end).

        Raises K8svizError for an unknown step.
        """
        self.at = self.film.history.time(at)

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        bundle = super()._repr_mimebundle_(**kwargs) or ({}, {})
        data = {**bundle[0], "image/svg+xml": self.still, "text/plain": self.words}
        return data, {**bundle[1], "image/svg+xml": {"alt": self.title}}
