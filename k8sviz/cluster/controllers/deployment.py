"""The Deployment controller: ReplicaSets made, scaled and forgotten, a step at each look.

Kubernetes' pkg/controller/deployment (v1.36); what it decides is in `rules/deployment`, `rules/deployment_status` and
`rules/revisions`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, owner_reference, replaced
from k8sviz.cluster.controllers.owned import Owned
from k8sviz.cluster.refused import Refused
from k8sviz.rules.deployment import (
    REVISION,
    Scale,
    Size,
    history_limit,
    is_paused,
    may_create,
    min_ready_seconds,
    new_replica_set_size,
    next_scaling,
    old_to_forget,
    progress_deadline,
    revision_of,
    same_template,
    uses_recreate,
)
from k8sviz.rules.deployment_status import (
    is_complete,
    paused_status,
    rollout_status,
    seconds_to_deadline,
    with_condition,
)
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.hashes import template_hash
from k8sviz.rules.meta import condition, controller_of, is_terminating
from k8sviz.rules.revisions import DESIRED, MOST, max_revision, new_set_annotations, scale_annotations
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.statefulset import replicas_of

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["DeploymentController"]

_COMPONENT = "deployment-controller"
_LONGEST_NAME = 253


class DeploymentController(Controller):
    """Looks at a Deployment when it, one of its ReplicaSets, or (under Recreate) the last of its Pods changed."""

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods
        self.sets = Owned(cluster.api, "ReplicaSet", "Deployment")

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "Deployment":
            if change != "DELETED":
                self.enqueue(key_of(obj))
        elif kind == "ReplicaSet":
            for key in self.sets.seen(change, obj):
                self.enqueue(key)
        elif kind == "Pod" and change == "DELETED":
            self._pod_gone(obj)

    def _pod_gone(self, pod: Object) -> None:
        """Under Recreate the new Pods come when the last old one is gone."""
        namespace = key_of(pod)[0]
        owner = controller_of(pod)
        replica_set = self.api.find("ReplicaSet", text(owner, "name"), namespace) if owner is not None else None
        above = controller_of(replica_set) if replica_set is not None else None
        deployment = self.api.find("Deployment", text(above, "name"), namespace) if above is not None else None
        if deployment is not None and uses_recreate(deployment):
            self.enqueue(key_of(deployment))

    def _sync(self, key: Key) -> None:
        """syncDeployment."""
        deployment = self.api.find("Deployment", key[1], key[0])
        if deployment is None:
            return
        sets = self.sets.claim(deployment)
        if is_terminating(deployment):
            self._write_status(deployment, rollout_status(deployment, sets, None, self.clock.stamp(), only_count=True))
            return
        paused = paused_status(deployment, self.clock.stamp())
        if paused is not None:
            deployment = self._write_status(deployment, paused)
        new, old = self._new_and_old(deployment, sets)
        if new is not None:
            new, deployment = self._number(deployment, new, old)
        sizes = [self._size(deployment, one) for one in old]
        # a change of spec.replicas, and a pause, take another way than a rollout
        scaling = is_paused(deployment) or self._is_scaling(deployment, [*old, *([new] if new is not None else [])])
        if new is None and not scaling and may_create(deployment, sizes):
            new, deployment = self._create(deployment, old)
        scales = next_scaling(deployment, None if new is None else self._size(deployment, new), sizes)
        known = {text(one, "metadata", "name"): one for one in [*old, *([new] if new is not None else [])]}
        for scale in scales:
            known[scale.name] = self._scale(deployment, scale, known[scale.name])
        new = known.get(text(new, "metadata", "name")) if new is not None else None
        old = [known[text(one, "metadata", "name")] for one in old]
        if is_paused(deployment) or (
            not scaling and not scales and is_complete(deployment, mapping(deployment, "status"))
        ):
            self._forget(deployment, old)
        everything = [*old, *([new] if new is not None else [])]
        status = rollout_status(deployment, everything, new, self.clock.stamp(), only_count=scaling)
        self._write_status(deployment, status)
        self._watch_deadline(key)

    # -- ReplicaSets -----------------------------------------------------------------------------------

    @staticmethod
    def _new_and_old(deployment: Object, sets: Sequence[Object]) -> tuple[Object | None, list[Object]]:
        """The oldest set of the present template, and the others (FindNewReplicaSet)."""
        template = mapping(deployment, "spec", "template")
        ordered = sorted(sets, key=lambda s: (text(s, "metadata", "creationTimestamp"), text(s, "metadata", "name")))
        new = next((s for s in ordered if same_template(mapping(s, "spec", "template"), template)), None)
        return new, [s for s in ordered if s is not new]

    def _size(self, deployment: Object, replica_set: Object) -> Size:
        notes = mapping(replica_set, "metadata", "annotations")
        pods = integer(replica_set, "status", "replicas") or 0
        if uses_recreate(deployment):  # it waits for the last Pod to be over, not only to be asked to go
            members = self.pods.of(text(replica_set, "metadata", "uid"))
            there = [
                pod for pod in members.pods.values() if text(pod, "status", "phase") not in ("Failed", "Succeeded")
            ]
            pods = max(pods, len(there))
        return Size(
            name=text(replica_set, "metadata", "name"),
            desired=replicas_of(replica_set),
            available=integer(replica_set, "status", "availableReplicas") or 0,
            pods=pods,
            age=self.sets.age(replica_set),
            wanted=_number(text(notes, DESIRED)),
            limit=_number(text(notes, MOST)),
            revision=revision_of(replica_set),
        )

    def _is_scaling(self, deployment: Object, sets: Sequence[Object]) -> bool:
        """isScalingEvent."""
        wanted = (_number(text(s, "metadata", "annotations", DESIRED)) for s in sets if replicas_of(s) > 0)
        return any(number is not None and number != replicas_of(deployment) for number in wanted)

    def _number(self, deployment: Object, new: Object, old: Sequence[Object]) -> tuple[Object, Object]:
        """The new ReplicaSet's annotations and minReadySeconds follow the Deployment (getNewReplicaSet)."""
        before = mapping(new, "metadata", "annotations")
        notes = new_set_annotations(deployment, before, max_revision(old) + 1, exists=True)
        seconds = min_ready_seconds(deployment)
        if notes != before or min_ready_seconds(new) != seconds:
            changed = replaced(new, "metadata", "annotations", value=notes)
            changed = replaced(changed, "spec", "minReadySeconds", value=seconds or None)
            return self.api.replace(changed), deployment
        deployment = self._set_revision(deployment, text(notes, REVISION))
        if not condition(deployment, "Progressing") and progress_deadline(deployment) != 2**31 - 1:
            said = "True", "FoundNewReplicaSet", f'Found new replica set "{text(new, "metadata", "name")}"'
            deployment = self._with_progress(deployment, *said)
        return new, deployment

    def _set_revision(self, deployment: Object, revision: str) -> Object:
        if text(deployment, "metadata", "annotations", REVISION) == revision:
            return deployment
        return self.api.replace(replaced(deployment, "metadata", "annotations", REVISION, value=revision))

    def _with_progress(self, deployment: Object, status: str, reason: str, message: str) -> Object:
        before = listed(deployment, "status", "conditions")
        conditions = with_condition(before, "Progressing", status, reason, message, self.clock.stamp())
        return self._write_status(deployment, {**mapping(deployment, "status"), "conditions": conditions})

    def _create(self, deployment: Object, old: Sequence[Object]) -> tuple[Object | None, Object]:
        """Make the ReplicaSet of the present template."""
        template = mapping(deployment, "spec", "template")
        mark = template_hash(template, integer(deployment, "status", "collisionCount"))
        name = f"{text(deployment, 'metadata', 'name')[: _LONGEST_NAME - 1 - len(mark)]}-{mark}"
        labels = {**mapping(template, "metadata", "labels"), "pod-template-hash": mark}
        selector = mapping(deployment, "spec", "selector")
        sizes = [self._size(deployment, one) for one in old]
        count = new_replica_set_size(
            rollout_bounds(deployment), Size(name, 0), sizes, recreate=uses_recreate(deployment)
        )
        spec: dict[str, Any] = {
            "replicas": count,
            **({"minReadySeconds": seconds} if (seconds := min_ready_seconds(deployment)) else {}),
            "selector": {**selector, "matchLabels": {**mapping(selector, "matchLabels"), "pod-template-hash": mark}},
            "template": {**template, "metadata": {**mapping(template, "metadata"), "labels": labels}},
        }
        revision = max_revision(old) + 1
        made = {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": name,
                "namespace": text(deployment, "metadata", "namespace"),
                "labels": labels,
                "annotations": new_set_annotations(deployment, {}, revision, exists=False),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": spec,
        }
        try:
            created = self.api.create(made)
        except Refused as refusal:
            self._not_created(deployment, name, refusal)
            raise
        if count:
            said = f"Scaled up replica set {name} from 0 to {count}"
            self.cluster.event(deployment, "Normal", "ScalingReplicaSet", said, _COMPONENT)
        deployment = self._set_revision(deployment, str(revision))
        if progress_deadline(deployment) != 2**31 - 1:
            said = f'Created new replica set "{name}"'
            deployment = self._with_progress(deployment, "True", "NewReplicaSetCreated", said)
        return created, deployment

    def _not_created(self, deployment: Object, name: str, refusal: Refused) -> None:
        """A name that is taken by another template is counted, so that the next hash is another one."""
        if refusal.reason == "AlreadyExists":
            count = (integer(deployment, "status", "collisionCount") or 0) + 1
            self._write_status(deployment, {**mapping(deployment, "status"), "collisionCount": count})
            return
        said = f'Failed to create new replica set "{name}": {refusal}'
        self._with_progress(deployment, "False", "ReplicaSetCreateError", said)
        self.cluster.event(deployment, "Warning", "ReplicaSetCreateError", said, _COMPONENT)

    def _scale(self, deployment: Object, scale: Scale, replica_set: Object) -> Object:
        notes = {**mapping(replica_set, "metadata", "annotations"), **scale_annotations(deployment)}
        changed = replaced(replica_set, "metadata", "annotations", value=notes)
        written = self.api.replace(replaced(changed, "spec", "replicas", value=scale.after))
        if scale.before != scale.after:
            way = "up" if scale.after > scale.before else "down"
            said = f"Scaled {way} replica set {scale.name} from {scale.before} to {scale.after}"
            self.cluster.event(deployment, "Normal", "ScalingReplicaSet", said, _COMPONENT)
        return written

    def _forget(self, deployment: Object, old: Sequence[Object]) -> None:
        """cleanupDeployment."""
        living = [one for one in old if not is_terminating(one)]
        seen = {
            text(one, "metadata", "name")
            for one in living
            if (integer(one, "metadata", "generation") or 0) <= (integer(one, "status", "observedGeneration") or 0)
        }
        for name in old_to_forget([self._size(deployment, one) for one in living], history_limit(deployment)):
            if name in seen:
                self.api.delete("ReplicaSet", name, text(deployment, "metadata", "namespace"))

    # -- status ----------------------------------------------------------------------------------------

    def _write_status(self, deployment: Object, status: Mapping[str, Any]) -> Object:
        if status == mapping(deployment, "status"):
            return deployment
        return self.api.replace({**deployment, "status": dict(status)}, subresource="status")

    def _watch_deadline(self, key: Key) -> None:
        deployment = self.api.find("Deployment", key[1], key[0])
        after = seconds_to_deadline(deployment, self.clock.stamp()) if deployment is not None else None
        if after is not None:
            self.enqueue(key, after, background=True)


def _number(written: str) -> int | None:
    return int(written) if written.isdecimal() and len(written) < 10 else None
