"""The ReplicaSet controller, and the ReplicationController's, which is the same with another kind.

Kubernetes' pkg/controller/replicaset (v1.36); which Pods count and which go first is in `rules/availability`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, owner_reference
from k8sviz.cluster.controllers.owned import Owned, adopt, release
from k8sviz.cluster.controllers.pods import Counts, Members
from k8sviz.cluster.refused import Refused
from k8sviz.rules.availability import is_terminating
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.fields import integer, listed, mapped, mapping, strings, text
from k8sviz.rules.meta import controller_of
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.rules.statefulset import replicas_of

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["ReplicaSetController", "ReplicationControllerController", "pod_from_template"]

_MOST_AT_ONCE = 500  # Pods made or deleted in one look (BurstReplicas)


def pod_from_template(template: Mapping[str, Any], owner: Object, name: Mapping[str, str]) -> dict[str, Any]:
    """A Pod as controllers make it of a template (GetPodFromTemplate); `name` holds `name` or `generateName`."""
    meta: dict[str, Any] = {**name, "namespace": text(owner, "metadata", "namespace")}
    for part in ("labels", "annotations"):
        if mapping(template, "metadata", part):
            meta[part] = dict(mapping(template, "metadata", part))
    if strings(template, "metadata", "finalizers"):
        meta["finalizers"] = strings(template, "metadata", "finalizers")
    meta["ownerReferences"] = [owner_reference(owner)]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": dict(mapping(template, "spec"))}


class ReplicaSetController(Controller):
    """Keeps as many Pods as spec.replicas says, and counts them."""

    kind: ClassVar[str] = "ReplicaSet"
    component: ClassVar[str] = "replicaset-controller"
    counts_terminating: ClassVar[bool] = True

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods
        self.siblings = Owned(cluster.api, self.kind, "Deployment")

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == self.kind:
            self.siblings.seen(change, obj)
            if change != "DELETED":
                self.enqueue(key_of(obj))
        elif kind == "Pod":
            self._pod_seen(change, obj)

    def _pod_seen(self, change: str, pod: Object) -> None:
        owner = controller_of(pod)
        namespace = key_of(pod)[0]
        if owner is not None:
            if text(owner, "kind") == self.kind:
                self.enqueue((namespace, text(owner, "name")))
        elif change != "DELETED":
            labels = labels_of(pod)
            for one in self.api.list(self.kind, namespace):
                if self._selects(one, labels):
                    self.enqueue(key_of(one))

    def _selects(self, replica_set: Object, labels: Mapping[str, str]) -> bool:
        return matches(mapped(replica_set, "spec", "selector"), labels)

    def _sync(self, key: Key) -> None:
        """syncReplicaSet."""
        replica_set = self.api.find(self.kind, key[1], key[0])
        if replica_set is None:
            return
        members = self._claim(replica_set)
        now = self.now
        seconds = min_ready_seconds(replica_set)
        counts = members.counts(mapping(replica_set, "spec", "template", "metadata", "labels"), seconds, now)
        failure = None if is_terminating(replica_set) else self._manage(replica_set, members, counts.active)
        self._write_status(replica_set, counts, failure)
        if failure is not None:
            raise failure[1]
        then = members.next_available(seconds, now) if seconds else None
        if then is not None:
            self.enqueue(key, then - now)

    def _claim(self, replica_set: Object) -> Members:
        """Its Pods, after it has adopted those that it selects and let go those that it does not (ClaimPods)."""
        members = self.pods.of(text(replica_set, "metadata", "uid"))
        if is_terminating(replica_set):
            return members
        if not all(self._selects(replica_set, labels) for labels in members.kinds_of_labels()):
            for pod in members.active():
                if not self._selects(replica_set, labels_of(pod)):
                    release(self.api, replica_set, pod)
        for pod in self.pods.adoptable(key_of(replica_set)[0], lambda labels: self._selects(replica_set, labels)):
            adopt(self.api, replica_set, pod)
        return members

    def _manage(self, replica_set: Object, members: Members, active: int) -> tuple[str, Refused] | None:
        """Make or delete Pods until there are as many as wanted; returns what failed."""
        more = replicas_of(replica_set) - active
        if more > 0:
            return self._make(replica_set, min(more, _MOST_AT_ONCE))
        if more < 0:
            for pod in members.to_delete(min(-more, _MOST_AT_ONCE), self._related(replica_set)):
                self._drop(replica_set, pod)
            if -more > _MOST_AT_ONCE:
                self.enqueue(key_of(replica_set))
        return None

    def _make(self, replica_set: Object, count: int) -> tuple[str, Refused] | None:
        """New Pods, in batches that double: a template that is refused is not tried for all (slowStartBatch)."""
        name = text(replica_set, "metadata", "name")
        template = mapping(replica_set, "spec", "template")
        batch = 1
        while count > 0:
            failed = None
            for _ in range(min(batch, count)):
                pod = pod_from_template(template, replica_set, {"generateName": f"{name}-"})
                try:
                    made = text(self.api.create(pod), "metadata", "name")
                except Refused as refusal:
                    failed = refusal
                    self.cluster.event(
                        replica_set, "Warning", "FailedCreate", f"Error creating: {refusal}", self.component
                    )
                else:
                    said = f"Created pod: {made}"
                    self.cluster.event(replica_set, "Normal", "SuccessfulCreate", said, self.component)
            if failed is not None:
                return "FailedCreate", failed
            count, batch = count - batch, batch * 2
        return None

    def _drop(self, replica_set: Object, pod: Object) -> None:
        name = text(pod, "metadata", "name")
        self.api.delete("Pod", name, text(pod, "metadata", "namespace"))
        self.cluster.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name}", self.component)

    def _related(self, replica_set: Object) -> Mapping[str, int]:
        """How many Pods each node has of this set and of the others of its Deployment."""
        family = self.siblings.siblings(replica_set)
        found: Counter[str] = Counter()
        for one in family:
            found.update(self.pods.of(text(one, "metadata", "uid")).nodes)
        return found

    def _write_status(self, replica_set: Object, counts: Counts, failure: tuple[str, Refused] | None) -> None:
        """updateReplicaSetStatus."""
        before = mapping(replica_set, "status")
        shown = {
            "fullyLabeledReplicas": counts.labelled,
            "readyReplicas": counts.ready,
            "availableReplicas": counts.available,
        }
        status: dict[str, Any] = {"replicas": counts.active, **{name: n for name, n in shown.items() if n}}
        if self.counts_terminating:
            status["terminatingReplicas"] = counts.terminating
        status["observedGeneration"] = integer(replica_set, "metadata", "generation")
        conditions = self._conditions(listed(replica_set, "status", "conditions"), failure)
        if conditions:
            status["conditions"] = conditions
        if status != before:
            self.api.replace({**replica_set, "status": status}, subresource="status")

    def _conditions(
        self, before: Sequence[Mapping[str, Any]], failure: tuple[str, Refused] | None
    ) -> list[Mapping[str, Any]]:
        """ReplicaFailure while Pods cannot be made; one that is there already stays as it is."""
        if failure is None:
            return [c for c in before if text(c, "type") != "ReplicaFailure"]
        if any(text(c, "type") == "ReplicaFailure" for c in before):
            return list(before)
        reason, refusal = failure
        failed = {
            "type": "ReplicaFailure",
            "status": "True",
            "lastTransitionTime": self.clock.stamp(),
            "reason": reason,
            "message": str(refusal),
        }
        return [*before, failed]


class ReplicationControllerController(ReplicaSetController):
    """The same for ReplicationControllers, whose selector is a map of labels."""

    kind: ClassVar[str] = "ReplicationController"
    component: ClassVar[str] = "replication-controller"
    counts_terminating: ClassVar[bool] = False

    def _selects(self, replica_set: Object, labels: Mapping[str, str]) -> bool:
        wanted = mapping(replica_set, "spec", "selector")
        return bool(wanted) and wanted.items() <= labels.items()
