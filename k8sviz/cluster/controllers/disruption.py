"""PodDisruptionBudgets: how many Pods may be evicted now, and evictions that ask.

Kubernetes' pkg/controller/disruption and pkg/registry/core/pod/storage/eviction.go (v1.36); the numbers are in
`rules/budget_status`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.kit import Controller, Key, key_of
from k8sviz.rules.budget_status import budget_status
from k8sviz.rules.fields import mapped, mapping, text
from k8sviz.rules.meta import controller_of
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.rules.statefulset import replicas_of

if TYPE_CHECKING:
    from k8sviz.history import Object

__all__ = ["DisruptionController"]


class DisruptionController(Controller):
    """Looks at a budget when it, or a Pod that it selects, changed."""

    def _seen(self, change: str, obj: Object) -> None:
        if obj["kind"] == "PodDisruptionBudget":
            if change != "DELETED":
                self.enqueue(key_of(obj))
        elif obj["kind"] == "Pod":
            labels = labels_of(obj)
            for budget in self.api.list("PodDisruptionBudget", key_of(obj)[0]):
                if matches(mapped(budget, "spec", "selector"), labels):
                    self.enqueue(key_of(budget))

    def _sync(self, key: Key) -> None:
        budget = self.api.find("PodDisruptionBudget", key[1], key[0])
        if budget is None:
            return
        selector = mapped(budget, "spec", "selector")
        pods = [pod for pod in self.api.list("Pod", key[0]) if matches(selector, labels_of(pod))]
        wanted = sum({uid: replicas_of(scale) for uid, scale in map(self._scale, pods) if scale is not None}.values())
        status = budget_status(budget, pods, wanted, self.clock.stamp())
        if status != mapping(budget, "status"):
            self.api.replace({**budget, "status": status}, subresource="status")

    def _scale(self, pod: Object) -> tuple[str, Mapping[str, object] | None]:
        """The workload that says how many of these Pods there should be: above a ReplicaSet its Deployment."""
        found: Object | None = pod
        while found is not None:
            ref = controller_of(found)
            above = self.api.find(text(ref, "kind"), text(ref, "name"), key_of(pod)[0]) if ref is not None else None
            if above is None:
                break
            found = above
        return (text(found, "metadata", "uid"), found) if found is not pod else ("", None)
