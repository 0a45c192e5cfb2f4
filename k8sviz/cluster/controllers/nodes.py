"""Nodes that go silent: the node controller's conditions and taints, and the Pods that must leave.

Kubernetes' pkg/controller/nodelifecycle and pkg/controller/tainteviction (v1.36); what follows from what is in
`rules/node_health`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, replaced
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.node_health import answering_conditions, leaves_after, lifecycle_taints, silent_conditions
from k8sviz.rules.nodes import ready_status

if TYPE_CHECKING:
    from k8sviz.cluster.api import API
    from k8sviz.cluster.clock import Timer
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.history import Object

__all__ = ["NodeLifecycle", "TaintEviction"]

_NOTICED: Final = 0.5  # seconds until the controller looks, or the kubelet has spoken


class NodeLifecycle(Controller):
    """Looks at a node that changed, at one that has been silent for long, and at one that answers again."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        cluster.kubelets.on_silence(self._heard_of_silence)

    def _seen(self, change: str, obj: Object) -> None:
        if obj["kind"] == "Node" and change != "DELETED":
            self.enqueue(key_of(obj))

    def _heard_of_silence(self, name: str, silent: bool) -> None:
        grace = self.cluster.settings.node_monitor_grace
        self.clock.later(_NOTICED + (grace if silent else 0.0), lambda: self._look(name))

    def _look(self, name: str) -> None:
        """Its conditions follow from whether its kubelet speaks."""
        node = self.api.find("Node", name)
        since = self.cluster.kubelets.silent_since(name)
        if node is None:
            return
        if since is None:
            if ready_status(node) != "True":
                _write_conditions(self.api, node, answering_conditions(node, self.clock.stamp()))
        elif self.clock.now - since >= self.cluster.settings.node_monitor_grace and ready_status(node) == "True":
            self._silent(node)

    def _silent(self, node: Object) -> None:
        """Its conditions are Unknown, and its Pods no longer Ready (MarkPodsNotReady)."""
        conditions = silent_conditions(node, self.clock.stamp())
        _write_conditions(self.api, node, conditions)
        name = text(node, "metadata", "name")
        said = f"Node {name} status is now: NodeNotReady"
        self.cluster.event(node, "Normal", "NodeNotReady", said, "node-controller")
        for pod in self.api.on_node(name):
            self._not_ready(pod)

    def _not_ready(self, pod: Object) -> None:
        conditions = []
        for condition in listed(pod, "status", "conditions"):
            was_ready = text(condition, "type") == "Ready" and text(condition, "status") == "True"
            lost = {"status": "False", "lastTransitionTime": self.clock.stamp()}
            conditions.append({**condition, **lost} if was_ready else condition)
        if conditions == listed(pod, "status", "conditions"):
            return
        _write_conditions(self.api, pod, conditions)
        self.cluster.event(pod, "Warning", "NodeNotReady", "Node is not ready", "node-controller")

    def _sync(self, key: Key) -> None:
        """The taints that follow from conditions and from a cordon."""
        node = self.api.find("Node", key[1])
        if node is None:
            return
        evict = any(ready_status(one) == "True" for one in self.api.list("Node"))
        taints = lifecycle_taints(node, self.clock.stamp(), evict=evict)
        if taints != listed(node, "spec", "taints"):
            self.api.replace(replaced(node, "spec", "taints", value=taints or None))


class TaintEviction(Controller):
    """Deletes Pods from nodes with NoExecute taints, when their tolerationSeconds are over."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._timers: dict[str, Timer] = {}  # by the Pods' uids
        self._tainted: set[str] = set()

    def _seen(self, change: str, obj: Object) -> None:
        if obj["kind"] == "Node":
            self._node_seen(change, obj)
        elif obj["kind"] == "Pod":
            if change == "DELETED":
                self._cancel(obj, tell=False)
            elif text(obj, "spec", "nodeName") in self._tainted:
                self.enqueue(key_of(obj))

    def _node_seen(self, change: str, node: Object) -> None:
        name = text(node, "metadata", "name")
        taints = [t for t in listed(node, "spec", "taints") if text(t, "effect") == "NoExecute"]
        if change == "DELETED" or not (taints or name in self._tainted):
            self._tainted.discard(name)
            return
        self._tainted.add(name)
        if not taints:
            self._tainted.discard(name)
        for pod in self.api.on_node(name):
            self.enqueue(key_of(pod))

    def _sync(self, key: Key) -> None:
        pod = self.api.find("Pod", key[1], key[0])
        node = self.api.find("Node", text(pod, "spec", "nodeName")) if pod is not None else None
        if pod is None or node is None:
            return
        after = leaves_after(pod, listed(node, "spec", "taints"))
        uid = text(pod, "metadata", "uid")
        if after is None:
            self._cancel(pod, tell=True)
        elif is_terminating(pod):
            self._cancel(pod, tell=False)
        elif after == 0:
            self._cancel(pod, tell=False)
            self._evict(key, uid)
        elif uid not in self._timers:
            self._timers[uid] = self.clock.later(after, lambda: self._evict(key, uid))

    def _cancel(self, pod: Object, *, tell: bool) -> None:
        timer = self._timers.pop(text(pod, "metadata", "uid"), None)
        if timer is not None:
            timer.cancel()
            if tell:
                namespace, name = key_of(pod)
                said = f"Cancelling deletion of Pod {namespace}/{name}"
                self.cluster.event(pod, "Normal", "TaintManagerEviction", said, "taint-eviction-controller")

    def _evict(self, key: Key, uid: str) -> None:
        self._timers.pop(uid, None)
        pod = self.api.find("Pod", key[1], key[0])
        if pod is None or text(pod, "metadata", "uid") != uid or is_terminating(pod):
            return
        said = f"Marking for deletion Pod {key[0]}/{key[1]}"
        self.cluster.event(pod, "Normal", "TaintManagerEviction", said, "taint-eviction-controller")
        target = {
            "type": "DisruptionTarget",
            "observedGeneration": pod["metadata"].get("generation"),
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.clock.stamp(),
            "reason": "DeletionByTaintManager",
            "message": "Taint manager: deleting due to NoExecute taint",
        }
        kept = [c for c in listed(pod, "status", "conditions") if text(c, "type") != "DisruptionTarget"]
        _write_conditions(self.api, pod, [*kept, target])
        self.api.delete("Pod", key[1], key[0])


def _write_conditions(api: API, obj: Object, conditions: Sequence[Mapping[str, Any]]) -> None:
    status = {**mapping(obj, "status"), "conditions": list(conditions)}
    api.replace({**obj, "status": status}, subresource="status")
