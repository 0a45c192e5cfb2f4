"""Stories: what a Snapshot shows, as nodes, edges and groups with meaning and no drawing in it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History
from k8sviz.stories import STORIES

__all__ = ["Teller", "story"]

Teller = Callable[..., Diagram]  # (snapshot, focus=None, *, namespace=None, …) -> Diagram


def story(name: str, history: History | None = None) -> Teller:
    """The function that tells a story, given all that it wants to know of the History behind its Snapshots.

    Some stories tell what a Snapshot cannot (when a container started; which seat a Pod has kept): they take
    `history` or `slots`. Raises K8svizError that names the nearest story.
    """
    if name not in STORIES:
        raise K8svizError(f"no story {name!r}; {nearest(name, STORIES)}")
    told: Teller = getattr(importlib.import_module(f"k8sviz.diagrams.stories.{name}"), name)
    if history is None:
        return told
    wanted = getattr(told, "__kwdefaults__", None) or {}  # inspect says so too, and takes as long as a small picture
    if "history" in wanted:
        told = partial(told, history=history)
    if "slots" in wanted:
        from k8sviz.diagrams.kit.slots import Slots

        told = partial(told, slots=Slots.of(history))
    return told
