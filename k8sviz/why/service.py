"""Why a Service reaches nobody, or not whom it should: its selector, its ports, and whose Pods they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.kinds import kind_or_none
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of
from k8sviz.rules.services import selects, target_port
from k8sviz.why.case import Case, Level, Matcher, called, fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.reaching import is_manifest, template_pod, workloads_of
from k8sviz.why.workloads.shared import controller_of
from k8sviz.words import say

__all__ = ["SERVICE"]

JSON = Mapping[str, Any]


def _pods(case: Case) -> list[Object]:
    pods = case.snapshot.objects("Pod", namespace=case.namespace or None)
    return [pod for pod in pods if selects(case.obj, pod)]


def _makers(case: Case) -> list[Object]:
    """The workloads whose templates the Service selects."""
    return [found for found in workloads_of(case) if selects(case.obj, template_pod(found))]


def _without_selector(case: Case) -> Explanation | None:
    if mapping(case.obj, "spec", "selector"):
        return None
    return case.tell("service.no-selector", say("why.state.there"), evidence=[case.fact("spec", "type")])


def _selector(case: Case) -> Evidence:
    wanted = mapping(case.obj, "spec", "selector")
    source = say("why.text.field", path="spec.selector", subject=called(case.ref))
    return Evidence(source, ", ".join(f"{key}={value}" for key, value in wanted.items()))


# -- ports, and whose Pods they are -----------------------------------------------------------------------------


def _reached(case: Case) -> list[tuple[str, JSON]]:
    """Pods with the workload that makes each (or the Pod itself): from the Pods that are there, else the templates."""
    found: list[tuple[str, JSON]] = []
    for pod in _pods(case):
        controller = controller_of(case.snapshot, pod)
        found.append((called(controller if controller is not None else pod), pod))
    return found or [(called(maker), template_pod(maker)) for maker in _makers(case)]


def _port_name(port: JSON) -> str:
    return text(port, "name") or str(port.get("port", ""))


def _ports(case: Case) -> Explanation | None:
    """A port of the Service that no container of some Pods has by that name."""
    reached = _reached(case)
    if not reached:
        return None
    for port in listed(case.obj, "spec", "ports"):
        lacks = list(dict.fromkeys(who for who, pod in reached if target_port(port, pod) is None))
        if not lacks or not isinstance(port.get("targetPort"), str):
            continue
        have = [who for who in dict.fromkeys(who for who, _ in reached) if who not in lacks]
        names = sorted({name for _, pod in reached for name in _names(pod)})
        told: dict[str, Any] = {
            "port": _port_name(port),
            "target": text(port, "targetPort"),
            "lacks": join(lacks),
            "have": join(have),
            "names": join(names) or say("why.text.none"),
        }
        proof = [_selector(case), *_port_facts(case, port, reached)]
        state = say("why.state.manifest") if is_manifest(case.obj) else say("why.state.there")
        if not have:
            return case.tell("service.port-missing", state, "error", evidence=proof, **told)
        return case.tell("service.port-in-some", state, "error", evidence=proof, also=_same(case), **told)
    return None


def _names(pod: JSON) -> list[str]:
    containers = [*listed(pod, "spec", "containers"), *listed(pod, "spec", "initContainers")]
    return [text(port, "name") for container in containers for port in listed(container, "ports") if text(port, "name")]


def _port_facts(case: Case, port: JSON, reached: Sequence[tuple[str, JSON]]) -> list[Evidence]:
    path = say("why.text.field", path=f"spec.ports[{_port_name(port)}].targetPort", subject=called(case.ref))
    found = [Evidence(path, str(port.get("targetPort", "")))]
    for who, pod in dict(reached).items():
        ports = [
            "/".join(part for part in (text(p, "name"), str(integer(p, "containerPort") or "")) if part)
            for container in listed(pod, "spec", "containers")
            for p in listed(container, "ports")
        ]
        source = say("why.text.field", path="spec.containers.ports", subject=who)
        found.append(Evidence(source, join(ports) or say("why.text.none")))
    return found[:8]


def _same(case: Case) -> list[Explanation]:
    """Of the workloads that are reached, those that another selects too."""
    asked = [case.ask(maker) for maker in _makers(case)]
    return [found for found in asked if found is not None and found.code == "same-selector"][:1]


def _mixed(case: Case) -> Explanation | None:
    """The Pods of several workloads with one selector answer under one name."""
    same = _same(case)
    if not same:
        return None
    makers = join(map(called, _makers(case)))
    state = say("why.state.manifest") if is_manifest(case.obj) else say("why.state.there")
    return case.tell("service.mixed", state, "warning", evidence=[_selector(case)], also=same, makers=makers)


def _undeclared(case: Case) -> Explanation | None:
    """A port by number that none of the containers declares, although they declare others."""
    reached = _reached(case)
    for port in listed(case.obj, "spec", "ports"):
        number = port.get("targetPort", port.get("port"))
        declared = [_declared(pod) for _, pod in reached]
        if not isinstance(number, int) or not declared or not all(declared) or any(number in d for d in declared):
            continue
        numbers = join(sorted({str(n) for d in declared for n in d}))
        proof = [_selector(case), *_port_facts(case, port, reached)]
        state = say("why.state.manifest") if is_manifest(case.obj) else say("why.state.there")
        told: dict[str, Any] = {"port": _port_name(port), "target": number, "numbers": numbers}
        return case.tell("service.port-undeclared", state, "warning", evidence=proof, **told)
    return None


def _declared(pod: JSON) -> set[int]:
    ports = (p for container in listed(pod, "spec", "containers") for p in listed(container, "ports"))
    return {number for port in ports if (number := integer(port, "containerPort")) is not None}


# -- from a file ------------------------------------------------------------------------------------------------


def _from_file(case: Case) -> Explanation | None:
    if not is_manifest(case.obj) or case.snapshot.missing("Pod") != "elsewhere":
        return None
    makers = [*_makers(case), *_pods(case)]
    if makers:
        would = join(map(called, makers))
        return case.tell("service.manifest", say("why.state.manifest"), evidence=[_selector(case)], would=would)
    return _not_known(case)


def _not_known(case: Case) -> Explanation:
    """Nothing that is known here has the labels; Pods may be made by what is not known here."""
    custom = [
        f"{text(obj, 'kind').lower()}/{text(obj, 'metadata', 'name')}"
        for obj in case.snapshot.objects(namespace=case.namespace or None)
        if kind_or_none(text(obj, "kind")) is None
    ]
    by = say("why.reaching.custom", names=join(custom)) if custom else ""
    return case.tell("service.not-known", say("why.state.manifest"), evidence=[_selector(case)], by=by)


# -- who is there -----------------------------------------------------------------------------------------------


def _nobody(case: Case) -> Explanation | None:
    if _pods(case):
        return None
    makers = _makers(case)
    if not makers and not case.knows("Pod"):
        return _not_known(case)
    near = _near_misses(case)
    state = say("why.state.no-endpoints")
    proof = [_selector(case), *(fact(pod, "metadata", "labels") for pod in near[:3])]
    if makers:
        causes = [found for maker in makers if (found := case.ask(maker)) is not None and not found.fine]
        level: Level = "error" if any(cause.error for cause in causes) else "waiting"
        told: dict[str, Any] = {"makers": join(map(called, makers))}
        return case.tell("service.pods-not-made", state, level, evidence=proof, also=causes, **told)
    if near:
        pods = join(map(called, near))
        return case.tell("service.selector-misses", state, "error", evidence=proof, pods=pods)
    return case.tell("service.no-pods", state, "waiting", evidence=proof)


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


SERVICE: tuple[Matcher, ...] = (_without_selector, _ports, _mixed, _undeclared, _from_file, _nobody, _some)
