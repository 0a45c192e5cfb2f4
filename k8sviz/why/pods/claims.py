"""A Pod and its claims: which of the two waits for the other, and where its volumes can be reached from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.binding import rejections, volume_fits_node, waits_for_first_consumer
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.around import around
from k8sviz.why.case import Case, Level, called, event_fact, fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.pods.refused import refusal_words, refusals_of, said_by_scheduler, scheduler_proof, unschedulable
from k8sviz.why.storage.holding import claim_users
from k8sviz.why.storage.reading import (
    SELECTED_NODE,
    claim_names,
    class_of_claim,
    names_of_nodes,
    node_affinity_fact,
    volume_nodes,
    volumes_of,
)
from k8sviz.words import say

__all__ = [
    "claim_missing",
    "claim_terminating",
    "claims_bound_since",
    "claims_unbound",
    "names_its_node",
    "once_pod_held",
    "volume_elsewhere",
    "volumes_apart",
    "waits_on_node",
]

JSON = Mapping[str, Any]

# refusals that are about the claims themselves
_OF_CLAIMS = frozenset({"unbound-claims", "no-volume-on-node", "free-storage", "claim-not-made"})


def _claim_path(case: Case, claim: str) -> Evidence:
    volume = next((name for name, found in claim_names(case.obj) if found == claim), "")
    path = f"spec.volumes[{volume}].persistentVolumeClaim.claimName"
    return Evidence(say("why.text.field", path=path, subject=called(case.ref)), claim)


def _claims(case: Case) -> list[tuple[str, Object | None]]:
    return [(claim, case.find("PersistentVolumeClaim", claim)) for _, claim in claim_names(case.obj)]


def _unbound(case: Case) -> list[Object]:
    return [claim for _, claim in _claims(case) if claim is not None and text(claim, "status", "phase") != "Bound"]


def _paths(case: Case, claims: Sequence[JSON]) -> list[Evidence | None]:
    return [
        *(_claim_path(case, text(claim, "metadata", "name")) for claim in claims),
        *(fact(claim, "status", "phase") for claim in claims),
    ]


# -- missing, going ---------------------------------------------------------------------------------------------


def claim_missing(case: Case) -> Explanation | None:
    """The Pod names a claim that does not exist."""
    missing = [claim for claim, found in _claims(case) if found is None]
    if not missing:
        return None
    claim = missing[0]
    made = _made_for_pod(case, claim)
    if made is not None:
        return made
    near = around(case, "PersistentVolumeClaim", claim)
    proof = [_claim_path(case, claim), *scheduler_proof(case), *_meant_proof(case, claim), *near.evidence]
    told: dict[str, Any] = {"claim": claim, "meant": _meant(case, claim, near.hint)}
    if near.where == "other-namespace":
        told["meant"] = say("why.meant.other-namespace", claim=claim, place=near.place, namespace=case.namespace)
    return case.tell("pod.claim-not-found", pod_status(case.obj), "error", evidence=proof, **told)


def _made_for_pod(case: Case, claim: str) -> Explanation | None:
    """The claim of an ephemeral volume is made by a controller."""
    volume = next((name for name, found in claim_names(case.obj) if found == claim), "")
    if not any(text(v, "name") == volume and "ephemeral" in v for v in listed(case.obj, "spec", "volumes")):
        return None
    failed = [event_fact(event) for event in case.events_with("FailedCreate", "FailedBinding")[:1]]
    proof = [*failed, *scheduler_proof(case)]
    level: Level = "error" if failed else "waiting"
    message = failed[0].text if failed else say("why.pod-words.about-to-be-made")
    return case.tell(
        "pod.claim-not-made", pod_status(case.obj), level, evidence=proof, claim=claim, volume=volume, message=message
    )


def _meant_proof(case: Case, claim: str) -> list[Evidence | None]:
    volume = case.snapshot.get("PersistentVolume", claim)
    return [fact(volume, "spec", "claimRef", "name")] if volume else []


def _meant(case: Case, claim: str, hint: str) -> str:
    """Which claim was probably meant: a Pod that names a volume means the claim bound to it."""
    volume = case.snapshot.get("PersistentVolume", claim)
    if volume is None:
        return say("why.meant.nearest", hint=hint)
    bound = text(volume, "spec", "claimRef", "name")
    if bound:
        return say("why.meant.volume-bound", volume=called(volume), claim=bound)
    return say("why.meant.volume", volume=called(volume))


def claim_terminating(case: Case) -> Explanation | None:
    """The Pod's claim is being deleted."""
    for name, claim in _claims(case):
        if claim is not None and text(claim, "metadata", "deletionTimestamp"):
            proof = [_claim_path(case, name), fact(claim, "metadata", "deletionTimestamp"), *scheduler_proof(case)]
            return case.tell(
                "pod.claim-terminating",
                pod_status(case.obj),
                "error",
                evidence=proof,
                also=[case.ask(claim)],
                claim=called(claim),
            )
    return None


def once_pod_held(case: Case) -> Explanation | None:
    """A ReadWriteOncePod claim is with another Pod."""
    if "once-pod" not in {refusal.code for refusal in refusals_of(case)}:
        return None
    for name, claim in _claims(case):
        users = [pod for pod in claim_users(case, claim or {}) if pod is not case.obj]
        if claim is None or not users or "ReadWriteOncePod" not in str(mapping(claim, "spec").get("accessModes")):
            continue
        proof = [*scheduler_proof(case), _claim_path(case, name), fact(claim, "spec", "accessModes")]
        proof += [fact(pod, "spec", "nodeName") for pod in users]
        holders = join(say("why.holding.pod-on", pod=called(pod), node=text(pod, "spec", "nodeName")) for pod in users)
        causes = [found for pod in users if (found := case.ask(pod)) is not None and not found.fine]
        told: dict[str, Any] = {"claim": called(claim), "holders": holders, "pods": join(map(called, users))}
        return case.tell("pod.once-pod-held", pod_status(case.obj), "error", evidence=proof, also=causes, **told)
    return None


# -- unbound ----------------------------------------------------------------------------------------------------


def _blocks(case: Case, claim: Object, codes: set[str]) -> bool:
    """Whether the Pod waits for the claim, and not the claim for the Pod.

    A claim of a class that waits for its first consumer gets its volume when the Pod has found a node; only then its
    provisioner is asked. Before, the claim blocks only if no volume could be had at all.
    """
    storage_class = class_of_claim(case, claim)
    if not waits_for_first_consumer(storage_class) or text(claim, "metadata", "annotations", SELECTED_NODE):
        return True
    if not codes & _OF_CLAIMS:
        return not codes and not said_by_scheduler(case)
    external = text(storage_class, "provisioner") != "kubernetes.io/no-provisioner"
    return not external and all(rejections(claim, volume) for volume in volumes_of(case))


def claims_unbound(case: Case) -> Explanation | None:
    """The Pod waits for claims without a volume."""
    unbound = _unbound(case)
    refusals = refusals_of(case)
    codes = {refusal.code for refusal in refusals}
    blocking = [claim for claim in unbound if _blocks(case, claim, codes)]
    if not blocking and codes == {"no-volume-on-node"}:
        found = _nowhere_allowed(case, unbound)
        if found is not None:
            return found
    if not blocking:
        return unschedulable(case, evidence=_near_volumes(case, unbound)) if codes & _OF_CLAIMS and unbound else None
    causes = [found for claim in blocking if (found := case.ask(claim)) is not None]
    proof = [*_paths(case, blocking), *scheduler_proof(case)]
    if codes - _OF_CLAIMS:
        return unschedulable(case, also=causes, evidence=proof[: 2 * len(blocking)])
    error = any(cause.error for cause in causes)
    return case.tell(
        "pod.claims-unbound",
        pod_status(case.obj),
        "error" if error else "waiting",
        evidence=proof,
        also=causes,
        claims=join(called(claim) for claim in blocking),
    )


def _nowhere_allowed(case: Case, claims: Sequence[Object]) -> Explanation | None:
    """The class makes volumes in some places only, and no node that could take the Pod is there."""
    for claim in claims:
        storage_class = class_of_claim(case, claim) or {}
        places = [
            f"{text(wanted, 'key')} {'|'.join(strings(wanted, 'values'))}"
            for term in listed(storage_class, "allowedTopologies")
            for wanted in listed(term, "matchLabelExpressions")
        ]
        if places:
            proof = [*scheduler_proof(case), *_paths(case, [claim]), fact(storage_class, "allowedTopologies")]
            told: dict[str, Any] = {
                "claim": called(claim),
                "klass": text(storage_class, "metadata", "name"),
                "places": join(places),
            }
            return case.tell("pod.no-allowed-node", pod_status(case.obj), "error", evidence=proof, **told)
    return None


def _near_volumes(case: Case, claims: Sequence[Object]) -> list[Evidence | None]:
    """Volumes that the claims could have, and where they are; where their class makes volumes at all."""
    found: list[Evidence | None] = []
    for claim in claims:
        found.append(fact(class_of_claim(case, claim) or {}, "allowedTopologies"))
        fits = [volume for volume in volumes_of(case) if not rejections(claim, volume)]
        found += [node_affinity_fact(volume) for volume in fits[:6]]
    return found


def claims_bound_since(case: Case) -> Explanation | None:
    """The scheduler complained of claims that are there and bound by now."""
    message = said_by_scheduler(case)
    if not claim_names(case.obj) or not re.search(r"unbound immediate|persistentvolumeclaim .* not found", message):
        return None
    proof = [*scheduler_proof(case), *(fact(claim, "status", "phase") for _, claim in _claims(case) if claim)]
    claims = join(called(claim) for _, claim in _claims(case) if claim)
    return case.tell("pod.claims-bound-now", pod_status(case.obj), "waiting", evidence=proof, claims=claims)


# -- on a node already --------------------------------------------------------------------------------------------


def names_its_node(case: Case) -> Explanation | None:
    """The Pod names its node itself, so nobody chooses one for a claim that waits for its first consumer."""
    node = text(case.obj, "spec", "nodeName")
    waiting = [
        claim
        for claim in _unbound(case)
        if waits_for_first_consumer(class_of_claim(case, claim))
        and not text(claim, "metadata", "annotations", SELECTED_NODE)
        and not text(claim, "spec", "volumeName")
    ]
    if not node or not waiting:
        return None
    proof = [
        case.fact("spec", "nodeName"),
        *_paths(case, waiting),
        *(fact(class_of_claim(case, claim) or {}, "volumeBindingMode") for claim in waiting),
        *map(event_fact, case.events_with("FailedMount", "FailedAttachVolume")[:1]),
    ]
    claims = join(called(claim) for claim in waiting)
    return case.tell(
        "pod.names-its-node", pod_status(case.obj), "error", evidence=proof, node=node, claims=claims, name=case.name
    )


def waits_on_node(case: Case) -> Explanation | None:
    """The Pod has its node, and its claims have no volume: the kubelet waits for them."""
    unbound = _unbound(case)
    if not unbound or not text(case.obj, "spec", "nodeName"):
        return None
    causes = [found for claim in unbound if (found := case.ask(claim)) is not None]
    proof = [*_paths(case, unbound), *map(event_fact, case.events_with("FailedMount", "FailedAttachVolume")[:1])]
    return case.tell(
        "pod.claims-unbound",
        pod_status(case.obj),
        "error" if any(cause.error for cause in causes) else "waiting",
        evidence=proof,
        also=causes,
        claims=join(called(claim) for claim in unbound),
    )


# -- where its volumes are --------------------------------------------------------------------------------------


def _placed(case: Case) -> list[tuple[str, Object, list[Object]]]:
    """The claims whose volumes can be reached from some nodes only: (claim, volume, nodes)."""
    found = []
    for name, claim in _claims(case):
        volume = case.snapshot.get("PersistentVolume", text(claim, "spec", "volumeName")) if claim else None
        if volume is not None and mapping(volume, "spec", "nodeAffinity"):
            nodes = [node for node in case.snapshot.objects("Node") if volume_fits_node(volume, node)]
            found.append((name, volume, nodes))
    return found


def _out_of_reach(case: Case) -> bool:
    return bool({"volume-affinity", "volume-zone"} & {refusal.code for refusal in refusals_of(case)})


def volumes_apart(case: Case) -> Explanation | None:
    """Each volume can be reached from some node, and no node reaches them all."""
    placed = _placed(case)
    if not _out_of_reach(case) or len(placed) < 2 or not all(nodes for _, _, nodes in placed):
        return None
    shared = set.intersection(*({text(node, "metadata", "name") for node in nodes} for _, _, nodes in placed))
    if shared:
        return None
    where = join(
        say("why.volume.reached-from", volume=called(volume), claim=f"pvc/{name}", nodes=volume_nodes(volume))
        for name, volume, _ in placed
    )
    proof = [*scheduler_proof(case), *(node_affinity_fact(volume) for _, volume, _ in placed)]
    return case.tell("pod.volumes-apart", pod_status(case.obj), "error", evidence=proof, where=where)


def volume_elsewhere(case: Case) -> Explanation | None:
    """A bound volume can be reached from some nodes only, and those cannot take the Pod."""
    if not _out_of_reach(case):
        return None
    others = [r for r in refusals_of(case) if r.code not in ("volume-affinity", "volume-zone")]
    for name, volume, nodes in sorted(_placed(case), key=lambda each: len(each[2])):
        told: dict[str, Any] = {
            "claim": f"pvc/{name}",
            "volume": called(volume),
            "nodes": volume_nodes(volume) or say("why.refusal.no-node"),
        }
        proof = [
            *scheduler_proof(case),
            _claim_path(case, name),
            fact(case.find("PersistentVolumeClaim", name) or {}, "spec", "volumeName"),
            node_affinity_fact(volume),
        ]
        if not nodes and case.snapshot.objects("Node"):
            return _nobody_reaches(case, volume, proof, told)
        lost = [node for node in nodes if node_is_lost(node)]
        because = refusal_words(others) or say("why.refusal.nobody-there")
        if lost:
            because = say("why.refusal.node-lost", node=join(map(called, lost)))
        proof += [fact(node, "spec", "taints") for node in nodes]
        causes = [found for node in nodes if (found := case.ask(node)) and not found.fine]
        return case.tell(
            "pod.volume-node-affinity",
            pod_status(case.obj),
            "error",
            evidence=proof,
            also=causes,
            because=because,
            **told,
        )
    return None


def _nobody_reaches(case: Case, volume: Object, proof: list[Evidence | None], told: dict[str, Any]) -> Explanation:
    """No node that is there can reach the volume: its node is gone, or no node has the label."""
    names = {text(node, "metadata", "name") for node in case.snapshot.objects("Node")}
    wanted = [value for value in volume_nodes(volume).split(", ") if value]
    affinity = node_affinity_fact(volume)
    proof.append(Evidence(say("why.text.nodes"), join(sorted(names), most=12)))
    state, label = pod_status(case.obj), affinity.text if affinity else ""
    if names_of_nodes(volume) and not names & set(wanted):
        return case.tell("pod.volume-node-gone", state, "error", evidence=proof, gone=join(wanted), **told)
    return case.tell("pod.volume-label-gone", state, "error", evidence=proof, label=label, **told)
