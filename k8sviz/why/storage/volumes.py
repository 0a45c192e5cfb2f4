"""Volumes: whose they are, what becomes of them, and which claim they could have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.binding import claim_class, find_match, is_bound_to, rejections, waits_for_first_consumer
from k8sviz.rules.fields import mapping, strings, text
from k8sviz.why.case import Case, Matcher, called, event_fact, event_message, fact, fields, join, note
from k8sviz.why.finalizers import behind, data_goes, held_by
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.storage.choice import MOST_VOLUMES, reasons_words
from k8sviz.why.storage.reading import claim_text, consumers, volumes_of
from k8sviz.words import say

__all__ = ["VOLUME"]

JSON = Mapping[str, Any]

_FAILED = ("VolumeFailedDelete", "VolumeFailedRecycle", "VolumeUnknownReclaimPolicy")


def _claim_of(case: Case) -> Object | None:
    """The claim that the volume's claimRef names, if it is still the same one."""
    reference = mapping(case.obj, "spec", "claimRef")
    found = case.find("PersistentVolumeClaim", text(reference, "name"), text(reference, "namespace"))
    return found if found is not None and is_bound_to(case.obj, found) else None


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
    bound, state = text(case.obj, "status", "phase") == "Bound", say("why.state.terminating")
    if "kubernetes.io/pv-protection" not in held or not bound:
        return held_by(case, [] if held == ["kubernetes.io/pv-protection"] else held, proof, state)
    proof += fields(case.obj, ("spec", "claimRef", "name"))
    others = [behind(each) for each in held if each != "kubernetes.io/pv-protection"]
    told: dict[str, Any] = {
        "claim": claim_text(case.obj),
        "data": data_goes(case),
        "others": say("why.finalizer.also", who=join(others)) if others else "",
    }
    claim = _claim_of(case)
    cause = case.ask(claim) if text(claim, "metadata", "deletionTimestamp") else None
    return case.tell("storage.volume-in-use", state, "waiting", evidence=proof, also=[cause], **told)


def _volume_bound(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Bound":
        return None
    claim = _claim_of(case)
    users = join(called(pod) for pod in consumers(case, claim)) if claim else ""
    used = say("why.volume.used-by", pods=users) if users else say("why.volume.used-by-nobody")
    return case.tell("storage.volume-bound", "Bound", evidence=_held(case), claim=claim_text(case.obj), used=used)


def _volume_released(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Released":
        return None
    told: dict[str, Any] = {"claim": claim_text(case.obj), "name": case.name}
    if not mapping(case.obj, "spec", "claimRef"):
        return case.tell("storage.volume-cleared", "Released", "waiting", evidence=_held(case))
    policy = text(case.obj, "spec", "persistentVolumeReclaimPolicy")
    failed = case.events_with(*_FAILED)
    if failed:
        proof = [*_held(case), event_fact(failed[0])]
        return case.tell(
            "storage.reclaim-failed", "Released", "error", evidence=proof, message=event_message(failed[0])
        )
    if policy == "Delete":
        proof = _held(case)
        return case.tell("storage.volume-deleting", "Released", "waiting", evidence=proof, **told)
    if policy == "Recycle":
        return case.tell("storage.volume-recycling", "Released", "waiting", evidence=_held(case), **told)
    return case.tell("storage.volume-retained", "Released", "waiting", evidence=_held(case), **told)


def _volume_failed(case: Case) -> Explanation | None:
    if text(case.obj, "status", "phase") != "Failed":
        return None
    proof = [*_held(case), case.fact("status", "message"), *map(event_fact, case.events_with(*_FAILED)[:1])]
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
    volumes = volumes_of(case)
    for claim in claims:
        storage_class = case.find("StorageClass", claim_class(claim) or "")
        match = find_match(claim, volumes, delay_binding=waits_for_first_consumer(storage_class))
        if match is not None and text(match, "metadata", "name") == case.name:
            proof = [*_held(case), fact(claim, "status", "phase")]
            return case.tell(
                "storage.volume-about-to-bind", "Available", "waiting", evidence=proof, claim=called(claim)
            )
    if mapping(case.obj, "spec", "claimRef"):
        return case.tell("storage.volume-reserved", "Available", evidence=_held(case), claim=claim_text(case.obj))
    fits = [claim for claim in claims if not rejections(claim, case.obj)]
    if fits:
        waiting = join(called(claim) for claim in fits)
        proof = [*_held(case), *(fact(claim, "spec", "storageClassName") for claim in fits)]
        return case.tell("storage.volume-waits-for-pod", "Available", evidence=proof, claims=waiting)
    if not claims:
        return case.tell("storage.volume-free", "Available", evidence=_held(case))
    refused = [note(claim, reasons_words(rejections(claim, case.obj))) for claim in claims[:MOST_VOLUMES]]
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
