"""k8sviz draws what a Kubernetes cluster is doing, and says why: from a live cluster or a recorded one.

Everything is loaded when it is first used, so that `import k8sviz` costs almost nothing.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from k8sviz.errors import K8svizError as K8svizError
    from k8sviz.fork import Fork as Fork
    from k8sviz.fork import fork as fork
    from k8sviz.history import History as History
    from k8sviz.history import Snapshot as Snapshot
    from k8sviz.lab import Lab as Lab
    from k8sviz.practice import check as check
    from k8sviz.practice import exercise as exercise
    from k8sviz.practice import progress as progress
    from k8sviz.show import beside as beside
    from k8sviz.show import chart as chart
    from k8sviz.show import draw as draw
    from k8sviz.show import follow as follow
    from k8sviz.show import inspect as inspect
    from k8sviz.show import lives as lives
    from k8sviz.show import open_source as open_source
    from k8sviz.show import play as play
    from k8sviz.show import quiz as quiz
    from k8sviz.show import troubles as troubles
    from k8sviz.show import updates as updates
    from k8sviz.show import users as users
    from k8sviz.show import what_if as what_if
    from k8sviz.show import why as why

__version__ = "0.1.0"
__all__ = [
    "Fork",
    "History",
    "K8svizError",
    "Lab",
    "Snapshot",
    "beside",
    "chart",
    "check",
    "draw",
    "exercise",
    "follow",
    "fork",
    "inspect",
    "lives",
    "open_source",
    "play",
    "progress",
    "quiz",
    "troubles",
    "updates",
    "users",
    "what_if",
    "why",
]

_HOMES = {
    "Fork": "fork",
    "fork": "fork",
    "History": "history",
    "K8svizError": "errors",
    "Lab": "lab",
    "Snapshot": "history",
    "check": "practice",
    "exercise": "practice",
    "progress": "practice",
}


class _Package(ModuleType):
    """Keeps `k8sviz.why` the function: importing the room of that name would put the room in its place."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in __all__ or not isinstance(value, ModuleType):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'k8sviz' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"k8sviz.{_HOMES.get(name, 'show')}"), name)
    globals()[name] = value
    return value


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext k8sviz`: the magics `%kubectl` and `%%kubectl`, which speak to the fork in use."""
    from k8sviz.magics import load

    load(shell)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
