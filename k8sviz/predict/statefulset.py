"""Predicts what a StatefulSet does, over time, when people change it: a History like a recorded one.

The controller's rules are in `k8sviz/rules/statefulset.py`; here is what they act on: Pods that need a volume, time to
be ready and time to stop, and that may fail. Nothing is random: the same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object
from k8sviz.kinds import Ref
from k8sviz.predict._cluster import NODES, Cluster, countable
from k8sviz.rules.availability import available_from, epoch, is_terminating
from k8sviz.rules.deployment import min_ready_seconds, same_template
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.objects import flattened
from k8sviz.rules.pods import is_ready
from k8sviz.rules.statefulset import (
    REVISION_LABEL,
    Member,
    Plan,
    as_stored,
    claim_name,
    next_acts,
    ordinal_of,
    replicas_of,
    retention_policy,
    start_ordinal,
    updates_on_delete,
)
from k8sviz.words import say

__all__ = ["Action", "StatefulPrediction", "predict_statefulset", "stateful_prediction_text", "statefulset_among"]

_SYNC: Final = 0.02
_GRACE: Final = 30
_PROVISION: Final = 1.0  # seconds that a provisioner takes for a volume; the recorded ones took two to four
Verb = Literal["apply", "scale", "break", "heal", "delete-pod", "add-volume", "delete"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something that a person does, or that befalls a Pod.

    apply: `value` is the StatefulSet (or manifests with one among them) · scale: replicas · break, heal, delete-pod: an
    ordinal · add-volume: how many · delete: nothing. `at` is in seconds; None: when everything before it has settled.
    """

    verb: Verb
    value: Any = None
    at: float | None = None


@dataclass(frozen=True)
class StatefulPrediction:
    """What would happen: the History, the order of starts and stops, and what is waited for at the end."""

    history: History
    ref: Ref
    moves: tuple[tuple[float, str, int, str], ...]
    waits: Plan

    def to_json(self) -> dict[str, Any]:
        """`order` [{t, do, pod, revision}], and `waitsFor` {pod, why} or null."""
        return {
            "statefulset": self.ref.name,
            "order": [
                {"t": t, "do": verb, "pod": f"{self.ref.name}-{ordinal}", "revision": revision}
                for t, verb, ordinal, revision in self.moves
            ],
            "waitsFor": None
            if self.waits.waits_for is None
            else {"pod": f"{self.ref.name}-{self.waits.waits_for}", "why": self.waits.why},
        }


def stateful_prediction_text(prediction: StatefulPrediction) -> str:
    """The prediction in words: what starts and stops in which order, and what is waited for at the end."""
    name = prediction.ref.name
    numbers: dict[str, int] = {}
    lines = [say("stateful.predict.title", what=prediction.ref)]
    for t, verb, ordinal, revision in prediction.moves:
        number = numbers.setdefault(revision, len(numbers) + 1)
        lines.append("  " + say(f"stateful.predict.{verb}", t=f"{t:.1f}", pod=f"{name}-{ordinal}", revision=number))
    waits = prediction.waits
    if waits.waits_for is None:
        return "\n".join([*lines, say("stateful.predict.settled")])
    return "\n".join([*lines, say(f"stateful.wait.{waits.why}", pod=f"{name}-{waits.waits_for}")])


def statefulset_among(manifests: Iterable[object]) -> Mapping[str, Any]:
    """The one StatefulSet among some manifests. Raises K8svizError when there is none, or more than one."""
    found = [thing for thing in flattened(manifests) if text(thing, "kind") == "StatefulSet"]
    if len(found) != 1:
        names = ", ".join(text(s, "metadata", "name") for s in found) or "none"
        raise K8svizError(f"one StatefulSet is predicted at a time; found: {names}")
    return found[0]


def predict_statefulset(
    first: Mapping[str, Any] | Sequence[object],
    actions: Sequence[Action] = (),
    *,
    ready_after: float = 1.0,
    stop_after: float | None = None,
    failing: Iterable[int] = (),
    volumes: int | None = None,
    tail: float = 1.0,
) -> StatefulPrediction:
    """What happens when a StatefulSet is created, and then these actions follow one another.

    `ready_after` is the seconds from a Pod's start to Ready, `failing` are ordinals that never get Ready until they
    are healed, `stop_after` is how long a Pod needs to go, by default its terminationGracePeriodSeconds (30).
    `volumes` is how many PersistentVolumes there are for claims (None: a provisioner makes them). Raises K8svizError
    when there is no StatefulSet, or an action is about something that does not exist.

    >>> set_ = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
    ...         "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "db"}}, "serviceName": "db",
    ...                  "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": []}}}}
    >>> prediction = predict_statefulset(set_, [Action("scale", 1)], stop_after=1)
    >>> [f"{verb} {ordinal}" for _, verb, ordinal, _ in prediction.moves]
    ['start 0', 'start 1', 'stop 1']
    """
    manifests = [first] if isinstance(first, Mapping) else list(first)
    run = _Run(statefulset_among(manifests), ready_after, stop_after, frozenset(failing), volumes)
    run.cluster.run(0.5)
    run.act(Action("apply", manifests))
    for action in actions:
        run.cluster.run(action.at)
        if action.at is None:
            run.cluster.run(run.cluster.now + tail)
        run.act(action)
    return run.finish(tail)


class _Run:
    """The StatefulSet controller, a volume binder and a kubelet, each looking at the cluster."""

    def __init__(
        self,
        statefulset: Mapping[str, Any],
        ready_after: float,
        stop_after: float | None,
        failing: frozenset[int],
        volumes: int | None,
    ) -> None:
        self.name = text(statefulset, "metadata", "name") or "statefulset"
        self.cluster = Cluster("prediction", "", text(statefulset, "metadata", "namespace") or "default")
        self.ready_after = ready_after
        self.stop_after = stop_after
        self.failing = set(failing)
        self.volumes = volumes
        self.steps = 0
        self.revisions: list[tuple[str, Mapping[str, Any]]] = []
        self.moves: list[tuple[float, str, int, str]] = []
        self.last = Plan()
        self._planned = False
        self.cluster.watch(self._changed)

    # -- what people do ------------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        """Do one action now, as a step of the History."""
        self.steps += 1
        do = {
            "apply": self._apply,
            "scale": self._rescale,
            "break": self._break,
            "heal": self._heal,
            "delete-pod": self._delete_pod,
            "add-volume": self._add_volume,
            "delete": self._delete,
        }.get(action.verb)
        if do is None:
            raise K8svizError(f"unknown action {action.verb!r}")
        do(action.value)
        self._plan()

    def _step(self, name: str, command: str) -> None:
        known = {step.id for step in self.cluster.history.steps}
        self.cluster.step(name if name not in known else f"{name}-{self.steps}", command)

    def _apply(self, value: Any) -> None:
        manifests = [value] if isinstance(value, Mapping) else list(value)
        wanted = as_stored(statefulset_among(manifests))
        self._step("apply", f"kubectl apply -f {self.name}.yaml")
        for thing in flattened(manifests):
            if (
                text(thing, "kind") == "Service"
                and self.cluster.find("Service", text(thing, "metadata", "name")) is None
            ):
                self.cluster.publish(self.cluster.add(thing))
        if self._set() is None:
            self.cluster.add({**wanted, "status": {}})
        else:
            gone = {key: None for key in mapping(self._set(), "spec") if key not in mapping(wanted, "spec")}
            self.cluster.change("StatefulSet", self.name, spec={**gone, **mapping(wanted, "spec")})
        self._retain()

    def _rescale(self, value: Any) -> None:
        self._step(f"scale-to-{value}", f"kubectl scale statefulset {self.name} --replicas={value}")
        self.cluster.change("StatefulSet", self.name, spec={"replicas": int(value)})

    def _break(self, value: Any) -> None:
        self._step(f"break-{self.name}-{value}", f"# {self.name}-{value} fails its readiness probe")
        self.failing.add(int(value))
        self._probe(int(value), False)

    def _heal(self, value: Any) -> None:
        self._step(f"heal-{self.name}-{value}", f"# {self.name}-{value} passes its readiness probe again")
        self.failing.discard(int(value))
        self._probe(int(value), True)

    def _probe(self, ordinal: int, ready: bool) -> None:
        pod = self._pod(ordinal)
        if text(pod, "status", "phase") == "Running":
            self.cluster.set_ready(text(pod, "metadata", "name"), text(pod, "metadata", "uid"), ready)

    def _pod(self, ordinal: int) -> Object:
        pod = self.cluster.find("Pod", f"{self.name}-{ordinal}")
        if pod is None:
            raise K8svizError(f"there is no Pod {self.name}-{ordinal} at {self.cluster.now:.1f} s")
        return pod

    def _delete_pod(self, value: Any) -> None:
        pod = self._pod(int(value))
        self._step(f"delete-{self.name}-{value}", f"kubectl delete pod {self.name}-{value}")
        self._stop(pod)

    def _add_volume(self, value: Any) -> None:
        self._step("add-volume", "kubectl apply -f pv.yaml")
        self.volumes = (self.volumes or 0) + int(value or 1)
        for claim in self.cluster.all("PersistentVolumeClaim"):
            self._bind(text(claim, "metadata", "name"))

    def _delete(self, _: Any) -> None:
        """The garbage collector follows the owners: all Pods at once, and claims where the policy says so."""
        found = self._set()
        if found is None:
            return
        self._step("delete", f"kubectl delete statefulset {self.name}")
        pods = self.cluster.owned(found, "Pod")
        claims = self.cluster.owned(found, "PersistentVolumeClaim")
        self.cluster.delete("StatefulSet", self.name)
        for pod in sorted(pods, key=lambda p: -self._ordinal(p)):
            self._stop(pod)
        for claim in claims:
            self._drop_claim(text(claim, "metadata", "name"))

    def finish(self, tail: float) -> StatefulPrediction:
        c = self.cluster
        c.run()
        c.history.end = round(max(c.history.end, c.now) + tail, 3)
        ref = Ref("StatefulSet", self.name, c.namespace)
        return StatefulPrediction(c.history, ref, tuple(self.moves), self.last)

    # -- the controller --------------------------------------------------------------------------------

    def _set(self) -> Object | None:
        return self.cluster.find("StatefulSet", self.name)

    def _ordinal(self, pod: Object) -> int:
        return ordinal_of(text(pod, "metadata", "name"), self.name) or 0

    def _changed(self, change: str, obj: Object) -> None:
        kind = text(obj, "kind")
        if kind == "Pod":
            for service in self.cluster.all("Service"):
                self.cluster.publish(service)
            if change == "DELETED":
                self._orphans(obj)
        if kind in ("Pod", "PersistentVolumeClaim"):
            self._plan()

    def _plan(self) -> None:
        if not self._planned:
            self._planned = True
            self.cluster.later(_SYNC, self._sync)

    def _sync(self) -> None:
        """updateStatefulSet: look at the Pods, do what the rules say, write the status."""
        self._planned = False
        found = self._set()
        if found is None:
            return
        countable(found)
        update = self._revision(mapping(found, "spec", "template"))
        current = text(found, "status", "currentRevision") or update
        pods = self.cluster.owned(found, "Pod")
        members = [self._member(p, min_ready_seconds(found)) for p in pods]
        kept = integer(found, "status", "currentReplicas") or 0
        self._status(found, members, current, update)
        self._retain()
        plan = self.last = next_acts(found, members, current, update, kept)
        for act in plan.acts:
            if act.verb == "create":
                self._create(found, act.ordinal, act.revision)
            else:
                self._stop(self._pod(act.ordinal))
        if plan.acts:
            self._plan()

    def _member(self, pod: Object, wait: int) -> Member:
        ready = is_ready(pod) and text(pod, "status", "phase") == "Running"
        since = available_from(pod, wait) if ready else None
        now = (epoch(self.cluster.stamp()) or 0.0) + 0.001
        if since is not None and since > now:
            self.cluster.later(since - now + 0.002, self._plan)
        available = since is not None and since <= now
        return Member(
            self._ordinal(pod), text(pod, "metadata", "labels", REVISION_LABEL), ready, available, is_terminating(pod)
        )

    def _revision(self, template: Mapping[str, Any]) -> str:
        """The name of the template's ControllerRevision; an earlier one that is the same is used again."""
        for name, known in self.revisions:
            if same_template(known, template):
                return name
        name = f"{self.name}-{self.cluster.hash_of(template)}"
        self.revisions.append((name, template))
        self.cluster.add(
            {
                "apiVersion": "apps/v1",
                "kind": "ControllerRevision",
                "metadata": {"name": name},
                "revision": len(self.revisions),
                "data": {"spec": {"template": template}},
            }
        )
        return name

    def _status(self, found: Object, members: Sequence[Member], current: str, update: str) -> None:
        """Counts, and the end of an update (updateStatus, completeRollingUpdate)."""
        living = [m for m in members if not m.terminating]
        updated = sum(m.revision == update for m in living)
        ready = sum(m.ready for m in members)
        if not updates_on_delete(found) and updated == len(members) == ready == replicas_of(found):
            current = update
        self.cluster.change(
            "StatefulSet",
            self.name,
            status={
                "observedGeneration": integer(found, "metadata", "generation"),
                "replicas": len(members),
                "readyReplicas": ready,
                "availableReplicas": sum(m.available for m in members),
                "currentReplicas": sum(m.revision == current for m in living),
                "updatedReplicas": updated,
                "currentRevision": current,
                "updateRevision": update,
            },
        )

    # -- Pods ------------------------------------------------------------------------------------------

    def _create(self, found: Object, ordinal: int, revision: str) -> None:
        template = next((t for name, t in self.revisions if name == revision), mapping(found, "spec", "template"))
        name = f"{self.name}-{ordinal}"
        labels = {
            **mapping(template, "metadata", "labels"),
            REVISION_LABEL: revision,
            "apps.kubernetes.io/pod-index": str(ordinal),
            "statefulset.kubernetes.io/pod-name": name,
        }
        claims = [(text(t, "metadata", "name"), t) for t in listed(found, "spec", "volumeClaimTemplates")]
        for volume, wish in claims:
            self._make_claim(claim_name(volume, self.name, ordinal), wish, found)
        volumes = [
            {"name": v, "persistentVolumeClaim": {"claimName": claim_name(v, self.name, ordinal)}} for v, _ in claims
        ]
        self.moves.append((round(self.cluster.now, 3), "start", ordinal, revision))
        self.cluster.new_pod(
            name,
            {**template, "metadata": {**mapping(template, "metadata"), "labels": labels}},
            found,
            hostname=name,
            subdomain=text(found, "spec", "serviceName"),
            volumes=[*listed(template, "spec", "volumes"), *volumes],
        )
        self._schedule(name)

    def _schedule(self, name: str) -> None:
        """A Pod gets its node when its claims are bound."""
        pod = self.cluster.find("Pod", name)
        if pod is None or is_terminating(pod) or text(pod, "spec", "nodeName"):
            return
        names = [text(v, "persistentVolumeClaim", "claimName") for v in listed(pod, "spec", "volumes")]
        claims = [self.cluster.find("PersistentVolumeClaim", n) for n in names if n]
        if all(text(c, "status", "phase") == "Bound" for c in claims):
            ordinal, uid = self._ordinal(pod), text(pod, "metadata", "uid")
            late = None if ordinal in self.failing else self.ready_after
            self.cluster.later(0.01, lambda: self._start(name, uid, late, ordinal))

    def _start(self, name: str, uid: str, ready_after: float | None, ordinal: int) -> None:
        pod = self.cluster.find("Pod", name)
        if pod is not None and text(pod, "metadata", "uid") == uid and not text(pod, "spec", "nodeName"):
            self.cluster.start_pod(name, ready_after, NODES[ordinal % len(NODES)])

    def _stop(self, pod: Object) -> None:
        if is_terminating(pod):
            return
        revision = text(pod, "metadata", "labels", REVISION_LABEL)
        self.moves.append((round(self.cluster.now, 3), "stop", self._ordinal(pod), revision))
        grace = integer(pod, "spec", "terminationGracePeriodSeconds")
        late = self.stop_after if self.stop_after is not None else float(_GRACE if grace is None else grace)
        self.cluster.stop_pod(text(pod, "metadata", "name"), late)

    # -- claims and volumes ------------------------------------------------------------------------------

    def _make_claim(self, name: str, wish: Mapping[str, Any], found: Object) -> None:
        if self.cluster.find("PersistentVolumeClaim", name) is not None:
            return
        labels = mapping(found, "spec", "selector", "matchLabels")
        self.cluster.add(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "labels": labels},
                "spec": mapping(wish, "spec"),
                "status": {"phase": "Pending"},
            }
        )
        self.cluster.later(_PROVISION if self.volumes is None else 0.02, lambda: self._bind(name))

    def _bind(self, name: str) -> None:
        """Bind a claim to a volume of its own, if there is one to have."""
        claim = self.cluster.find("PersistentVolumeClaim", name)
        if claim is None or text(claim, "status", "phase") == "Bound":
            return
        used = len(self.cluster.all("PersistentVolume"))
        if self.volumes is not None and used >= self.volumes:
            return
        volume = f"pv-{name}" if self.volumes is None else f"pv-{used}"
        size = text(claim, "spec", "resources", "requests", "storage") or "1Gi"
        node = NODES[(ordinal_of(name, name.rpartition("-")[0]) or 0) % len(NODES)]
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        self.cluster.add(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": volume},
                "spec": {
                    "capacity": {"storage": size},
                    "claimRef": {"name": name, "namespace": self.cluster.namespace},
                    "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
                },
                "status": {"phase": "Bound"},
            },
            namespaced=False,
        )
        self.cluster.change(
            "PersistentVolumeClaim",
            name,
            spec={"volumeName": volume},
            status={"phase": "Bound", "capacity": {"storage": size}},
        )
        for pod in self.cluster.all("Pod"):
            self._schedule(text(pod, "metadata", "name"))

    def _retain(self) -> None:
        """persistentVolumeClaimRetentionPolicy as owners of claims: the set, or the Pod that is to go."""
        found = self._set()
        if found is None:
            return
        when_scaled, when_deleted = retention_policy(found)
        start = start_ordinal(found)
        wanted = range(start, start + replicas_of(found))
        for template in listed(found, "spec", "volumeClaimTemplates"):
            stem = f"{text(template, 'metadata', 'name')}-{self.name}"
            for claim in self.cluster.all("PersistentVolumeClaim"):
                name = text(claim, "metadata", "name")
                ordinal = ordinal_of(name, stem)
                if ordinal is None:
                    continue
                pod = self.cluster.find("Pod", f"{self.name}-{ordinal}")
                owner = found if when_deleted else None
                if when_scaled and ordinal not in wanted:
                    if pod is None:
                        continue
                    owner = pod
                refs = [self.cluster.owner_reference(owner)] if owner is not None else []
                if [text(r, "uid") for r in listed(claim, "metadata", "ownerReferences")] != [r["uid"] for r in refs]:
                    self.cluster.change("PersistentVolumeClaim", name, metadata={"ownerReferences": refs})

    def _orphans(self, pod: Object) -> None:
        """Claims that a Pod owned go with it."""
        for claim in self.cluster.owned(pod, "PersistentVolumeClaim"):
            self._drop_claim(text(claim, "metadata", "name"))

    def _drop_claim(self, name: str) -> None:
        """A claim is in use until no Pod names it; then it goes, and its provisioned volume with it."""
        claim = self.cluster.find("PersistentVolumeClaim", name)
        if claim is None:
            return
        if not is_terminating(claim):
            self.cluster.change("PersistentVolumeClaim", name, metadata={"deletionTimestamp": self.cluster.stamp()})
        users = [
            p
            for p in self.cluster.all("Pod")
            for v in listed(p, "spec", "volumes")
            if text(v, "persistentVolumeClaim", "claimName") == name
        ]
        if users:
            self.cluster.later(0.2, lambda: self._drop_claim(name))
            return
        volume = text(claim, "spec", "volumeName")
        self.cluster.delete("PersistentVolumeClaim", name)
        if volume and self.volumes is None:
            self.cluster.later(0.5, lambda: self.cluster.delete("PersistentVolume", volume))
