"""Where predictions over time are tried: a simulated cluster with two nodes, whose Pods behave as declared.

What a Pod's processes do is not known, so it is said: after how many seconds it is Ready (or never), and how long it
needs to stop. Everything else is what the cluster's controllers do. Pods find a node at once, on either of the two in
turn: what the scheduler could have against them is a question of its own (`predict/blocks`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from k8sviz.cluster import Cluster, Refused
from k8sviz.cluster.settings import Settings
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Object, Result, Step
from k8sviz.kinds import KINDS
from k8sviz.rules.binding import claim_class, find_match, waits_for_first_consumer
from k8sviz.rules.fields import integer, listed, mapped, mapping, text
from k8sviz.rules.meta import condition, is_terminating
from k8sviz.rules.objects import flattened
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.rules.statefulset import replicas_of

__all__ = ["NODES", "Stand", "countable"]

START: Final = "2026-01-01T00:00:00Z"
NODES: Final = ("worker-1", "worker-2")
_MOST_PODS: Final = 1000  # of a workload
_GRACE: Final = 30
_ROUND: Final = 15.5  # seconds in which the volume controller looks at all claims once
_SELECTED: Final = "volume.kubernetes.io/selected-node"
_LONGEST: Final = 36_000.0
_SELECTING: Final = frozenset({"Deployment", "StatefulSet", "ReplicaSet"})
_WORKLOADS: Final = frozenset({"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"})


class Stand:
    """A cluster for one namespace. `ready_after` says of a Pod when it is Ready, in seconds (None: never)."""

    def __init__(
        self, namespace: str, ready_after: Callable[[Object], float | None], stop_after: float | None = None
    ) -> None:
        self.namespace = namespace
        self.ready_after = ready_after
        self.stop_after = stop_after
        self.cluster = Cluster(start=START, settings=Settings(judges=False, runs_pods=False))
        self.api, self.clock, self.history = self.cluster.api, self.cluster.clock, self.cluster.history
        self.make({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        self.cluster.settle()
        # what every cluster has is not part of the answer
        self.history = self.cluster.history = self.api.history = History(About("prediction", "", namespace, START))
        self.history.predicted_from = 0.0
        self.failing: set[str] = set()  # the names of Pods that fail their readiness probes
        self._turn = 0
        self._started: set[str] = set()
        self._stopping: set[str] = set()
        self._waiting: dict[str, Object] = {}
        self.api.subscribe(self._seen)

    # -- what people do --------------------------------------------------------------------------------

    def step(self, step_id: str, command: str) -> None:
        """Note that somebody does something now."""
        self.history.begin_step(Step(self.clock.now, step_id, command))
        self.history.end_step(step_id, Result(self.clock.now, 0))

    def apply(self, obj: Mapping[str, Any]) -> Object:
        """What is applied is the whole wish: a field that is left out is no longer asked for. Raises Refused."""
        wish: Object = {**obj, "metadata": {**mapping(obj, "metadata")}}
        kind = text(wish, "kind")
        if kind not in KINDS or KINDS[kind].namespaced:
            wish["metadata"]["namespace"] = self.namespace
        template = mapping(wish, "spec", "template")
        if kind in _SELECTING and not matches(mapped(wish, "spec", "selector"), labels_of(template)):
            # a controller would make Pods for ever, and never count one of them
            name = text(wish, "metadata", "name")
            raise Refused(422, "Invalid", f'{kind} "{name}" is invalid: `selector` does not match template `labels`')
        before = self.api.find(kind, text(wish, "metadata", "name"), self.namespace)
        if before is None:
            return self.api.create(wish)
        notes = {**mapping(before, "metadata", "annotations"), **mapping(wish, "metadata", "annotations")}
        meta = {**before["metadata"], "labels": dict(mapping(wish, "metadata", "labels")), "annotations": notes}
        return self.api.replace({**wish, "metadata": meta})

    def make(self, obj: Mapping[str, Any]) -> None:
        """Create what the workload needs, unless it is there or the API server would not have it."""
        try:
            self.apply(obj)
        except Refused as refusal:
            if text(obj, "kind") in _WORKLOADS:
                raise
            self.history.notes.append(str(refusal))

    def around(self, manifests: Iterable[object], workload: Mapping[str, Any]) -> None:
        """Create what is given beside a workload, and the account that its Pods run as."""
        for thing in flattened(manifests):
            if text(thing, "kind") not in _WORKLOADS and text(thing, "kind") in KINDS:
                self.make(thing)
        account = text(workload, "spec", "template", "spec", "serviceAccountName") or "default"
        if self.api.find("ServiceAccount", account, self.namespace) is None:
            self.make({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account}})

    # -- time ------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let happen what is under way, rounds of the volume controller included while they bind something."""
        self.cluster.settle(_LONGEST)
        while self._could_bind():
            self.cluster.run(_ROUND)
            self.cluster.settle(_LONGEST)

    def _could_bind(self) -> bool:
        volumes = self.api.list("PersistentVolume")
        pending = [c for c in self.api.list("PersistentVolumeClaim") if text(c, "status", "phase") == "Pending"]
        return any(find_match(claim, volumes, delay_binding=self._waits(claim)) for claim in pending)

    def _waits(self, claim: Object) -> bool:
        return waits_for_first_consumer(self.api.find("StorageClass", claim_class(claim) or ""))

    # -- Pods ------------------------------------------------------------------------------------------

    def _seen(self, change: str, obj: Object) -> None:
        if obj["kind"] == "PersistentVolumeClaim" and text(obj, "status", "phase") == "Bound":
            for pod in list(self._waiting.values()):
                self.clock.later(0.01, lambda pod=pod: self._place(pod))  # type: ignore[misc]
        if obj["kind"] != "Pod":
            return
        uid = text(obj, "metadata", "uid")
        if change == "DELETED":
            self._waiting.pop(uid, None)
        elif is_terminating(obj):
            if uid not in self._stopping:
                self._stopping.add(uid)
                self.clock.later(self._stop_time(obj), lambda: self._gone(obj))
        elif change == "ADDED":
            self.clock.later(0.01, lambda: self._place(obj))

    def _stop_time(self, pod: Object) -> float:
        if not text(pod, "spec", "nodeName"):
            return 0.0
        grace = integer(pod, "metadata", "deletionGracePeriodSeconds")
        return self.stop_after if self.stop_after is not None else float(_GRACE if grace is None else grace)

    def _now(self, pod: Object) -> Object | None:
        """The Pod as it is now, if it is still there and to stay."""
        found = self.api.find("Pod", text(pod, "metadata", "name"), self.namespace)
        same = found is not None and found["metadata"]["uid"] == pod["metadata"]["uid"]
        return found if found is not None and same and not is_terminating(found) else None

    def _place(self, asked: Object) -> None:
        pod = self._now(asked)
        if pod is None or pod["metadata"]["uid"] in self._started:
            return
        uid = pod["metadata"]["uid"]
        node = text(pod, "spec", "nodeName") or NODES[self._turn % len(NODES)]
        if not self._has_volumes(pod, node):
            self._waiting[uid] = pod
            return
        self._waiting.pop(uid, None)
        self._turn += 1
        self._started.add(uid)
        pod = self.api.write({**pod, "spec": {**pod["spec"], "nodeName": node}})
        ready = self.ready_after(pod)
        slow = 1.0 if ready is None else ready
        self.clock.later(min(0.5, slow * 0.6), lambda: self._write(asked, ready=False))
        if ready is not None:
            self.clock.later(ready, lambda: self.set_ready(asked, ready=True))

    def _has_volumes(self, pod: Object, node: str) -> bool:
        """Whether its claims are bound; those that wait for a node are told this one."""
        bound = True
        for volume in listed(pod, "spec", "volumes"):
            name = text(volume, "persistentVolumeClaim", "claimName")
            claim = self.api.find("PersistentVolumeClaim", name, self.namespace) if name else None
            if not name or (claim is not None and text(claim, "status", "phase") == "Bound"):
                continue
            bound = False
            notes = mapping(claim, "metadata", "annotations")
            if claim is not None and _SELECTED not in notes:
                meta = {**claim["metadata"], "annotations": {**notes, _SELECTED: node}}
                self.api.write({**claim, "metadata": meta})
        return bound

    def set_ready(self, pod: Object, *, ready: bool) -> None:
        """Make a Pod Ready or not, if it is there and its probe allows it."""
        now = self._now(pod)
        if now is not None:
            self._write(now, ready=ready and text(now, "metadata", "name") not in self.failing)

    def _write(self, asked: Object, *, ready: bool) -> None:
        pod = self._now(asked)
        if pod is None:
            return
        word = "True" if ready else "False"
        same = condition(pod, "Ready")
        since = text(same, "lastTransitionTime") if text(same, "status") == word else self.clock.stamp()
        number = len(self._started)
        status = {
            **mapping(pod, "status"),
            "phase": "Running",
            "podIP": text(pod, "status", "podIP") or f"10.244.{number // 250 % 250}.{number % 250 + 2}",
            "conditions": [
                {"type": "PodScheduled", "status": "True", "lastTransitionTime": since},
                {
                    "type": "Ready",
                    "status": word,
                    "lastTransitionTime": since,
                    **({} if ready else {"reason": "ContainersNotReady"}),
                },
            ],
        }
        self.api.replace({**pod, "status": status}, subresource="status")

    def _gone(self, pod: Object) -> None:
        found = self.api.find("Pod", text(pod, "metadata", "name"), self.namespace)
        if found is not None and found["metadata"]["uid"] == pod["metadata"]["uid"]:
            self.api.delete("Pod", found["metadata"]["name"], self.namespace, grace=0)


def countable(workloads: Sequence[Mapping[str, Any]]) -> None:
    """Raises K8svizError for a workload of more Pods than can be followed one by one."""
    if any(replicas_of(workload) > _MOST_PODS for workload in workloads):
        raise K8svizError(f"more than {_MOST_PODS} replicas; a prediction follows each Pod, so give fewer")
