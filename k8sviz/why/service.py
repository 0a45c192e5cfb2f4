"""Why a Service reaches nobody: its selector finds no Pod, or none that is Ready."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of
from k8sviz.why.case import Case, Level, Matcher, called, fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["SERVICE"]

JSON = Mapping[str, Any]


def _pods(case: Case) -> list[Object]:
    wanted = mapping(case.obj, "spec", "selector")
    pods = case.snapshot.objects("Pod", namespace=case.namespace or None)
    return [pod for pod in pods if all(labels_of(pod).get(key) == value for key, value in wanted.items())]


def _without_selector(case: Case) -> Explanation | None:
    if mapping(case.obj, "spec", "selector"):
        return None
    return case.tell("service.no-selector", say("why.state.there"), evidence=[case.fact("spec", "type")])


def _selector(case: Case) -> Evidence:
    wanted = mapping(case.obj, "spec", "selector")
    source = say("why.text.field", path="spec.selector", subject=called(case.ref))
    return Evidence(source, ", ".join(f"{key}={value}" for key, value in wanted.items()))


def _nobody(case: Case) -> Explanation | None:
    if _pods(case):
        return None
    near = _near_misses(case)
    proof = [_selector(case), *(fact(pod, "metadata", "labels") for pod in near[:3])]
    if near:
        return case.tell(
            "service.selector-misses",
            say("why.state.no-endpoints"),
            "error",
            evidence=proof,
            pods=join(map(called, near)),
        )
    return case.tell("service.no-pods", say("why.state.no-endpoints"), "waiting", evidence=proof)


def _near_misses(case: Case) -> list[Object]:
    """Pods that carry one of the labels that are asked for, but not all: a selector with a slip finds none."""
    wanted = mapping(case.obj, "spec", "selector").items()
    pods = case.snapshot.objects("Pod", namespace=case.namespace or None)
    return [pod for pod in pods if any(labels_of(pod).get(key) == value for key, value in wanted)]


def _some(case: Case) -> Explanation:
    pods = _pods(case)
    ready = [pod for pod in pods if is_ready(pod)]
    unready = [pod for pod in pods if pod not in ready]
    causes = [found for pod in unready if (found := case.ask(pod)) is not None][:3]
    told: dict[str, Any] = {"ready": join(map(called, ready)), "unready": join(map(called, unready))}
    if not ready and not text(case.obj, "spec", "publishNotReadyAddresses"):
        level: Level = "error" if any(cause.error for cause in causes) else "waiting"
        return case.tell(
            "service.none-ready", say("why.state.no-endpoints"), level, evidence=[_selector(case)], also=causes, **told
        )
    if unready:
        return case.tell("service.some-ready", say("why.state.there"), evidence=[_selector(case)], also=causes, **told)
    return case.tell("service.all-ready", say("why.state.there"), evidence=[_selector(case)], **told)


SERVICE: tuple[Matcher, ...] = (_without_selector, _nobody, _some)
