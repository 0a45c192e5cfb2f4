"""What a Node says of itself: its Ready condition and its taints. What follows from them is in `rules.node_health`."""

from __future__ import annotations

from typing import Final

from k8sviz.rules.fields import JSON, listed, text
from k8sviz.rules.meta import condition_status

__all__ = ["SILENT_TAINTS", "no_execute_taint", "ready_status", "taints"]

SILENT_TAINTS: Final = (
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/out-of-service",
)
"""What a node that does not answer is given: by the controller, and by hand."""


def ready_status(node: JSON) -> str:
    """The status of its Ready condition: True, False, Unknown; "" where it says nothing."""
    return condition_status(node, "Ready")


def taints(node: JSON) -> list[tuple[str, str]]:
    """Key and effect of each of its taints."""
    return [(text(t, "key"), text(t, "effect")) for t in listed(node, "spec", "taints")]


def no_execute_taint(node: JSON) -> str:
    """The NoExecute taint that a silent node has, or ''."""
    return next((key for key, effect in taints(node) if effect == "NoExecute" and key in SILENT_TAINTS), "")
