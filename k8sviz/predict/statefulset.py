"""Predicts what a StatefulSet does, over time, when people change it: a History like a recorded one.

It asks the simulated cluster: what people do is done there, one after the other, to Pods that need a volume, time to be
ready and time to stop, and that may fail. The same question has the same answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object
from k8sviz.kinds import Ref
from k8sviz.predict.stand import Stand, countable
from k8sviz.rules.binding import claim_class, default_storage_class, requested_storage
from k8sviz.rules.fields import integer, listed, strings, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.objects import flattened
from k8sviz.rules.statefulset import REVISION_LABEL, Plan, as_stored, next_acts, ordinal_of
from k8sviz.rules.statefulset_objects import member_of
from k8sviz.words import say

__all__ = ["Action", "StatefulPrediction", "predict_statefulset", "stateful_prediction_text", "statefulset_among"]

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
    run = _Run(manifests, ready_after, stop_after, frozenset(failing), volumes)
    run.stand.cluster.run(0.5)
    run.act(Action("apply", manifests))
    for action in actions:
        if action.at is not None:
            run.stand.clock.run(action.at)
        else:
            run.stand.settle()
            run.stand.cluster.run(tail)
        run.act(action)
    return run.finish(tail)


class _Run:
    """Actions done to a simulated cluster, one after the other, and what its StatefulSet controller did."""

    def __init__(
        self,
        manifests: Sequence[object],
        ready_after: float,
        stop_after: float | None,
        failing: frozenset[int],
        volumes: int | None,
    ) -> None:
        first = statefulset_among(manifests)
        countable([first])
        self.ref = Ref(
            "StatefulSet", text(first, "metadata", "name"), text(first, "metadata", "namespace") or "default"
        )
        self.volumes = volumes
        self.steps = 0
        self.given = 0
        self.moves: list[tuple[float, str, int, str]] = []
        self._stopped: set[str] = set()
        self.stand = Stand(self.ref.namespace, lambda _: ready_after, stop_after)
        self.stand.failing |= {self._name(ordinal) for ordinal in failing}
        self.api = self.stand.api
        self.api.subscribe(self._seen)
        self.stand.around(manifests, first)
        self._provide(first)

    # -- what people do ------------------------------------------------------------------------------

    def act(self, action: Action) -> None:
        """Do one action now, as a step of the History. Raises K8svizError for one that cannot be done."""
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

    def _step(self, name: str, command: str) -> None:
        known = {step.id for step in self.stand.history.steps}
        self.stand.step(name if name not in known else f"{name}-{self.steps}", command)

    def _apply(self, value: Any) -> None:
        manifests = [value] if isinstance(value, Mapping) else list(value)
        wanted = statefulset_among(manifests)
        countable([wanted])
        self._step("apply", f"kubectl apply -f {self.ref.name}.yaml")
        self.stand.around(manifests, wanted)
        self.stand.apply(as_stored(wanted))

    def _rescale(self, value: Any) -> None:
        self._step(f"scale-to-{value}", f"kubectl scale statefulset {self.ref.name} --replicas={value}")
        countable([{"spec": {"replicas": int(value)}}])
        self.api.patch(*self.ref, {"spec": {"replicas": int(value)}}, type="merge")

    def _break(self, value: Any) -> None:
        self._step(f"break-{self.ref.name}-{value}", f"# {self.ref.name}-{value} fails its readiness probe")
        self.stand.failing.add(self._name(int(value)))
        self._probe(int(value), ready=False)

    def _heal(self, value: Any) -> None:
        self._step(f"heal-{self.ref.name}-{value}", f"# {self.ref.name}-{value} passes its readiness probe again")
        self.stand.failing.discard(self._name(int(value)))
        self._probe(int(value), ready=True)

    def _probe(self, ordinal: int, *, ready: bool) -> None:
        pod = self._pod(ordinal)
        if text(pod, "status", "phase") == "Running":
            self.stand.set_ready(pod, ready=ready)

    def _name(self, ordinal: int) -> str:
        return f"{self.ref.name}-{ordinal}"

    def _pod(self, ordinal: int) -> Object:
        pod = self.api.find("Pod", self._name(ordinal), self.ref.namespace)
        if pod is None:
            raise K8svizError(f"there is no Pod {self._name(ordinal)} at {self.stand.clock.now:.1f} s")
        return pod

    def _delete_pod(self, value: Any) -> None:
        pod = self._pod(int(value))
        self._step(f"delete-{self.ref.name}-{value}", f"kubectl delete pod {self.ref.name}-{value}")
        self.api.delete("Pod", text(pod, "metadata", "name"), self.ref.namespace)

    def _delete(self, _: Any) -> None:
        if self._set() is not None:
            self._step("delete", f"kubectl delete statefulset {self.ref.name}")
            self.api.delete(*self.ref)

    # -- volumes -------------------------------------------------------------------------------------

    def _provide(self, statefulset: Mapping[str, Any]) -> None:
        """What the claims ask for: classes with a provisioner, or a number of volumes that fit."""
        if self.volumes is not None:
            self._give(statefulset, self.volumes)
            return
        for template in listed(statefulset, "spec", "volumeClaimTemplates"):
            name = claim_class(template)
            default = default_storage_class(self.api.list("StorageClass"))
            if name == "" or (name is None and default is not None):
                continue
            notes = {"storageclass.kubernetes.io/is-default-class": "true"} if name is None else {}
            self.stand.make(
                {
                    "apiVersion": "storage.k8s.io/v1",
                    "kind": "StorageClass",
                    "metadata": {"name": name or "standard", "annotations": notes},
                    "provisioner": "rancher.io/local-path",
                    "volumeBindingMode": "WaitForFirstConsumer",
                }
            )

    def _give(self, statefulset: Mapping[str, Any], count: int) -> None:
        """So many volumes as the first claim template asks for."""
        template = next(iter(listed(statefulset, "spec", "volumeClaimTemplates")), {})
        for _ in range(count):
            name = f"pv-{self.given}"
            self.given += 1
            self.stand.make(
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolume",
                    "metadata": {"name": name},
                    "spec": {
                        "capacity": {"storage": str(requested_storage(template)) if template else "1Gi"},
                        "accessModes": strings(template, "spec", "accessModes") or ["ReadWriteOnce"],
                        "storageClassName": claim_class(template) or "",
                        "volumeMode": text(template, "spec", "volumeMode") or "Filesystem",
                        "hostPath": {"path": f"/tmp/{name}"},  # noqa: S108 - a name in a manifest, no file
                    },
                }
            )

    def _add_volume(self, value: Any) -> None:
        self._step("add-volume", "kubectl apply -f pv.yaml")
        self._give(self._set() or {}, int(value or 1))

    # -- what happened -------------------------------------------------------------------------------

    def _set(self) -> Object | None:
        return self.api.find(*self.ref)

    def _ordinal(self, pod: Mapping[str, Any]) -> int:
        found = ordinal_of(text(pod, "metadata", "name"), self.ref.name)
        return -1 if found is None else found

    def _seen(self, change: str, obj: Object) -> None:
        """Note each start and stop of a Pod of the set."""
        if obj["kind"] != "Pod" or self._ordinal(obj) < 0:
            return
        uid = obj["metadata"]["uid"]
        if change == "ADDED":
            self._note("start", obj)
        elif is_terminating(obj) and uid not in self._stopped:
            self._stopped.add(uid)
            self._note("stop", obj)

    def _note(self, verb: str, pod: Object) -> None:
        revision = text(pod, "metadata", "labels", REVISION_LABEL)
        self.moves.append((round(self.stand.clock.now, 3), verb, self._ordinal(pod), revision))

    def _plan(self) -> Plan:
        """What the controller does and waits for, as all is now."""
        found = self._set()
        if found is None:
            return Plan()
        now = self.stand.clock.start.timestamp() + self.stand.clock.now
        members = [member_of(found, pod, now) for pod in self.api.owned(found, "Pod")]
        current, update = text(found, "status", "currentRevision"), text(found, "status", "updateRevision")
        return next_acts(found, members, current, update, integer(found, "status", "currentReplicas") or 0)

    def finish(self, tail: float) -> StatefulPrediction:
        """Let it come to rest."""
        self.stand.settle()
        history = self.stand.history
        history.end = round(max(history.end, self.stand.clock.now) + tail, 3)
        return StatefulPrediction(history, self.ref, tuple(self.moves), self._plan())
