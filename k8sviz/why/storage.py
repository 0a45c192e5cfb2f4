"""Why a claim waits and what a volume is doing, by the rules of the PersistentVolume controller.

A claim's `Pending` has a dozen causes and one Event text for most of them; the cause is found by asking the rules of
binding about every volume there is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.binding import (
    Candidate,
    access_modes,
    as_asked,
    bound_by_controller,
    claim_class,
    classify,
    default_storage_class,
    find_match,
    is_bound_to,
    rejections,
    requested_storage,
    volume_class,
    volume_storage,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.reasons import Reason
from k8sviz.rules.selectors import Requirement, label_selector
from k8sviz.why.case import Case, Matcher, called, event_fact, fact, fields, join, note
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["CLAIM", "VOLUME", "claim_names", "consumers", "node_affinity_fact", "volume_nodes"]

JSON = Mapping[str, Any]
Refused = Sequence[tuple[Object, Sequence[Reason]]]

_PROVISIONED = "pv.kubernetes.io/provisioned-by"
_SELECTED = "volume.kubernetes.io/selected-node"
_PROVISIONERS = ("volume.kubernetes.io/storage-provisioner", "volume.beta.kubernetes.io/storage-provisioner")
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_NEEDS_NODE = re.compile(r"no node was specified|node.*(not|un)\s*(specified|selected)", re.IGNORECASE)
_MOST_VOLUMES = 12  # volumes listed one by one as evidence

# what a volume lacks, from what can never be mended by waiting to what can
_WEIGHT = (
    "class",
    "volume-mode",
    "access-mode",
    "selector",
    "volume-attributes-class",
    "too-small",
    "asks-for-another",
    "terminating",
    "released",
    "claimed-by-another",
)
# a claim for which every volume fails in the same one way has that as its cause
_COMMON = {
    "too-small": "storage.too-small",
    "access-mode": "storage.access-mode",
    "volume-mode": "storage.volume-mode",
    "class": "storage.class-differs",
    "selector": "storage.selector",
    "claimed-by-another": "storage.all-taken",
}


# -- what hangs together ------------------------------------------------------------------------------


def claim_names(pod: JSON) -> list[tuple[str, str]]:
    """The Pod's volumes that are claims: (volume, claim). An ephemeral volume's claim is called POD-VOLUME.

    >>> claim_names({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "demo-pvc"}}]}})
    [('data', 'demo-pvc')]
    """
    found = []
    for volume in listed(pod, "spec", "volumes"):
        name = text(volume, "name")
        if "persistentVolumeClaim" in volume:
            found.append((name, text(volume, "persistentVolumeClaim", "claimName")))
        elif "ephemeral" in volume:
            found.append((name, f"{text(pod, 'metadata', 'name')}-{name}"))
    return found


def consumers(case: Case, claim: JSON) -> list[Object]:
    """The Pods that use a claim, by name."""
    name, namespace = text(claim, "metadata", "name"), text(claim, "metadata", "namespace")
    pods = case.snapshot.objects("Pod", namespace=namespace or None)
    return [pod for pod in pods if name in {claim_name for _, claim_name in claim_names(pod)}]


def volume_nodes(volume: JSON) -> str:
    """The nodes that a volume can be reached from, as its node affinity names them; empty when it has none."""
    values = [value for term in _node_terms(volume) for wanted in term for value in wanted.values]
    return join(dict.fromkeys(values))


def node_affinity_fact(volume: JSON) -> Evidence | None:
    """A volume's node affinity as evidence; None when it has none."""
    terms = [",".join(map(str, term)) for term in _node_terms(volume)]
    if not terms:
        return None
    return Evidence(say("why.text.field", path="spec.nodeAffinity.required", subject=called(volume)), join(terms))


def _node_terms(volume: JSON) -> list[tuple[Requirement, ...]]:
    terms = listed(mapping(volume, "spec", "nodeAffinity", "required"), "nodeSelectorTerms")
    return [label_selector(term) or () for term in terms]


def _volumes(case: Case) -> list[Object]:
    return case.snapshot.objects("PersistentVolume")


def _class_of(case: Case) -> Object | None:
    name = claim_class(case.obj)
    return case.find("StorageClass", name) if name else None


def _class_words(name: str | None) -> str:
    return say("why.volume.class-named", name=name) if name else say("why.volume.class-none")


def _asked(case: Case) -> list[Evidence]:
    """What the claim asks for, field by field."""
    return fields(
        case.obj,
        ("spec", "resources", "requests", "storage"),
        ("spec", "accessModes"),
        ("spec", "volumeMode"),
        ("spec", "storageClassName"),
        ("spec", "selector"),
        ("spec", "volumeName"),
    )


def _newest(case: Case, *reasons: str) -> Evidence | None:
    found = case.events_with(*reasons)
    return event_fact(found[0]) if found else None


# -- volumes that a claim cannot have -------------------------------------------------------------------


def _weight(reason: Reason) -> int:
    return _WEIGHT.index(reason.code) if reason.code in _WEIGHT else len(_WEIGHT)


def _reasons_words(reasons: Iterable[Reason]) -> str:
    ordered = sorted(reasons, key=_weight)
    return " ".join(say(f"rules.binding.{reason.code}", **reason.facts) for reason in ordered)


def _why_not_each(refused: Refused) -> list[Evidence]:
    """Each volume with why it is not the one, the nearest first; the rest counted."""
    near = sorted(refused, key=lambda pair: (len(pair[1]), min(map(_weight, pair[1]), default=0)))
    found = [note(volume, _reasons_words(reasons)) for volume, reasons in near[:_MOST_VOLUMES]]
    if len(near) > _MOST_VOLUMES:
        found.append(Evidence("pv", say("why.volume.others", count=len(near) - _MOST_VOLUMES)))
    return found


def _common(refused: Refused) -> str:
    """The one code that all volumes share; empty when they fail in different ways, or in several alike."""
    shared = set.intersection(*({reason.code for reason in reasons} for _, reasons in refused)) if refused else set()
    return shared.pop() if len(shared) == 1 else ""


def _counted(refused: Refused) -> str:
    """How many volumes fail for what: each is counted once, by the weightiest of its reasons."""
    counts = Counter(min(reasons, key=_weight).code for _, reasons in refused if reasons)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(say(f"why.count.{code}", count=count) for code, count in ordered)


# -- claims -----------------------------------------------------------------------------------------------


def _claim_manifest(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") or text(case.obj, "metadata", "uid"):
        return None
    storage_class = _class_of(case)
    match = find_match(case.obj, _volumes(case), delay_binding=waits_for_first_consumer(storage_class))
    would = say("why.manifest.bind", volume=called(match)) if match else say("why.manifest.no-bind")
    return case.tell("storage.manifest", say("why.state.manifest"), evidence=_asked(case), would=would)


def _claim_terminating(case: Case) -> Explanation | None:
    if not case.deleting:
        return None
    held = strings(case.obj, "metadata", "finalizers")
    proof = fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "finalizers"))
    state = say("why.state.terminating")
    if "kubernetes.io/pvc-protection" not in held:
        return _held_by_others(case, held, proof)
    # the kubelet only sees scheduled Pods; finished ones count until they are gone
    users = [pod for pod in consumers(case, case.obj) if text(pod, "spec", "nodeName")]
    if not users:
        return case.tell("storage.claim-released-soon", state, "waiting", evidence=proof)
    uses = [_use(pod, case.name) for pod in users]
    pods = join(called(pod) for pod in users)
    return case.tell("storage.claim-in-use", state, "waiting", evidence=[*proof, *uses], pods=pods)


def _use(pod: Object, claim: str) -> Evidence:
    volume = next((name for name, found in claim_names(pod) if found == claim), "")
    return Evidence(say("why.text.field", path=f"spec.volumes[{volume}]", subject=called(pod)), claim)


def _held_by_others(case: Case, held: Sequence[str], proof: Iterable[Evidence]) -> Explanation:
    state = say("why.state.terminating")
    if not held:
        return case.tell("object.going", state, "waiting", evidence=proof)
    return case.tell("object.finalizers", state, "waiting", evidence=proof, finalizers=join(held))


def _claim_bound(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Bound":
        return None
    name = text(case.obj, "spec", "volumeName")
    volume = case.snapshot.get("PersistentVolume", name) or {}
    proof = [*fields(case.obj, ("status", "phase"), ("spec", "volumeName")), fact(volume, "spec", "claimRef", "name")]
    told: dict[str, Any] = {"volume": f"pv/{name}", "size": str(volume_storage(volume)) if volume else ""}
    state = text(case.obj, "status", "phase")
    maker = text(volume, "metadata", "annotations", _PROVISIONED)
    if maker:
        proof += [fact(volume, "metadata", "annotations", _PROVISIONED), fact(volume, "spec", "storageClassName")]
        return case.tell(
            "storage.bound-provisioned",
            state,
            evidence=proof,
            provisioner=maker,
            klass=_class_words(claim_class(case.obj)),
            **told,
        )
    if not bound_by_controller(case.obj):
        return case.tell("storage.bound-named", state, evidence=proof, **told)
    if volume and not bound_by_controller(volume):
        return case.tell("storage.bound-reserved", state, evidence=proof, **told)
    chosen, others = _how_chosen(case, name)
    return case.tell("storage.bound", state, evidence=[*proof, *others], because=chosen, **told)


def _how_chosen(case: Case, name: str) -> tuple[str, list[Evidence]]:
    """Why this volume and no other, judged by the volumes as they were when the controller chose."""
    candidates = _candidates_then(case, name)
    mine = [c for c in candidates if c.rank == 1 and text(c.volume, "metadata", "name") == name]
    if not mine:
        return say("why.chosen.fits"), []
    next_best = next((c for c in candidates if c.rank == 2), None)
    others = _why_not_each([(dict(c.volume), c.reasons) for c in candidates if c.rank != 1])
    if next_best is None:
        return say("why.chosen.only"), others
    other = text(next_best.volume, "metadata", "name")
    code = next_best.reasons[0].code if next_best.reasons else "not-chosen-tie"
    return say(f"why.chosen.{code}", other=f"pv/{other}"), others


def _candidates_then(case: Case, name: str) -> list[Candidate]:
    """Every volume as the claim saw it just before this one was given to it; empty when that was not seen."""
    if case.history is None:
        return []
    for event in case.history.versions("PersistentVolume", name):
        if event.t <= case.snapshot.t and is_bound_to(event.object, case.obj):
            before = case.history.at(math.nextafter(event.t, -math.inf))
            return classify(as_asked(case.obj), before.objects("PersistentVolume"))
    return []


def _claim_lost(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Lost":
        return None
    proof = [
        *fields(case.obj, ("status", "phase"), ("spec", "volumeName")),
        _newest(case, "ClaimLost", "ClaimMisbound"),
    ]
    return case.tell("storage.claim-lost", "Lost", "error", evidence=proof, volume=text(case.obj, "spec", "volumeName"))


def _claim_named_volume(case: Case) -> Explanation | None:
    name = text(case.obj, "spec", "volumeName")
    if not name:
        return None
    volume = case.snapshot.get("PersistentVolume", name)
    proof = [case.fact("spec", "volumeName"), _newest(case, "VolumeMismatch", "FailedBinding", "ClaimMisbound")]
    told: dict[str, Any] = {"volume": f"pv/{name}"}
    if volume is None:
        hint = nearest(name, case.names("PersistentVolume"))
        return case.tell("storage.named-volume-missing", "Pending", "error", evidence=proof, hint=hint, **told)
    reasons = rejections(case.obj, volume)
    if not reasons:
        return None
    proof += [*_asked(case), note(volume, _reasons_words(reasons)), fact(volume, "spec", "claimRef", "name")]
    words = _reasons_words(reasons)
    taken = {"released", "claimed-by-another"} & {reason.code for reason in reasons}
    code = "storage.named-volume-taken" if taken else "storage.named-volume-unfit"
    return case.tell(code, "Pending", "error", evidence=proof, reasons=words, **told)


def _claim_about_to_bind(case: Case) -> Explanation | None:
    delay = waits_for_first_consumer(_class_of(case))
    match = find_match(case.obj, _volumes(case), delay_binding=delay)
    if match is None:
        return None
    volume = dict(match)
    proof = [
        *_asked(case),
        *fields(volume, ("spec", "capacity", "storage"), ("spec", "accessModes"), ("status", "phase")),
    ]
    return case.tell("storage.about-to-bind", "Pending", "waiting", evidence=proof, volume=called(volume))


def _claim_waits_for_consumer(case: Case) -> Explanation | None:
    storage_class = _class_of(case)
    if storage_class is None or not waits_for_first_consumer(storage_class):
        return None
    if text(case.obj, "metadata", "annotations", _SELECTED):
        return None
    pods = [pod for pod in consumers(case, case.obj) if not text(pod, "spec", "nodeName")]
    if pods and text(storage_class, "provisioner") == _NO_PROVISIONER and not _any_fits(case):
        return None
    proof = [
        case.fact("spec", "storageClassName"),
        fact(storage_class, "volumeBindingMode"),
        _newest(case, "WaitForFirstConsumer", "WaitForPodScheduled"),
    ]
    told: dict[str, Any] = {"klass": text(storage_class, "metadata", "name")}
    if not pods:
        return case.tell("storage.wait-for-first-consumer", "Pending", "waiting", evidence=proof, **told)
    proof += [_use(pod, case.name) for pod in pods]
    causes = [found for pod in pods if (found := case.ask(pod)) and found.error]
    return case.tell(
        "storage.wait-for-pod-scheduled",
        "Pending",
        "waiting",
        evidence=proof,
        also=causes,
        pods=join(called(pod) for pod in pods),
        **told,
    )


def _any_fits(case: Case) -> bool:
    return any(not rejections(case.obj, volume) for volume in _volumes(case))


def _claim_provisioning(case: Case) -> Explanation | None:
    storage_class = _class_of(case)
    provisioner = text(storage_class, "provisioner")
    if storage_class is None or not provisioner or provisioner == _NO_PROVISIONER:
        return None
    name = text(storage_class, "metadata", "name")
    told: dict[str, Any] = {"klass": name, "provisioner": provisioner}
    proof = [
        *fields(case.obj, ("spec", "storageClassName"), ("metadata", "annotations", _SELECTED)),
        *fields(storage_class, ("provisioner",), ("volumeBindingMode",)),
    ]
    failed = [event for event in case.events_with("ProvisioningFailed") if not _stale(event, name)]
    if failed:
        message = text(failed[0], "message")
        told["message"] = message
        immediate = not waits_for_first_consumer(storage_class)
        code = "provisioning-needs-node" if immediate and _NEEDS_NODE.search(message) else "provisioning-failed"
        proof.append(event_fact(failed[0]))
        if code == "provisioning-needs-node":
            return case.tell("storage.provisioning-needs-node", "Pending", "error", evidence=proof, **told)
        return case.tell("storage.provisioning-failed", "Pending", "error", evidence=proof, **told)
    proof += [event_fact(event) for event in case.events_with("Provisioning", "ExternalProvisioning")[:2]]
    return case.tell("storage.provisioning", "Pending", "waiting", evidence=proof, **told)


def _stale(event: JSON, klass: str) -> bool:
    """Whether the event complains of a missing class that has come since."""
    return f'"{klass}" not found' in text(event, "message")


def _claim_released(case: Case) -> Explanation | None:
    refused = [(volume, rejections(case.obj, volume)) for volume in _volumes(case)]
    released = [volume for volume, reasons in refused if [reason.code for reason in reasons] == ["released"]]
    if not released:
        return None
    volume = released[0]
    proof = [
        *fields(volume, ("status", "phase"), ("spec", "claimRef", "name"), ("spec", "claimRef", "uid")),
        case.fact("metadata", "uid"),
        _newest(case, "FailedBinding", "ProvisioningFailed"),
    ]
    old = _claim_text(volume)
    return case.tell(
        "storage.volume-released",
        "Pending",
        "error",
        evidence=proof,
        volume=called(volume),
        name=text(volume, "metadata", "name"),
        old=old,
    )


def _claim_class_missing(case: Case) -> Explanation | None:
    name = claim_class(case.obj)
    if not name or _class_of(case) is not None:
        return None
    of_class = [volume for volume in _volumes(case) if volume_class(volume) == name]
    proof = [case.fact("spec", "storageClassName"), _newest(case, "ProvisioningFailed")]
    if not of_class:
        hint = nearest(name, case.names("StorageClass"))
        return case.tell("storage.class-missing", "Pending", "error", evidence=proof, klass=name, hint=hint)
    refused = [(volume, rejections(case.obj, volume)) for volume in of_class]
    return case.tell(
        "storage.class-used-up",
        "Pending",
        "error",
        evidence=[*proof, *_why_not_each(refused)],
        klass=name,
        count=len(of_class),
        counted=_counted(refused),
    )


def _claim_default_class(case: Case) -> Explanation | None:
    """No class named, and one that is to be the default: the controller puts it in."""
    if claim_class(case.obj) is not None:
        return None
    found = default_storage_class(case.snapshot.objects("StorageClass"))
    if found is None:
        return None
    name = text(found, "metadata", "name")
    proof = [fact(found, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class")]
    return case.tell("storage.default-class", "Pending", "waiting", evidence=proof, klass=name)


def _claim_no_match(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") not in ("Pending", ""):
        return None
    refused = [(volume, rejections(case.obj, volume)) for volume in _volumes(case)]
    event = _newest(case, "FailedBinding", "ProvisioningFailed")
    klass = _class_words(claim_class(case.obj))
    if not refused:
        return case.tell("storage.no-volumes", "Pending", "error", evidence=[*_asked(case), event], klass=klass)
    proof = [*_asked(case), event, *_why_not_each(refused)]
    common = _common(refused)
    told: dict[str, Any] = {
        "count": len(refused),
        "klass": klass,
        "size": str(requested_storage(case.obj)),
        "modes": join(access_modes(case.obj)),
        "mode": text(case.obj, "spec", "volumeMode") or "Filesystem",
        "counted": _counted(refused),
        **_largest(refused),
    }
    return case.tell(_COMMON.get(common, "storage.no-matching-volume"), "Pending", "error", evidence=proof, **told)


def _largest(refused: Refused) -> dict[str, Any]:
    volume = max((volume for volume, _ in refused), key=volume_storage)
    return {"largest": called(volume), "largest_size": str(volume_storage(volume))}


CLAIM: tuple[Matcher, ...] = (
    _claim_manifest,
    _claim_terminating,
    _claim_bound,
    _claim_lost,
    _claim_named_volume,
    _claim_about_to_bind,
    _claim_waits_for_consumer,
    _claim_provisioning,
    _claim_default_class,
    _claim_released,
    _claim_class_missing,
    _claim_no_match,
)


# -- volumes ------------------------------------------------------------------------------------------------


def _claim_of(case: Case) -> Object | None:
    """The claim that the volume's claimRef names, if it is still the same one."""
    reference = mapping(case.obj, "spec", "claimRef")
    found = case.find("PersistentVolumeClaim", text(reference, "name"), text(reference, "namespace"))
    return found if found is not None and is_bound_to(case.obj, found) else None


def _claim_text(volume: JSON) -> str:
    reference = mapping(volume, "spec", "claimRef")
    return "/".join(part for part in (text(reference, "namespace"), text(reference, "name")) if part)


def _held(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("status", "phase"),
        ("spec", "claimRef", "name"),
        ("spec", "claimRef", "uid"),
        ("spec", "persistentVolumeReclaimPolicy"),
    )


def _volume_manifest(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") or text(case.obj, "metadata", "uid"):
        return None
    return case.tell(
        "storage.volume-manifest",
        say("why.state.manifest"),
        evidence=fields(case.obj, ("spec", "capacity", "storage"), ("spec", "accessModes")),
    )


def _volume_terminating(case: Case) -> Explanation | None:
    if not case.deleting:
        return None
    held = strings(case.obj, "metadata", "finalizers")
    proof = fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "finalizers"), ("status", "phase"))
    bound = text(case.obj, "status", "phase") == "Bound"
    if "kubernetes.io/pv-protection" not in held or not bound:
        return _held_by_others(case, [] if held == ["kubernetes.io/pv-protection"] else held, proof)
    proof += fields(case.obj, ("spec", "claimRef", "name"))
    return case.tell(
        "storage.volume-in-use", say("why.state.terminating"), "waiting", evidence=proof, claim=_claim_text(case.obj)
    )


def _volume_bound(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Bound":
        return None
    claim = _claim_of(case)
    users = join(called(pod) for pod in consumers(case, claim)) if claim else ""
    used = say("why.volume.used-by", pods=users) if users else say("why.volume.used-by-nobody")
    return case.tell("storage.volume-bound", "Bound", evidence=_held(case), claim=_claim_text(case.obj), used=used)


def _volume_released(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Released":
        return None
    told: dict[str, Any] = {"claim": _claim_text(case.obj), "name": case.name}
    if not mapping(case.obj, "spec", "claimRef"):
        return case.tell("storage.volume-cleared", "Released", "waiting", evidence=_held(case))
    policy = text(case.obj, "spec", "persistentVolumeReclaimPolicy")
    if policy == "Delete":
        proof = [*_held(case), *(event_fact(e) for e in case.events_with("VolumeFailedDelete")[:1])]
        return case.tell("storage.volume-deleting", "Released", "waiting", evidence=proof, **told)
    if policy == "Recycle":
        return case.tell("storage.volume-recycling", "Released", "waiting", evidence=_held(case), **told)
    return case.tell("storage.volume-retained", "Released", "waiting", evidence=_held(case), **told)


def _volume_failed(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Failed":
        return None
    proof = [*_held(case), case.fact("status", "message"), *(event_fact(e) for e in case.events[:1])]
    message = text(case.obj, "status", "message") or text(case.obj, "status", "reason") or say("why.text.no-message")
    return case.tell("storage.reclaim-failed", "Failed", "error", evidence=proof, message=message)


def _volume_pending(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Pending":
        return None
    return case.tell("storage.volume-new", "Pending", "waiting", evidence=_held(case))


def _waiting_claims(case: Case) -> list[Object]:
    claims = case.snapshot.objects("PersistentVolumeClaim")
    return [claim for claim in claims if text(claim, "status", "phase") == "Pending"]


def _volume_available(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Available":
        return None
    claims = _waiting_claims(case)
    volumes = _volumes(case)
    for claim in claims:
        storage_class = case.find("StorageClass", claim_class(claim) or "")
        match = find_match(claim, volumes, delay_binding=waits_for_first_consumer(storage_class))
        if match is not None and text(match, "metadata", "name") == case.name:
            proof = [*_held(case), fact(claim, "status", "phase")]
            return case.tell(
                "storage.volume-about-to-bind", "Available", "waiting", evidence=proof, claim=called(claim)
            )
    if mapping(case.obj, "spec", "claimRef"):
        return case.tell("storage.volume-reserved", "Available", evidence=_held(case), claim=_claim_text(case.obj))
    fits = [claim for claim in claims if not rejections(claim, case.obj)]
    if fits:
        waiting = join(called(claim) for claim in fits)
        proof = [*_held(case), *(fact(claim, "spec", "storageClassName") for claim in fits)]
        return case.tell("storage.volume-waits-for-pod", "Available", evidence=proof, claims=waiting)
    if not claims:
        return case.tell("storage.volume-free", "Available", evidence=_held(case))
    refused = [note(claim, _reasons_words(rejections(claim, case.obj))) for claim in claims[:_MOST_VOLUMES]]
    return case.tell("storage.volume-unwanted", "Available", evidence=[*_held(case), *refused], count=len(claims))


VOLUME: tuple[Matcher, ...] = (
    _volume_manifest,
    _volume_terminating,
    _volume_bound,
    _volume_released,
    _volume_failed,
    _volume_pending,
    _volume_available,
)
