"""What is concluded of a node: conditions of one that went silent, the taints that follow, and who must leave it.

Rules: pkg/controller/nodelifecycle (tryUpdateNodeHealth, doNoScheduleTaintingPass, processNoExecuteTaint) and
pkg/controller/tainteviction (getMinTolerationTime), as of v1.36.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, text
from k8sviz.rules.meta import condition_status

__all__ = ["leaves_after", "lifecycle_taints", "matching_toleration", "silent_conditions", "tolerates"]

_PRESSURE: Final = {
    "MemoryPressure": "node.kubernetes.io/memory-pressure",
    "DiskPressure": "node.kubernetes.io/disk-pressure",
    "PIDPressure": "node.kubernetes.io/pid-pressure",
    "NetworkUnavailable": "node.kubernetes.io/network-unavailable",
}
_WELL: Final = {
    "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
}
NOT_READY: Final = "node.kubernetes.io/not-ready"
UNREACHABLE: Final = "node.kubernetes.io/unreachable"
UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"
_OWN: Final = frozenset({*_PRESSURE.values(), NOT_READY, UNREACHABLE, UNSCHEDULABLE})


def silent_conditions(node: JSON, stamp: str) -> list[dict[str, Any]]:
    """The conditions of a node whose kubelet no longer answers: each is Unknown since `stamp`."""
    found = []
    for condition in listed(node, "status", "conditions"):
        known = dict(condition)
        if text(condition, "type") in _WELL:
            known |= {"reason": "NodeStatusUnknown", "message": "Kubelet stopped posting node status."}
            if text(condition, "status") != "Unknown":
                known |= {"status": "Unknown", "lastTransitionTime": stamp}
        found.append(known)
    return found


def answering_conditions(node: JSON, stamp: str) -> list[dict[str, Any]]:
    """The conditions of a node whose kubelet answers again."""
    found = []
    for condition in listed(node, "status", "conditions"):
        status, reason, message = _WELL.get(text(condition, "type"), ("", "", ""))
        if not status:
            found.append(dict(condition))
            continue
        known = {**condition, "status": status, "reason": reason, "message": message, "lastHeartbeatTime": stamp}
        found.append(known if text(condition, "status") == status else {**known, "lastTransitionTime": stamp})
    return found


def lifecycle_taints(node: JSON, stamp: str, *, evict: bool) -> list[JSON]:
    """The node's taints as the node controller has them: its own by the conditions, other people's as they are.

    `evict` is whether Pods are to leave a node that is not ready (not when all nodes are silent).

    >>> [t["key"] for t in lifecycle_taints({"spec": {"unschedulable": True}}, "", evict=True)]
    ['node.kubernetes.io/unschedulable']
    """
    wanted: list[tuple[str, str]] = []
    ready = condition_status(node, "Ready")
    trouble = {"False": NOT_READY, "Unknown": UNREACHABLE}.get(ready)
    if trouble is not None:
        wanted.append((trouble, "NoSchedule"))
    wanted += [(key, "NoSchedule") for kind, key in _PRESSURE.items() if condition_status(node, kind) == "True"]
    if flag(node, "spec", "unschedulable"):
        wanted.append((UNSCHEDULABLE, "NoSchedule"))
    if trouble is not None and evict:
        wanted.append((trouble, "NoExecute"))
    before = listed(node, "spec", "taints")
    mine = {(text(t, "key"), text(t, "effect")): t for t in before if text(t, "key") in _OWN}
    kept = [t for t in before if text(t, "key") not in _OWN or (text(t, "key"), text(t, "effect")) in wanted]
    new = [{"key": key, "effect": effect, "timeAdded": stamp} for key, effect in wanted if (key, effect) not in mine]
    return [*kept, *new]


def tolerates(toleration: JSON, taint: JSON) -> bool:
    """Whether a toleration covers a taint (ToleratesTaint).

    >>> tolerates({"operator": "Exists"}, {"key": "a", "effect": "NoExecute"})
    True
    """
    effect, key = text(toleration, "effect"), text(toleration, "key")
    if (effect and effect != text(taint, "effect")) or (key and key != text(taint, "key")):
        return False
    operator = text(toleration, "operator") or "Equal"
    if operator == "Exists":
        return True
    return operator == "Equal" and text(toleration, "value") == text(taint, "value") and bool(key)


def matching_toleration(tolerations: Iterable[JSON], taint: JSON) -> JSON | None:
    """The first toleration that covers a taint."""
    return next((one for one in tolerations if tolerates(one, taint)), None)


def leaves_after(pod: JSON, taints: Sequence[JSON]) -> float | None:
    """In how many seconds a Pod must leave its node because of NoExecute taints; None: it may stay.

    0 when a taint is not tolerated at all, else the shortest tolerationSeconds of the tolerations that cover them.

    >>> taint = {"key": "k", "effect": "NoExecute"}
    >>> leaves_after({"spec": {"tolerations": [{"key": "k", "operator": "Exists", "tolerationSeconds": 30}]}}, [taint])
    30.0
    >>> leaves_after({}, [taint]), leaves_after({}, [])
    (0.0, None)
    """
    shortest = math.inf
    for taint in taints:
        if text(taint, "effect") != "NoExecute":
            continue
        found = matching_toleration(listed(pod, "spec", "tolerations"), taint)
        if found is None:
            return 0.0
        for toleration in listed(pod, "spec", "tolerations"):
            if tolerates(toleration, taint) and "tolerationSeconds" in mapping(toleration):
                shortest = min(shortest, max(0, integer(toleration, "tolerationSeconds") or 0))
    return None if shortest is math.inf else float(shortest)
