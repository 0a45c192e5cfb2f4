"""Why a PodDisruptionBudget lets no Pod go, and whom that holds up: a drain waits for it.

Rule: pkg/controller/disruption (the numbers in its status), pkg/registry/core/pod/storage/eviction.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import is_active
from k8sviz.rules.fields import flag, integer, mapped, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.why.case import Case, Level, Matcher, called, condition, condition_fact, event_fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.reaching import is_manifest
from k8sviz.words import say

__all__ = ["BUDGET", "budgets_of", "holds"]

JSON = Mapping[str, Any]


def _covers(budget: JSON, pod: JSON) -> bool:
    selector = mapped(budget, "spec", "selector")
    same = text(budget, "metadata", "namespace") == text(pod, "metadata", "namespace")
    return same and selector is not None and matches(selector, labels_of(pod))


def budgets_of(case: Case, pod: JSON) -> list[Object]:
    """The budgets that cover a Pod."""
    home = text(pod, "metadata", "namespace")
    return [found for found in case.snapshot.objects("PodDisruptionBudget", namespace=home) if _covers(found, pod)]


def _pods(case: Case) -> list[Object]:
    pods = case.snapshot.objects("Pod", namespace=case.namespace or None)
    return [pod for pod in pods if _covers(case.obj, pod) and is_active(pod)]


def holds(budget: JSON) -> bool:
    """Whether the budget allows no disruption now."""
    return integer(budget, "status", "disruptionsAllowed") == 0 and bool(integer(budget, "status", "expectedPods"))


def _drained(case: Case) -> list[Object]:
    """The cordoned nodes that have Pods of the budget: a drain of them waits."""
    on = {text(pod, "spec", "nodeName") for pod in _pods(case)}
    nodes = [case.snapshot.get("Node", name) for name in sorted(on) if name]
    return [node for node in nodes if node is not None and flag(node, "spec", "unschedulable")]


def _told(case: Case) -> dict[str, Any]:
    unknown = say("why.text.unknown")

    def number(name: str) -> object:
        found = integer(case.obj, "status", name)
        return unknown if found is None else found

    drained = _drained(case)
    return {
        "allowed": number("disruptionsAllowed"),
        "healthy": number("currentHealthy"),
        "least": number("desiredHealthy"),
        "expected": number("expectedPods"),
        "pods": join(map(called, _pods(case))) or say("why.text.none"),
        "asks": _asks(case.obj),
        "drain": say("why.budget-words.drain", nodes=join(map(called, drained))) if drained else "",
        "name": case.name,
    }


def _asks(budget: JSON) -> str:
    for name in ("minAvailable", "maxUnavailable"):
        value = mapping(budget, "spec").get(name)
        if value is not None:
            return f"{name}: {value}"
    return say("why.text.none")


def _proof(case: Case) -> list[Evidence | None]:
    return [
        *fields(
            case.obj,
            ("spec", "minAvailable"),
            ("spec", "maxUnavailable"),
            ("status", "disruptionsAllowed"),
            ("status", "currentHealthy"),
            ("status", "desiredHealthy"),
            ("status", "expectedPods"),
        ),
        condition_fact(case.obj, "DisruptionAllowed"),
        *map(event_fact, case.events_with("NoPods", "UnmanagedPods", "CalculateExpectedPodCountFailed")[:1]),
    ]


def _from_file(case: Case) -> Explanation | None:
    if not is_manifest(case.obj) or mapped(case.obj, "status"):
        return None
    return case.tell("budget.manifest", say("why.state.manifest"), evidence=_proof(case), **_told(case))


def _failed(case: Case) -> Explanation | None:
    """The controller cannot count the Pods."""
    if text(condition(case.obj, "DisruptionAllowed"), "reason") != "SyncFailed":
        return None
    message = text(condition(case.obj, "DisruptionAllowed"), "message") or say("why.text.no-message")
    return case.tell(
        "budget.not-counted", say("why.state.there"), "error", evidence=_proof(case), message=message, **_told(case)
    )


def _nobody(case: Case) -> Explanation | None:
    if integer(case.obj, "status", "expectedPods"):
        return None
    return case.tell("budget.no-pods", say("why.state.there"), evidence=_proof(case), **_told(case))


def _holds(case: Case) -> Explanation | None:
    if not holds(case.obj):
        return None
    told, pods = _told(case), _pods(case)
    healthy, least = integer(case.obj, "status", "currentHealthy") or 0, integer(case.obj, "status", "desiredHealthy")
    expected = integer(case.obj, "status", "expectedPods") or 0
    level: Level = "error" if told["drain"] else "fine"
    state = say("why.state.allows-none")
    if least is not None and least >= expected:
        return case.tell("budget.never-allows", state, level, evidence=_proof(case), **told)
    unready = [pod for pod in pods if not is_ready(pod)]
    causes = [found for pod in unready[:3] if (found := case.ask(pod)) is not None and not found.fine]
    told["missing"] = max(0, (least or 0) + 1 - healthy)
    return case.tell("budget.allows-none-now", state, level, evidence=_proof(case), also=causes, **told)


def _allows(case: Case) -> Explanation:
    return case.tell("budget.allows", say("why.state.there"), evidence=_proof(case), **_told(case))


BUDGET: tuple[Matcher, ...] = (_from_file, _failed, _nobody, _holds, _allows)
