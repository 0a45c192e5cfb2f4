"""Stories: what a Snapshot shows, as nodes, edges and groups with meaning and no drawing in it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Final

from k8sviz.diagrams.model import Diagram
from k8sviz.errors import K8svizError, nearest

__all__ = ["STORIES", "Teller", "story"]

Teller = Callable[..., Diagram]  # (snapshot, focus=None, *, namespace=None, …) -> Diagram

# by the names that people give them, each with the function that tells it; loaded when it is asked for
STORIES: Final = {
    "storage": "storage.storage",
}


def story(name: str) -> Teller:
    """The function that tells a story. Raises K8svizError that names the nearest."""
    if name not in STORIES:
        raise K8svizError(f"no story {name!r}; {nearest(name, STORIES)}")
    module, _, function = STORIES[name].partition(".")
    told: Teller = getattr(importlib.import_module(f"k8sviz.diagrams.{module}"), function)
    return told
