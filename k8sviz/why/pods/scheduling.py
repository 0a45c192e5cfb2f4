"""Why a Pod has no node yet: the scheduler's one sentence taken apart into nodes, counts and reasons.

The scheduler says `0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint(s).`; each part is
another thing to mend, and a claim that is missing is not about nodes at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.binding import volume_fits_node
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.pods import pod_status
from k8sviz.rules.unschedulable import Refusal, parse_refusals
from k8sviz.why.case import (
    Case,
    Matcher,
    called,
    condition,
    condition_fact,
    event_fact,
    event_message,
    fact,
    first_of,
    join,
)
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.storage.reading import claim_names, node_affinity_fact, volume_nodes
from k8sviz.words import say

__all__ = ["pod_unscheduled", "refusal_words", "tolerated_seconds"]

JSON = Mapping[str, Any]


def refusal_words(refusals: Sequence[Refusal]) -> str:
    """The refusals in plain words, in the scheduler's order."""
    return "; ".join(_words(refusal) for refusal in refusals)


def _words(refusal: Refusal) -> str:
    count = say("why.refusal.all") if refusal.nodes is None else refusal.nodes
    if not refusal.code:
        return refusal.text if refusal.nodes is None else say("why.refusal.other", count=count, text=refusal.text)
    code = "taint-named" if refusal.code == "taint" and refusal.what else refusal.code
    return say(f"why.refusal.{code}", count=count, what=refusal.what, text=refusal.text)


# -- the Pod ------------------------------------------------------------------------------------------------


def _message(case: Case) -> str:
    said = text(condition(case.obj, "PodScheduled"), "message")
    if said:
        return said
    events = case.events_with("FailedScheduling")
    return event_message(events[0]) if events else ""


def _proof(case: Case) -> list[Evidence | None]:
    """The condition; the Event only where the condition is not there, since they say the same."""
    found = condition_fact(case.obj, "PodScheduled")
    if found is None:
        found = next(iter(map(event_fact, case.events_with("FailedScheduling"))), None)
    return [found]


def _claim_path(case: Case, claim: str) -> Evidence:
    volume = next((name for name, found in claim_names(case.obj) if found == claim), "")
    source = say(
        "why.text.field", path=f"spec.volumes[{volume}].persistentVolumeClaim.claimName", subject=called(case.ref)
    )
    return Evidence(source, claim)


def _claims(case: Case) -> list[tuple[str, Object | None]]:
    return [(claim, case.find("PersistentVolumeClaim", claim)) for _, claim in claim_names(case.obj)]


def _gated(case: Case) -> Explanation | None:
    gates = [text(gate, "name") for gate in listed(case.obj, "spec", "schedulingGates")]
    if not gates:
        return None
    return case.tell(
        "pod.gated", pod_status(case.obj), "waiting", evidence=[case.fact("spec", "schedulingGates")], gates=join(gates)
    )


def _claim_missing(case: Case) -> Explanation | None:
    missing = [claim for claim, found in _claims(case) if found is None]
    if not missing:
        return None
    claim = missing[0]
    proof = [_claim_path(case, claim), *_proof(case), *_meant_proof(case, claim)]
    return case.tell(
        "pod.claim-not-found", pod_status(case.obj), "error", evidence=proof, claim=claim, meant=_meant(case, claim)
    )


def _meant_proof(case: Case, claim: str) -> list[Evidence | None]:
    volume = case.snapshot.get("PersistentVolume", claim)
    return [fact(volume, "spec", "claimRef", "name")] if volume else []


def _meant(case: Case, claim: str) -> str:
    """Which claim was probably meant: a Pod that names a volume means the claim bound to it."""
    volume = case.snapshot.get("PersistentVolume", claim)
    if volume is None:
        return say("why.meant.nearest", hint=nearest(claim, case.names("PersistentVolumeClaim")))
    bound = text(volume, "spec", "claimRef", "name")
    if bound:
        return say("why.meant.volume-bound", volume=called(volume), claim=bound)
    return say("why.meant.volume", volume=called(volume))


def _claim_terminating(case: Case) -> Explanation | None:
    for name, claim in _claims(case):
        if claim is not None and text(claim, "metadata", "deletionTimestamp"):
            proof = [_claim_path(case, name), fact(claim, "metadata", "deletionTimestamp"), *_proof(case)]
            return case.tell(
                "pod.claim-terminating",
                pod_status(case.obj),
                "error",
                evidence=proof,
                also=[case.ask(claim)],
                claim=called(claim),
            )
    return None


def _claims_unbound(case: Case) -> Explanation | None:
    unbound = [claim for _, claim in _claims(case) if claim is not None and text(claim, "status", "phase") != "Bound"]
    if not unbound:
        return None
    proof = [
        *(_claim_path(case, text(claim, "metadata", "name")) for claim in unbound),
        *(fact(claim, "status", "phase") for claim in unbound),
        *_proof(case),
    ]
    causes = [found for claim in unbound if (found := case.ask(claim)) is not None]
    error = any(cause.error for cause in causes)
    return case.tell(
        "pod.claims-unbound",
        pod_status(case.obj),
        "error" if error else "waiting",
        evidence=proof,
        also=causes,
        claims=join(called(claim) for claim in unbound),
    )


def _claims_bound_since(case: Case) -> Explanation | None:
    """The scheduler complained of claims that are there and bound by now."""
    message = _message(case)
    if not claim_names(case.obj) or not re.search(r"unbound immediate|persistentvolumeclaim .* not found", message):
        return None
    proof = [*_proof(case), *(fact(claim, "status", "phase") for _, claim in _claims(case) if claim)]
    claims = join(called(claim) for _, claim in _claims(case) if claim)
    return case.tell("pod.claims-bound-now", pod_status(case.obj), "waiting", evidence=proof, claims=claims)


def _volume_elsewhere(case: Case) -> Explanation | None:
    """A bound volume can be reached from some nodes only, and those cannot take the Pod."""
    _, refusals = parse_refusals(_message(case))
    if not any(refusal.code == "volume-affinity" for refusal in refusals):
        return None
    for name, claim in _claims(case):
        volume = case.snapshot.get("PersistentVolume", text(claim, "spec", "volumeName")) if claim else None
        if volume is None or not mapping(volume, "spec", "nodeAffinity"):
            continue
        nodes = [node for node in case.snapshot.objects("Node") if volume_fits_node(volume, node)]
        others = [refusal for refusal in refusals if refusal.code != "volume-affinity"]
        lost = [node for node in nodes if node_is_lost(node)]
        because = refusal_words(others) or say("why.refusal.nobody-there")
        if lost:
            because = say("why.refusal.node-lost", node=join(map(called, lost)))
        proof = [
            *_proof(case),
            _claim_path(case, name),
            fact(claim or {}, "spec", "volumeName"),
            node_affinity_fact(volume),
            *(fact(node, "spec", "taints") for node in nodes),
        ]
        causes = [found for node in nodes if (found := case.ask(node)) and not found.fine]
        return case.tell(
            "pod.volume-node-affinity",
            pod_status(case.obj),
            "error",
            evidence=proof,
            also=causes,
            claim=f"pvc/{name}",
            volume=called(volume),
            because=because,
            nodes=volume_nodes(volume) or say("why.refusal.no-node"),
        )
    return None


def _unschedulable(case: Case) -> Explanation | None:
    message = _message(case)
    if not message:
        return None
    total, refusals = parse_refusals(message)
    if not refusals:
        return case.tell("pod.not-scheduled", pod_status(case.obj), "error", evidence=_proof(case), message=message)
    codes = {refusal.code for refusal in refusals}
    proof = [*_proof(case), *_asked(case, codes), *_nodes(case, codes)]
    causes = [found for node in case.snapshot.objects("Node") if (found := case.ask(node)) and found.error]
    remedies = " ".join(say(f"why.refusal-remedy.{refusal.code or 'other'}") for refusal in refusals)
    return case.tell(
        "pod.unschedulable",
        pod_status(case.obj),
        "error",
        evidence=proof,
        also=causes,
        total=total,
        because=refusal_words(refusals),
        remedies=remedies,
    )


def _asked(case: Case, codes: set[str]) -> list[Evidence | None]:
    """What the Pod asks of a node, as far as it was refused."""
    found: list[Evidence | None] = []
    if "node-selector" in codes:
        found += [case.fact("spec", "nodeSelector"), case.fact("spec", "affinity", "nodeAffinity")]
    if "insufficient" in codes:
        for container in listed(case.obj, "spec", "containers"):
            path = f"spec.containers[{text(container, 'name')}].resources.requests"
            source = say("why.text.field", path=path, subject=called(case.ref))
            wanted = mapping(container, "resources", "requests")
            found.append(Evidence(source, ", ".join(f"{k}: {v}" for k, v in wanted.items())) if wanted else None)
    if "taint" in codes:
        found.append(case.fact("spec", "tolerations"))
    return found


def _nodes(case: Case, codes: set[str]) -> list[Evidence | None]:
    """What the nodes say against it."""
    found: list[Evidence | None] = []
    for node in case.snapshot.objects("Node"):
        found += [fact(node, "spec", "taints")] if "taint" in codes else []
        found += [fact(node, "status", "allocatable")] if "insufficient" in codes else []
        found += [fact(node, "spec", "unschedulable")] if "cordoned" in codes else []
        found += [fact(node, "metadata", "labels")] if "node-selector" in codes else []
    return found


def _being_scheduled(case: Case) -> Explanation:
    scheduler = text(case.obj, "spec", "schedulerName") or "default-scheduler"
    return case.tell(
        "pod.scheduling",
        pod_status(case.obj),
        "waiting",
        evidence=[case.fact("status", "phase"), case.fact("spec", "schedulerName")],
        scheduler=scheduler,
    )


_MATCHERS: tuple[Matcher, ...] = (
    _gated,
    _claim_missing,
    _claim_terminating,
    _claims_unbound,
    _claims_bound_since,
    _volume_elsewhere,
    _unschedulable,
    _being_scheduled,
)


def pod_unscheduled(case: Case) -> Explanation | None:
    """Why the Pod has no node; None when it has one."""
    if text(case.obj, "spec", "nodeName"):
        return None
    return first_of(case, _MATCHERS)


def tolerated_seconds(pod: JSON, key: str) -> int | None:
    """For how long the Pod tolerates a NoExecute taint; None for ever, 0 not at all."""
    for wanted in listed(pod, "spec", "tolerations"):
        if text(wanted, "key") in (key, "") and text(wanted, "effect") in ("NoExecute", ""):
            seconds = wanted.get("tolerationSeconds")
            return seconds if isinstance(seconds, int) else None
    return 0
