"""No node can take a Pod: what each lot of nodes has against it, and what the Pod and the nodes say to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.rules.unschedulable import Refusal, parse_refusals, preemption_of
from k8sviz.why.case import Case, called, condition, condition_fact, event_fact, event_message, fact
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.words import say

__all__ = ["refusal_words", "refusals_of", "said_by_scheduler", "scheduler_proof", "unschedulable"]

JSON = Mapping[str, Any]

# what a node that fell silent, or was closed, is refused for
_OF_NODES = frozenset({"taint", "cordoned", "unknown-condition"})


def said_by_scheduler(case: Case) -> str:
    """The scheduler's newest words about the Pod; empty when it has said nothing."""
    said = text(condition(case.obj, "PodScheduled"), "message")
    if said:
        return said
    events = case.events_with("FailedScheduling")
    return event_message(events[0]) if events else ""


def refusals_of(case: Case) -> list[Refusal]:
    """Why the nodes cannot take the Pod, as the scheduler says."""
    return parse_refusals(said_by_scheduler(case))[1]


def scheduler_proof(case: Case) -> list[Evidence | None]:
    """The condition; the Event only where the condition says nothing, since they say the same."""
    found = condition_fact(case.obj, "PodScheduled")
    events = [event_fact(event) for event in case.events_with("FailedScheduling")[:1]]
    return [found, *([] if text(condition(case.obj, "PodScheduled"), "message") else events)]


def refusal_words(refusals: Sequence[Refusal]) -> str:
    """The refusals in plain words, in the scheduler's order."""
    return "; ".join(_words(refusal) for refusal in refusals)


def _words(refusal: Refusal) -> str:
    count = say("why.refusal.all") if refusal.nodes is None else refusal.nodes
    if not refusal.code:
        return refusal.text if refusal.nodes is None else say("why.refusal.other", count=count, text=refusal.text)
    code = "taint-named" if refusal.code == "taint" and refusal.what else refusal.code
    return say(f"why.refusal.{code}", count=count, what=refusal.what, text=refusal.text)


def unschedulable(
    case: Case, also: Sequence[Explanation] = (), evidence: Sequence[Evidence | None] = ()
) -> Explanation | None:
    """No node can take the Pod, or the scheduler failed otherwise; None when it has said nothing.

    `also` and `evidence` are what is known of its claims.
    """
    message = said_by_scheduler(case)
    if not message:
        return None
    total, refusals = parse_refusals(message)
    if not refusals:
        return _failed(case, message, also)
    codes = {refusal.code for refusal in refusals}
    proof = [*scheduler_proof(case), *_asked(case, codes), *_nodes(case, codes), *evidence]
    lost = [node for node in case.snapshot.objects("Node") if node_is_lost(node)] if codes & _OF_NODES else []
    nodes = [found for node in lost if (found := case.ask(node)) is not None]
    remedies = dict.fromkeys(say(f"why.refusal-remedy.{refusal.code or 'other'}") for refusal in refusals)
    preemption = [say(f"why.preemption.{code}") for code in preemption_of(message) if code in ("never", "waiting")]
    return case.tell(
        "pod.unschedulable",
        pod_status(case.obj),
        "error",
        evidence=proof,
        also=[*also, *nodes],
        # of several causes none is the root alone
        ends=not (codes <= _OF_NODES or (also and len(refusals) == 1)),
        total=total,
        because=refusal_words(refusals),
        remedies=" ".join([*remedies, *preemption]),
    )


def _failed(case: Case, message: str, also: Sequence[Explanation]) -> Explanation:
    """The scheduler chose a node, and something on the way failed."""
    if "no nodes available to schedule pods" in message:
        return case.tell("pod.no-nodes", pod_status(case.obj), "error", evidence=scheduler_proof(case))
    return case.tell(
        "pod.not-scheduled", pod_status(case.obj), "error", evidence=scheduler_proof(case), also=also, message=message
    )


def _asked(case: Case, codes: set[str]) -> list[Evidence | None]:
    """What the Pod asks of a node, as far as it was refused."""
    found: list[Evidence | None] = []
    if "node-selector" in codes:
        found += [case.fact("spec", "nodeSelector"), case.fact("spec", "affinity", "nodeAffinity")]
    if codes & {"anti-affinity", "existing-anti-affinity"}:
        found.append(case.fact("spec", "affinity", "podAntiAffinity"))
    if "pod-affinity" in codes:
        found.append(case.fact("spec", "affinity", "podAffinity"))
    if codes & {"spread", "spread-label"}:
        found.append(case.fact("spec", "topologySpreadConstraints"))
    if codes & {"insufficient", "ports"}:
        for container in listed(case.obj, "spec", "containers"):
            found += _container_asks(case, container, codes)
    if "taint" in codes:
        found.append(case.fact("spec", "tolerations"))
    return found


def _container_asks(case: Case, container: JSON, codes: set[str]) -> list[Evidence]:
    path = f"spec.containers[{text(container, 'name')}]"
    asked = []
    wanted = mapping(container, "resources", "requests")
    if "insufficient" in codes and wanted:
        asked.append(("resources.requests", ", ".join(f"{key}: {value}" for key, value in wanted.items())))
    ports = [str(port) for entry in listed(container, "ports") if (port := integer(entry, "hostPort"))]
    if "ports" in codes and ports:
        asked.append(("ports.hostPort", ", ".join(ports)))
    return [
        Evidence(say("why.text.field", path=f"{path}.{part}", subject=called(case.ref)), words) for part, words in asked
    ]


def _nodes(case: Case, codes: set[str]) -> list[Evidence | None]:
    """What the nodes say against it."""
    found: list[Evidence | None] = []
    for node in case.snapshot.objects("Node"):
        found += [fact(node, "spec", "taints")] if "taint" in codes else []
        found += [fact(node, "status", "allocatable")] if codes & {"insufficient", "too-many-pods"} else []
        found += [fact(node, "spec", "unschedulable")] if "cordoned" in codes else []
        found += [fact(node, "metadata", "labels")] if "node-selector" in codes else []
    return found
