"""Protection of claims and volumes: what is used stays, marked as deleted, until nobody uses it.

Kubernetes' pkg/controller/volume/pvcprotection and pvprotection (v1.36).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, replaced
from k8sviz.cluster.controllers.pods import claims_used
from k8sviz.rules.fields import strings, text
from k8sviz.rules.meta import is_terminating

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["StorageProtection"]

_FINALIZERS = {
    "PersistentVolumeClaim": "kubernetes.io/pvc-protection",
    "PersistentVolume": "kubernetes.io/pv-protection",
}


class StorageProtection(Controller):
    """Takes the finalizer from a claim that no Pod on a node uses, and from a volume that is not bound."""

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind in _FINALIZERS:
            if change != "DELETED":
                namespace, name = key_of(obj)
                self.enqueue((kind, namespace, name))
        elif kind == "Pod" and (change == "DELETED" or text(obj, "status", "phase") in ("Succeeded", "Failed")):
            for claim in claims_used(obj):
                self.enqueue(("PersistentVolumeClaim", key_of(obj)[0], claim))

    def _sync(self, key: Key) -> None:
        kind, namespace, name = key
        obj = self.api.find(kind, name, namespace)
        if obj is None:
            return
        finalizer = _FINALIZERS[kind]
        before = strings(obj, "metadata", "finalizers")
        if not is_terminating(obj):
            if finalizer not in before:
                self.api.replace(replaced(obj, "metadata", "finalizers", value=[*before, finalizer]))
        elif finalizer in before and not self._is_used(obj):
            kept = [one for one in before if one != finalizer]
            self.api.replace(replaced(obj, "metadata", "finalizers", value=kept or None))

    def _is_used(self, obj: Object) -> bool:
        if obj["kind"] == "PersistentVolume":
            return text(obj, "status", "phase") == "Bound"
        # a Pod without a node does not count: its kubelet would refuse a claim that is to go
        return any(text(pod, "spec", "nodeName") for pod in self.pods.users(key_of(obj)))
