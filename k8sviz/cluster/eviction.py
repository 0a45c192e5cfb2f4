"""The eviction of a Pod, as `kubectl drain` asks for it: a deletion that a PodDisruptionBudget may refuse.

Rule: pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.rules.disruption import budgets_of, health, may_evict
from k8sviz.rules.fields import flag, integer, listed, mapped, text
from k8sviz.rules.selectors import labels_of, matches

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["evict"]


def evict(api: API, pod: Object, *, grace: int | None = None) -> Object:
    """Mark a Pod for deletion, if its budget allows. Raises Refused: 429 while it does not."""
    name, namespace = text(pod, "metadata", "name"), text(pod, "metadata", "namespace")
    pod = api.get("Pod", name, namespace)
    running = text(pod, "status", "phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    budgets = budgets_of(pod, api.list("PodDisruptionBudget", namespace)) if running else []
    if len(budgets) > 1:
        words = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise Refused(500, "InternalError", words)
    for budget in budgets:
        wanted = mapped(budget, "spec", "selector")
        pods = [each for each in api.list("Pod", namespace) if matches(wanted, labels_of(each))]
        found = health(budget, pods, _expected(api, pods))
        if not may_evict(budget, pod, found):
            own = text(budget, "metadata", "name")
            said = f"The disruption budget {own} needs {found.wanted} healthy pods and has {found.healthy} currently"
            details = {"causes": [{"reason": "DisruptionBudget", "message": said}]}
            why = "Cannot evict pod as it would violate the pod's disruption budget."
            raise Refused(429, "TooManyRequests", why, details)
    if running:
        pod = api.write({**pod, "status": {**pod["status"], "conditions": _marked(api, pod)}})
    return api.delete("Pod", name, namespace, grace=grace, uid=text(pod, "metadata", "uid"))


def _marked(api: API, pod: Object) -> list[Object]:
    kept = [dict(each) for each in listed(pod, "status", "conditions") if text(each, "type") != "DisruptionTarget"]
    why = {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
    stamp = {"lastProbeTime": None, "lastTransitionTime": api.clock.stamp()}
    return [*kept, {"type": "DisruptionTarget", "status": "True", **stamp, **why}]


def _expected(api: API, pods: list[Object]) -> int:
    """How many Pods their controllers want together; one without a controller is one."""
    owners = {
        text(owner, "uid"): owner
        for pod in pods
        for owner in listed(pod, "metadata", "ownerReferences")
        if flag(owner, "controller")
    }
    found = [api.by_uid(uid) for uid in owners]
    alone = sum(not any(flag(o, "controller") for o in listed(pod, "metadata", "ownerReferences")) for pod in pods)
    return alone + sum(integer(each, "spec", "replicas") or 0 for each in found if each is not None)
