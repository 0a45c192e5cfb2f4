"""Predicts how a Deployment rolls out, over time: a History like a recorded one, so that the same pictures show it.

It asks the simulated cluster: the versions are applied there, one after the other. The same question has the same
answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object
from k8sviz.kinds import Ref
from k8sviz.predict.stand import Stand, countable
from k8sviz.rules.deployment import is_paused, same_template
from k8sviz.rules.deployment_status import is_complete, seconds_to_deadline
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.objects import flattened
from k8sviz.rules.rollout import RolloutBounds, rollout_bounds
from k8sviz.rules.statefulset import replicas_of
from k8sviz.words import say

__all__ = ["RolloutPrediction", "Scaling", "deployment_among", "predict_rollout", "rollout_prediction_text"]

_PATIENCE: Final = 60.0  # a deadline that is later than this is not waited for: the picture would be of nothing
_STUCK: Final = 8.0


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
    countable(deployments)
    run = _Run(deployments, _waits(ready_after, len(sets)), stop_after)
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
    """Versions applied to a simulated cluster, one after the other, and what it did."""

    def __init__(
        self, deployments: Sequence[Mapping[str, Any]], waits: Sequence[float | None], stop_after: float | None
    ) -> None:
        first = deployments[0]
        self.ref = Ref("Deployment", text(first, "metadata", "name"), text(first, "metadata", "namespace") or "default")
        self.templates = [mapping(d, "spec", "template") for d in deployments]
        self.waits = waits
        self.bounds = rollout_bounds(first)
        self.begins = 0.0
        self.applied = 0
        self.stand = Stand(self.ref.namespace, self._ready_after, stop_after)

    def _ready_after(self, pod: Object) -> float | None:
        """A Pod is as slow as the version that it is of: its labels and images tell."""
        for template, wait in zip(self.templates[: self.applied], self.waits, strict=False):
            if _looks(pod) == _looks(template) and _labels(template) <= _labels(pod):
                return wait
        return self.waits[max(0, self.applied - 1)]

    def begin(self, at: float | None, pause: float) -> None:
        if at is not None:
            self.stand.clock.run(at)
        else:
            self.stand.settle()
            self.stand.cluster.run(pause)

    def apply(self, number: int, manifests: Sequence[object], deployment: Mapping[str, Any]) -> None:
        template = self.templates[number]
        if number == 0 or not same_template(self.templates[number - 1], template):
            self.begins = self.stand.clock.now
        self.bounds = rollout_bounds(deployment)
        self.applied = number + 1
        self.stand.step(f"apply-{number + 1}", f"kubectl apply -f {self.ref.name}-{number + 1}.yaml")
        self.stand.around(manifests, deployment)
        self.stand.apply(deployment)

    def finish(self, tail: float) -> RolloutPrediction:
        self.stand.settle()
        self._wait_for_the_deadline()
        history, begins = self.stand.history, round(self.begins, 3)
        complete = self._complete(begins)
        # a rollout that is stuck is looked at for a while
        end = self.stand.clock.now + (tail if complete is not None else max(tail, _STUCK))
        history.end = round(max(history.end, end), 3)
        return RolloutPrediction(history, self.ref, self.bounds, begins, complete, tuple(self._scalings(begins)))

    def _wait_for_the_deadline(self) -> None:
        deployment = self.stand.api.get("Deployment", self.ref.name, self.ref.namespace)
        after = seconds_to_deadline(deployment, self.stand.clock.stamp())
        if after is not None and after <= _PATIENCE and not is_paused(deployment):
            self.stand.cluster.run(after + 1.0)
            self.stand.settle()

    def _complete(self, begins: float) -> float | None:
        """When the last template was all that runs."""
        for event in self.stand.history.versions(*self.ref[:2]):
            deployment = event.object
            if event.t < begins or is_paused(deployment) or not is_complete(deployment, mapping(deployment, "status")):
                continue
            if same_template(mapping(deployment, "spec", "template"), self._stored()):
                return round(event.t, 3)
        return None

    def _scalings(self, begins: float) -> list[Scaling]:
        found: list[tuple[int, Scaling]] = []
        for key in self.stand.history.refs("ReplicaSet"):
            before = 0
            for event in self.stand.history.versions(key.kind, key.name):
                after = 0 if event.type == "DELETED" else replicas_of(event.object)
                new = same_template(mapping(event.object, "spec", "template"), self._stored())
                if after != before and event.t >= begins:
                    order = int(text(event.object, "metadata", "resourceVersion"))
                    found.append((order, Scaling(round(event.t, 3), key.name, before, after, new)))
                before = after
        return [scaling for _, scaling in sorted(found, key=lambda row: row[0])]

    def _stored(self) -> Mapping[str, Any]:
        """The last template as the API server keeps it."""
        deployment = self.stand.api.get("Deployment", self.ref.name, self.ref.namespace)
        return mapping(deployment, "spec", "template")


def _labels(thing: Mapping[str, Any]) -> set[tuple[str, Any]]:
    return {(key, str(value)) for key, value in mapping(thing, "metadata", "labels").items()}


def _looks(thing: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """What tells one version's Pods from another's, whatever the API server has added."""
    parts = ("name", "image", "command", "args", "env", "envFrom")
    return [tuple(str(container.get(part)) for part in parts) for container in listed(thing, "spec", "containers")]
