"""The controllers of the simulated cluster, a module each; they watch objects, ask `rules/`, and write objects.

Each is a class that takes the Cluster: it subscribes to the API and does its work when the clock says so.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from k8sviz.cluster.controllers.manager import Manager

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster

__all__ = ["CONTROLLERS"]

CONTROLLERS: Final[tuple[Callable[[Cluster], object], ...]] = (Manager,)
"""All that a cluster runs, in the order in which they hear of a change."""
