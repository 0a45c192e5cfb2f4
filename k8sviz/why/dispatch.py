"""The way in: finds who can explain what is asked for, and keeps Secrets' values out of the answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8sviz.errors import K8svizError
from k8sviz.history import History, Object, Snapshot, Step, ref_of
from k8sviz.kinds import Ref, parse_ref
from k8sviz.rules.fields import text
from k8sviz.secrets.found import hider
from k8sviz.why.binding import BINDING
from k8sviz.why.budget import BUDGET
from k8sviz.why.case import Case, Matcher, Subject, event_fact, first_of
from k8sviz.why.config import CONFIG
from k8sviz.why.model import Explanation
from k8sviz.why.node import NODE
from k8sviz.why.pods import POD
from k8sviz.why.service import SERVICE
from k8sviz.why.steps import StepCase, explain_step
from k8sviz.why.storage import ATTACHMENT, CLAIM, CLASS, VOLUME
from k8sviz.why.workloads import DEPLOYMENT, REPLICA_SET, STATEFUL_SET
from k8sviz.words import say

__all__ = ["explain_snapshot", "why"]

_MATCHERS: dict[str, Sequence[Matcher]] = {
    "PersistentVolumeClaim": CLAIM,
    "PersistentVolume": VOLUME,
    "Pod": POD,
    "Node": NODE,
    "Deployment": DEPLOYMENT,
    "ReplicaSet": REPLICA_SET,
    "ReplicationController": REPLICA_SET,
    "StatefulSet": STATEFUL_SET,
    "Service": SERVICE,
    "PodDisruptionBudget": BUDGET,
    "VolumeAttachment": ATTACHMENT,
    "StorageClass": CLASS,
    "RoleBinding": BINDING,
    "ClusterRoleBinding": BINDING,
    "ConfigMap": CONFIG,
    "Secret": CONFIG,
}
_NEVER_ILL = ("ConfigMap", "Secret")  # their Pods are, when one is missing
_MOST_EVENTS = 5  # shown when the state is not understood


def why(history: History, t: float | None, what: Ref | Step | str) -> Explanation:
    """Why an object is in its state at `t` seconds (None: the newest), or why a step ended as it did.

    `what` is a Ref, KIND/NAME as kubectl writes it, a Step, or a step's id. Raises K8svizError that names the nearest
    for an object that is not there at `t` or an unknown step.
    """
    if isinstance(what, Step) or (isinstance(what, str) and "/" not in what):
        return _explain_step(history, history.step(what) if isinstance(what, str) else what)
    ref = what if isinstance(what, Ref) else parse_ref(what, history.about.namespace)
    snapshot = history.at(history.end if t is None else t)
    # a name without a namespace means the History's own; one that is nowhere but in another is meant all the same
    found = snapshot.find(ref) or (snapshot.get(ref.kind, ref.name) if isinstance(what, str) else None)
    return Explainer(snapshot, history).explain(found or snapshot.require(ref))


def _explain_step(history: History, step: Step) -> Explanation:
    if step.result is None:
        subject = Subject(None, say("why.step-words.subject", id=step.id))
        return subject.tell("step.running", say("why.step-state.running"), "waiting")
    explainer = Explainer(history.at(step.result.t), history)
    return explain_step(StepCase(step, step.result, history, explainer.explain_if_there, _hide(history)))


def explain_snapshot(snapshot: Snapshot) -> dict[Ref, Explanation]:
    """Everything that is not fine: errors, and what waits normally (`Explanation.error` tells them apart)."""
    explainer = Explainer(snapshot)
    found = {}
    for kind in (known for known in _MATCHERS if known not in _NEVER_ILL):
        for obj in snapshot.objects(kind):
            explanation = explainer.explain(obj)
            if not explanation.fine:
                found[ref_of(obj)] = explanation
    return found


class Explainer:
    """Explains the objects of one Snapshot, each once; an object within its own explanation is left out."""

    def __init__(
        self, snapshot: Snapshot, history: History | None = None, hide: Callable[[str], str] | None = None
    ) -> None:
        self._snapshot = snapshot
        self._history = history
        self._hide = hide or _hide(snapshot.history)
        self._above: Explainer | None = None
        self._is_above = hide is not None
        self._open: set[Ref] = set()
        self._told: dict[Ref, Explanation] = {}
        self._cuts = 0

    def explain(self, obj: Object) -> Explanation:
        ref = ref_of(obj)
        if ref in self._told:
            return self._told[ref]
        cuts = self._cuts
        explanation = self._explain(ref, obj)
        if self._cuts == cuts:  # else it lacks what was being explained around it
            self._told[ref] = explanation
        return explanation

    def _explain(self, ref: Ref, obj: Object) -> Explanation:
        case = Case(self._snapshot, obj, self._ask, self._history, self._hide, self._ask_above)
        self._open.add(ref)
        try:
            return first_of(case, _MATCHERS.get(ref.kind, ())) or _unknown(case)
        except K8svizError:  # a field that no rule can read, from a file
            return _unknown(case)
        finally:
            self._open.discard(ref)

    def explain_if_there(self, obj: Object | None) -> Explanation | None:
        return None if obj is None else self.explain(obj)

    def _ask(self, obj: Object | None) -> Explanation | None:
        if obj is None:
            return None
        if ref_of(obj) in self._open:
            self._cuts += 1
            return None
        return self.explain(obj)

    def _ask_above(self, obj: Object | None) -> Explanation | None:
        """What a controller says of itself, whole, although one of its Pods is being explained."""
        if obj is None or self._is_above:
            return None
        if ref_of(obj) in self._open:
            self._cuts += 1
            return None
        if self._above is None:
            self._above = Explainer(self._snapshot, self._history, self._hide)
        return self._above.explain(obj)


def _unknown(case: Case) -> Explanation:
    """Says that the state is not understood, and shows what is known."""
    state = text(case.obj, "status", "phase")
    proof = [case.fact("status", "phase"), *(event_fact(event) for event in case.events[:_MOST_EVENTS])]
    if not state and not case.events:
        return case.tell("object.no-state", say("why.state.there"), evidence=proof)
    return case.tell("object.unknown", state or say("why.state.unknown"), evidence=proof)


def _hide(history: History) -> Callable[[str], str]:
    return hider(history, say("why.text.hidden"))
