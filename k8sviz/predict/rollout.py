"""Predicts how a Deployment rolls out, over time: a History like a recorded one, so that the same pictures show it.

The Deployment and ReplicaSet controllers' rules are in `k8sviz/rules/deployment.py`; here is what they act on: Pods
that need time to be ready and to stop. Nothing is random: the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object
from k8sviz.kinds import Ref
from k8sviz.predict._cluster import Cluster, condition, countable, with_condition
from k8sviz.rules.availability import available_from, deletion_rank, epoch, is_active
from k8sviz.rules.deployment import (
    REVISION,
    Scale,
    Size,
    deployment_complete,
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
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.objects import flattened
from k8sviz.rules.pods import is_ready
from k8sviz.rules.rollout import RolloutBounds, rollout_bounds
from k8sviz.rules.statefulset import replicas_of
from k8sviz.words import say

__all__ = ["RolloutPrediction", "Scaling", "deployment_among", "predict_rollout", "rollout_prediction_text"]

_SYNC: Final = 0.03  # seconds that a controller needs to see a change, as in the recordings
_GRACE: Final = 30
_PATIENCE: Final = 60.0  # a deadline that is later than this is not waited for: the picture would be of nothing
_STUCK: Final = 8.0
_WANTED = "deployment.kubernetes.io/desired-replicas"
_LIMIT = "deployment.kubernetes.io/max-replicas"


@dataclass(frozen=True, slots=True)
class Scaling:
    """At `t` seconds a ReplicaSet went from `before` Pods to `after`; `new`: it is that of the last template."""

    t: float
    replica_set: str
    before: int
    after: int
    new: bool

    def to_json(self) -> dict[str, Any]:
        """The scaling as plain JSON."""
        return {
            "t": self.t,
            "replicaSet": "new" if self.new else "old",
            "name": self.replica_set,
            "from": self.before,
            "to": self.after,
        }


@dataclass(frozen=True)
class RolloutPrediction:
    """What would happen: the whole History, and the numbers of the last rollout in it.

    `begins` is when the last template came, `complete` when all its Pods were available (None: never).
    """

    history: History
    ref: Ref
    bounds: RolloutBounds
    begins: float
    complete: float | None
    scalings: tuple[Scaling, ...]

    @property
    def first(self) -> tuple[int, int]:
        """(new, old) Pods: how many new ones come at once, and how many old ones go before any new one is available."""
        new = next((s.after - s.before for s in self.scalings if s.new and s.after > s.before), 0)
        waited = self._before_any_is_ready()
        return new, sum(s.before - s.after for s in waited if not s.new)

    def _before_any_is_ready(self) -> list[Scaling]:
        ready = self._first_available()
        return [s for s in self.scalings if ready is None or s.t <= ready]

    def _first_available(self) -> float | None:
        """When a Pod of the last template first was available, by its ReplicaSet's status."""
        names = {s.replica_set for s in self.scalings if s.new}
        for name in names:
            for event in self.history.versions("ReplicaSet", name):
                if event.t >= self.begins and (integer(event.object, "status", "availableReplicas") or 0) > 0:
                    return event.t
        return None

    def to_json(self) -> dict[str, Any]:
        """`bounds` in Pods, `firstScaling` {newPods, oldPods}, `scalings`, and `seconds` to completion (or null)."""
        new, old = self.first
        b = self.bounds
        return {
            "deployment": self.ref.name,
            "bounds": {
                "replicas": b.replicas,
                "maxSurge": b.max_surge,
                "maxUnavailable": b.max_unavailable,
                "maxTotal": b.max_total,
                "minAvailable": b.min_available,
            },
            "firstScaling": {"newPods": new, "oldPods": old},
            "scalings": [s.to_json() for s in self.scalings],
            "complete": self.complete is not None,
            "seconds": None if self.complete is None else round(self.complete - self.begins, 3),
        }


def rollout_prediction_text(prediction: RolloutPrediction) -> str:
    """The prediction in words: the bounds, what comes and goes at once, each scaling, and how it ends."""
    b, (new, old) = prediction.bounds, prediction.first
    lines = [
        say(
            "rollout.predict.bounds",
            what=prediction.ref,
            replicas=b.replicas,
            surge=b.max_surge,
            unavailable=b.max_unavailable,
            most=b.max_total,
            least=b.min_available,
        ),
        say("rollout.predict.first", new=new, old=old),
    ]
    for s in prediction.scalings:
        code = "rollout.predict.new" if s.new else "rollout.predict.old"
        lines.append("  " + say(code, t=f"{s.t - prediction.begins:.1f}", before=s.before, after=s.after))
    if prediction.complete is None:
        return "\n".join([*lines, say("rollout.predict.never")])
    seconds = f"{prediction.complete - prediction.begins:.1f}"
    return "\n".join([*lines, say("rollout.predict.complete", seconds=seconds)])


def deployment_among(manifests: Iterable[object]) -> Mapping[str, Any]:
    """The one Deployment among some manifests. Raises K8svizError when there is none, or more than one."""
    found = [thing for thing in flattened(manifests) if text(thing, "kind") == "Deployment"]
    if len(found) != 1:
        names = ", ".join(text(d, "metadata", "name") for d in found) or "none"
        raise K8svizError(f"a rollout is predicted for one Deployment at a time; found: {names}")
    return found[0]


def predict_rollout(
    *versions: Mapping[str, Any] | Sequence[object],
    ready_after: float | Sequence[float | None] | None = 2.0,
    stop_after: float | None = None,
    begin_at: Sequence[float | None] = (),
    tail: float = 1.0,
) -> RolloutPrediction:
    """What happens when these versions of a Deployment are applied one after the other.

    Each version is a Deployment, or manifests with one among them (Services get their endpoints). `ready_after` is the
    seconds from a Pod's start to Ready, one for all or one a version; None means never: a bad version. `stop_after` is
    how long a Pod needs to go, by default its terminationGracePeriodSeconds (30). A version is applied at its
    `begin_at` seconds, or `tail` seconds after everything before it has settled. Raises K8svizError when a version has
    no Deployment, or they are of different ones.

    >>> def version(tag):
    ...     template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "image": tag}]}}
    ...     return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    ...             "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}}, "template": template}}
    >>> predict_rollout(version("web:1"), version("web:2"), stop_after=1).first
    (1, 1)
    """
    if not versions:
        raise K8svizError("nothing to predict; give a Deployment, and its next version")
    sets = [[v] if isinstance(v, Mapping) else list(v) for v in versions]
    deployments = [deployment_among(s) for s in sets]
    names = {text(d, "metadata", "name") for d in deployments}
    if len(names) != 1:
        raise K8svizError(f"these are different Deployments: {', '.join(sorted(names))}")
    waits = _waits(ready_after, len(sets))
    run = _Run(deployments[0], waits, stop_after)
    for i, (manifests, deployment) in enumerate(zip(sets, deployments, strict=True)):
        run.begin(begin_at[i] if i < len(begin_at) else None, tail if i else 0.5)
        run.apply(i, manifests, deployment)
    return run.finish(tail)


def _waits(ready_after: float | Sequence[float | None] | None, count: int) -> list[float | None]:
    if ready_after is None or isinstance(ready_after, int | float):
        return [ready_after] * count
    waits = list(ready_after)
    return (waits + waits[-1:] * count)[:count] if waits else [2.0] * count


class _Run:
    """The controllers at work: each method is one of them, looking at the cluster and doing its next step."""

    def __init__(self, deployment: Mapping[str, Any], waits: Sequence[float | None], stop_after: float | None) -> None:
        self.name = text(deployment, "metadata", "name") or "deployment"
        namespace = text(deployment, "metadata", "namespace") or "default"
        self.cluster = Cluster("prediction", "", namespace)
        self.waits = waits
        self.stop_after = stop_after
        self.templates: list[Mapping[str, Any]] = []
        self.scalings: list[Scaling] = []
        self.bounds = rollout_bounds(deployment)
        self.begins = 0.0
        self.complete: float | None = None
        self.progressed = 0.0
        self._planned = False
        self.cluster.watch(self._changed)

    # -- what people do ------------------------------------------------------------------------------

    def begin(self, at: float | None, pause: float) -> None:
        self.cluster.run(at)
        if at is None:
            self.cluster.run(self.cluster.now + pause)

    def apply(self, number: int, manifests: Sequence[object], deployment: Mapping[str, Any]) -> None:
        c = self.cluster
        template = mapping(deployment, "spec", "template")
        new = not self.templates or not same_template(self.templates[-1], template)
        self.templates.append(template)
        self.bounds = rollout_bounds(deployment)
        if new:
            self.begins, self.complete, self.scalings = c.now, None, []
        self.progressed = c.now
        c.step(f"apply-{number + 1}", f"kubectl apply -f {self.name}-{number + 1}.yaml")
        for thing in flattened(manifests):
            if text(thing, "kind") == "Service" and c.find("Service", text(thing, "metadata", "name")) is None:
                c.publish(c.add(thing))
        if c.find("Deployment", self.name) is None:
            c.add({**deployment, "status": {}})
        else:
            notes = {
                **mapping(c.find("Deployment", self.name), "metadata", "annotations"),
                **mapping(deployment, "metadata", "annotations"),
            }
            self.cluster.change("Deployment", self.name, metadata={"annotations": notes})
            self._replace_spec(deployment)
        self._plan()

    def _replace_spec(self, deployment: Mapping[str, Any]) -> None:
        """What is applied is the whole wish: a field that is left out is no longer asked for."""
        old = mapping(self.cluster.find("Deployment", self.name), "spec")
        gone = {key: None for key in old if key not in mapping(deployment, "spec")}
        self.cluster.change("Deployment", self.name, spec={**gone, **mapping(deployment, "spec")})

    def finish(self, tail: float) -> RolloutPrediction:
        c = self.cluster
        c.run()
        latest = c.now + _PATIENCE
        while (deadline := c.next_idle()) is not None and deadline <= latest:
            c.run(deadline)
            c.run()
        # a rollout that is stuck is looked at for a while
        c.history.end = round(max(c.history.end, c.now) + (tail if self.complete is not None else max(tail, _STUCK)), 3)
        ref = Ref("Deployment", self.name, c.namespace)
        begins = round(self.begins, 3)
        return RolloutPrediction(c.history, ref, self.bounds, begins, self.complete, tuple(self.scalings))

    # -- what the API server tells the controllers ------------------------------------------------------

    def _changed(self, _change: str, obj: Object) -> None:
        if text(obj, "kind") != "Pod":
            return
        for service in self.cluster.all("Service"):
            self.cluster.publish(service)
        owner = next((text(r, "name") for r in listed(obj, "metadata", "ownerReferences")), "")
        self.cluster.later(0.01, lambda: self._sync_set(owner))

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self.cluster.later(_SYNC, self._sync)

    # -- the Deployment controller ----------------------------------------------------------------------

    def _sync(self) -> None:
        """syncDeployment: make the new ReplicaSet, scale by the rules, write the status."""
        self._planned = False
        deployment = self.cluster.find("Deployment", self.name)
        if deployment is None:
            return
        new, old = self._sets(deployment)
        if new is None and may_create(deployment, [self._size(s) for s in old]):
            new = self._create(deployment, old)
        if new is not None:
            self._number(new, old)
        new, old = self._sets(deployment)
        sizes = [self._size(s) for s in old]
        scales = next_scaling(deployment, None if new is None else self._size(new), sizes)
        for scale in scales:
            self._scale(deployment, scale, new)
        self._status(deployment)
        if scales:
            self._plan()
        elif is_paused(deployment) or (new is not None and deployment_complete(deployment, self._size(new), sizes)):
            for name in old_to_forget(sizes, history_limit(deployment)):
                self.cluster.delete("ReplicaSet", name)

    def _sets(self, deployment: Object) -> tuple[Object | None, list[Object]]:
        template = mapping(deployment, "spec", "template")
        sets = self.cluster.owned(deployment, "ReplicaSet")
        new = next((s for s in sets if same_template(mapping(s, "spec", "template"), template)), None)
        return new, [s for s in sets if s is not new]

    def _size(self, replica_set: Object) -> Size:
        notes = mapping(replica_set, "metadata", "annotations")
        wanted, limit = text(notes, _WANTED), text(notes, _LIMIT)
        pods = [p for p in self.cluster.owned(replica_set, "Pod") if text(p, "status", "phase") != "Failed"]
        return Size(
            name=text(replica_set, "metadata", "name"),
            desired=replicas_of(replica_set),
            available=integer(replica_set, "status", "availableReplicas") or 0,
            pods=len(pods),
            age=int(text(replica_set, "metadata", "uid").rpartition("-")[2]),
            wanted=int(wanted) if wanted else None,
            limit=int(limit) if limit else None,
            revision=revision_of(replica_set),
        )

    def _create(self, deployment: Object, old: Sequence[Object]) -> Object:
        template = mapping(deployment, "spec", "template")
        mark = self.cluster.hash_of(template)
        name = f"{self.name}-{mark}"
        labels = {**mapping(template, "metadata", "labels"), "pod-template-hash": mark}
        bounds = rollout_bounds(deployment)
        count = new_replica_set_size(
            bounds, Size(name, 0), [self._size(s) for s in old], recreate=uses_recreate(deployment)
        )
        notes = {_WANTED: str(bounds.replicas), _LIMIT: str(bounds.max_total)}
        made = self.cluster.add(
            {
                "apiVersion": "apps/v1",
                "kind": "ReplicaSet",
                "metadata": {"name": name, "labels": labels, "annotations": notes},
                "spec": {
                    "replicas": count,
                    "minReadySeconds": min_ready_seconds(deployment),
                    "selector": {"matchLabels": labels},
                    "template": {**template, "metadata": {**mapping(template, "metadata"), "labels": labels}},
                },
                "status": {"replicas": 0},
            },
            owner=deployment,
        )
        self.progressed = self.cluster.now
        self._condition(deployment, "Progressing", "True", "NewReplicaSetCreated")
        self._note(deployment, Scale(name, 0, count), new=True)
        self.cluster.later(0.01, lambda: self._sync_set(name))
        return made

    def _number(self, new: Object, old: Sequence[Object]) -> None:
        """The new ReplicaSet's revision is the highest of the others and one (getNewReplicaSet)."""
        number = max((revision_of(s) or 0 for s in old), default=0) + 1
        before = revision_of(new)
        if before is None or before < number:
            notes = {**mapping(new, "metadata", "annotations"), REVISION: str(number)}
            if before is not None:
                key = f"{REVISION}-history"
                notes[key] = ",".join(part for part in (text(notes, key), str(before)) if part)
            self.cluster.change("ReplicaSet", text(new, "metadata", "name"), metadata={"annotations": notes})
        deployment = self.cluster.find("Deployment", self.name)
        shown = str(max(number, before or 0))
        notes = {**mapping(deployment, "metadata", "annotations"), REVISION: shown}
        self.cluster.change("Deployment", self.name, metadata={"annotations": notes})

    def _scale(self, deployment: Object, scale: Scale, new: Object | None) -> None:
        bounds = rollout_bounds(deployment)
        replica_set = self.cluster.find("ReplicaSet", scale.name)
        notes = {
            **mapping(replica_set, "metadata", "annotations"),
            _WANTED: str(bounds.replicas),
            _LIMIT: str(bounds.max_total),
        }
        self.cluster.change("ReplicaSet", scale.name, spec={"replicas": scale.after}, metadata={"annotations": notes})
        self.progressed = self.cluster.now
        self._note(deployment, scale, new=new is not None and text(new, "metadata", "name") == scale.name)
        self.cluster.later(0.01, lambda: self._sync_set(scale.name))

    def _note(self, deployment: Object, scale: Scale, *, new: bool) -> None:
        if scale.before == scale.after:
            return
        self.scalings.append(Scaling(round(self.cluster.now, 3), scale.name, scale.before, scale.after, new))
        way = "up" if scale.after > scale.before else "down"
        words = f"Scaled {way} replica set {scale.name} from {scale.before} to {scale.after}"
        self.cluster.event(deployment, "ScalingReplicaSet", words, "deployment-controller")

    def _status(self, deployment: Object) -> None:
        """Counts and conditions (syncRolloutStatus)."""
        new, old = self._sets(deployment)
        new_size = self._size(new) if new is not None else Size("", 0)
        sizes = [*map(self._size, old), new_size]
        ready = sum(integer(s, "status", "readyReplicas") or 0 for s in [*old, *([new] if new else [])])
        before = mapping(self.cluster.find("Deployment", self.name), "status")
        counts = {
            "replicas": sum(s.pods for s in sizes) - self._going(deployment),
            "updatedReplicas": self._active(new),
            "readyReplicas": ready,
            "availableReplicas": sum(s.available for s in sizes),
        }
        better = ("updatedReplicas", "readyReplicas", "availableReplicas")
        if any(counts[name] > (integer(before, name) or 0) for name in better):
            self.progressed = self.cluster.now
        generation = integer(self.cluster.find("Deployment", self.name), "metadata", "generation")
        self.cluster.change("Deployment", self.name, status={**counts, "observedGeneration": generation})
        available = counts["availableReplicas"] >= self.bounds.min_available
        self._condition(
            deployment,
            "Available",
            "True" if available else "False",
            "MinimumReplicasAvailable" if available else "MinimumReplicasUnavailable",
        )
        self._progress(deployment, counts)

    def _going(self, deployment: Object) -> int:
        sets = self.cluster.owned(deployment, "ReplicaSet")
        return sum(not is_active(p) for s in sets for p in self.cluster.owned(s, "Pod"))

    def _active(self, replica_set: Object | None) -> int:
        return sum(is_active(p) for p in self.cluster.owned(replica_set, "Pod")) if replica_set is not None else 0

    def _progress(self, deployment: Object, counts: Mapping[str, int]) -> None:
        if is_paused(deployment):
            self._condition(deployment, "Progressing", "Unknown", "DeploymentPaused")
            return
        wanted = replicas_of(deployment)
        if counts["updatedReplicas"] == counts["availableReplicas"] == counts["replicas"] == wanted:
            if self.complete is None:
                self.complete = round(self.cluster.now, 3)
            self._condition(deployment, "Progressing", "True", "NewReplicaSetAvailable")
            return
        deadline = progress_deadline(deployment)
        if self.cluster.now - self.progressed >= deadline - 1e-6:
            self._condition(deployment, "Progressing", "False", "ProgressDeadlineExceeded")
            return
        if self.cluster.now > self.begins + _SYNC * 1.5:
            self._condition(deployment, "Progressing", "True", "ReplicaSetUpdated")
        self.cluster.later(self.progressed + deadline - self.cluster.now, self._plan, idle=True)

    def _condition(self, deployment: Object, kind: str, status: str, reason: str) -> None:
        now = self.cluster.find("Deployment", self.name) or deployment
        new = condition(kind, status, self.cluster.stamp(), reason)
        conditions = with_condition(listed(now, "status", "conditions"), new)
        self.cluster.change("Deployment", self.name, status={"conditions": conditions})

    # -- the ReplicaSet controller ------------------------------------------------------------------------

    def _sync_set(self, name: str) -> None:
        """Make or delete Pods until there are as many as wanted; count those that are ready and available."""
        replica_set = self.cluster.find("ReplicaSet", name)
        if replica_set is None:
            return
        countable(replica_set)
        active = [p for p in self.cluster.owned(replica_set, "Pod") if is_active(p)]
        more = replicas_of(replica_set) - len(active)
        for _ in range(more):
            self._make_pod(replica_set)
        for pod in sorted(active, key=deletion_rank)[: max(0, -more)]:
            self.cluster.stop_pod(text(pod, "metadata", "name"), self._stop_time(pod))
        self._count(replica_set)

    def _make_pod(self, replica_set: Object) -> None:
        owner = text(replica_set, "metadata", "name")
        template = mapping(replica_set, "spec", "template")
        pod = self.cluster.new_pod(f"{owner}-{self.cluster.suffix(owner)}", template, replica_set)
        name = text(pod, "metadata", "name")
        number = next((i for i, t in enumerate(self.templates) if same_template(t, template)), len(self.waits) - 1)
        self.cluster.later(0.01, lambda: self.cluster.start_pod(name, self.waits[number]))

    def _stop_time(self, pod: Object) -> float:
        if self.stop_after is not None:
            return self.stop_after
        grace = integer(pod, "spec", "terminationGracePeriodSeconds")
        return float(_GRACE if grace is None else grace)

    def _count(self, replica_set: Object) -> None:
        name = text(replica_set, "metadata", "name")
        wait = min_ready_seconds(replica_set)
        pods = [p for p in self.cluster.owned(replica_set, "Pod") if is_active(p)]
        times = [t for p in pods if is_ready(p) and (t := available_from(p, wait)) is not None]
        now = (epoch(self.cluster.stamp()) or 0.0) + 0.001
        available = sum(t <= now for t in times)
        for t in times:
            if t > now:
                self.cluster.later(t - now + 0.002, lambda: self._sync_set(name))
        self.cluster.change(
            "ReplicaSet",
            name,
            status={"replicas": len(pods), "readyReplicas": sum(map(is_ready, pods)), "availableReplicas": available},
        )
        self._plan()
