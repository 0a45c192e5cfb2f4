"""How long a deletion waits: the grace period of a Pod that somebody has to stop.

Rule: pkg/registry/core/pod/strategy.go, CheckGracefulDelete.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import integer, text

__all__ = ["deletion_grace"]

_DEFAULT = 30


def deletion_grace(obj: Mapping[str, Any], asked: int | None) -> int:
    """Seconds until an object may go; only a Pod that runs on a node has any.

    >>> deletion_grace({"kind": "Pod", "spec": {"nodeName": "n", "terminationGracePeriodSeconds": 5}}, None)
    5
    >>> deletion_grace({"kind": "Pod", "spec": {}}, 10), deletion_grace({"kind": "ConfigMap"}, 10)
    (0, 0)
    """
    if text(obj, "kind") != "Pod":
        return 0
    if not text(obj, "spec", "nodeName") or text(obj, "status", "phase") in ("Succeeded", "Failed"):
        return 0
    own = integer(obj, "spec", "terminationGracePeriodSeconds")
    seconds = asked if asked is not None else _DEFAULT if own is None else own
    return 1 if seconds < 0 else seconds
