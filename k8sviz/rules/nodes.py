"""What a Node says of itself, and how long a Pod may stay on one that does not answer.

Rules: pkg/controller/nodelifecycle (grace period, taints), pkg/controller/tainteviction (toleration clock).
"""

from __future__ import annotations

from typing import Any, Final

from k8sviz.rules.fields import JSON, integer, listed, text
from k8sviz.rules.meta import condition_status

__all__ = ["SILENT_TAINTS", "no_execute_taint", "ready_status", "taints", "toleration"]

SILENT_TAINTS: Final = (
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/out-of-service",
)
"""What a node that does not answer is given: by the controller, and by hand."""


def toleration(pod: JSON, key: str = SILENT_TAINTS[0]) -> float | None:
    """How long a Pod may stay on a node with that NoExecute taint, in seconds; 0 for not at all, None for ever.

    Of several tolerations that match, the shortest counts (GetMinTolerationTime). The API server gives each Pod one of
    300 seconds for the two taints of a node that does not answer.

    >>> both = [{"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute"}]
    >>> toleration({"spec": {"tolerations": both}}), toleration({"spec": {"tolerations": []}})
    (None, 0.0)
    """
    found = [t for t in listed(pod, "spec", "tolerations") if _tolerates(t, key)]
    if not found:
        return 0.0
    limits = [float(max(0, s)) for t in found if (s := integer(t, "tolerationSeconds")) is not None]
    return min(limits) if limits else None


def _tolerates(one: Any, key: str) -> bool:
    same = text(one, "key") in ("", key)
    equal = text(one, "operator") == "Exists" or (text(one, "key") == key and not text(one, "value"))
    return same and equal and text(one, "effect") in ("", "NoExecute")


def ready_status(node: JSON) -> str:
    """The status of its Ready condition: True, False, Unknown; "" where it says nothing."""
    return condition_status(node, "Ready")


def taints(node: JSON) -> list[tuple[str, str]]:
    """Key and effect of each of its taints."""
    return [(text(t, "key"), text(t, "effect")) for t in listed(node, "spec", "taints")]


def no_execute_taint(node: JSON) -> str:
    """The NoExecute taint that a silent node has, or ''."""
    return next((key for key, effect in taints(node) if effect == "NoExecute" and key in SILENT_TAINTS), "")
