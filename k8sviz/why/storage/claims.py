"""Claims: bound and how, lost, going, or about to bind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from k8sviz.errors import nearest
from k8sviz.rules.binding import (
    Candidate,
    as_asked,
    bound_by_controller,
    claim_class,
    classify,
    find_match,
    is_bound_to,
    rejections,
    volume_storage,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import strings, text
from k8sviz.why.case import Case, called, fact, fields, join, note
from k8sviz.why.finalizers import behind, data_goes, held_by
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.storage.choice import reasons_words, why_not_each
from k8sviz.why.storage.reading import asked, class_of, class_words, consumers, newest, use_of, volumes_of
from k8sviz.words import say

__all__ = ["about_to_bind", "bound", "from_manifest", "lost", "named_volume", "terminating"]

JSON = Mapping[str, Any]


_PROVISIONED = "pv.kubernetes.io/provisioned-by"


def from_manifest(case: Case) -> Explanation | None:
    """The claim comes from a file."""
    if text(case.obj, "status", "phase") or text(case.obj, "metadata", "uid"):
        return None
    storage_class = class_of(case)
    match = find_match(case.obj, volumes_of(case), delay_binding=waits_for_first_consumer(storage_class))
    would = say("why.manifest.bind", volume=called(match)) if match else say("why.manifest.no-bind")
    return case.tell("storage.manifest", say("why.state.manifest"), evidence=asked(case), would=would)


def terminating(case: Case) -> Explanation | None:
    """The claim is marked for deletion."""
    if not case.deleting:
        return None
    held = strings(case.obj, "metadata", "finalizers")
    proof = fields(case.obj, ("metadata", "deletionTimestamp"), ("metadata", "finalizers"))
    state = say("why.state.terminating")
    if "kubernetes.io/pvc-protection" not in held:
        return held_by(case, held, proof, state)
    # the kubelet only sees scheduled Pods; finished ones count until they are gone
    users = [pod for pod in consumers(case, case.obj) if text(pod, "spec", "nodeName")]
    if not users:
        return case.tell("storage.claim-released-soon", state, "waiting", evidence=proof)
    uses = [use_of(pod, case.name) for pod in users]
    others = [behind(each) for each in held if each != "kubernetes.io/pvc-protection"]
    told: dict[str, Any] = {
        "pods": join(called(pod) for pod in users),
        "data": data_goes(case),
        "others": say("why.finalizer.also", who=join(others)) if others else "",
    }
    return case.tell("storage.claim-in-use", state, "waiting", evidence=[*proof, *uses], **told)


def bound(case: Case) -> Explanation | None:
    """The claim has its volume: which, and why that one."""
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
            klass=class_words(claim_class(case.obj)),
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
    others = why_not_each([(dict(c.volume), c.reasons) for c in candidates if c.rank != 1])
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


def lost(case: Case) -> Explanation | None:
    """The claim's volume is gone."""
    if text(case.obj, "status", "phase") != "Lost":
        return None
    proof = [*fields(case.obj, ("status", "phase"), ("spec", "volumeName")), newest(case, "ClaimLost", "ClaimMisbound")]
    return case.tell("storage.claim-lost", "Lost", "error", evidence=proof, volume=text(case.obj, "spec", "volumeName"))


def named_volume(case: Case) -> Explanation | None:
    """The claim names a volume that it cannot have."""
    name = text(case.obj, "spec", "volumeName")
    if not name:
        return None
    volume = case.snapshot.get("PersistentVolume", name)
    proof = [case.fact("spec", "volumeName"), newest(case, "VolumeMismatch", "FailedBinding", "ClaimMisbound")]
    told: dict[str, Any] = {"volume": f"pv/{name}"}
    if volume is None:
        hint = nearest(name, case.names("PersistentVolume"))
        return case.tell("storage.named-volume-missing", "Pending", "error", evidence=proof, hint=hint, **told)
    reasons = rejections(case.obj, volume)
    if not reasons:
        return None
    proof += [*asked(case), note(volume, reasons_words(reasons)), fact(volume, "spec", "claimRef", "name")]
    words = reasons_words(reasons)
    taken = {"released", "claimed-by-another"} & {reason.code for reason in reasons}
    code = "storage.named-volume-taken" if taken else "storage.named-volume-unfit"
    return case.tell(code, "Pending", "error", evidence=proof, reasons=words, **told)


def about_to_bind(case: Case) -> Explanation | None:
    """A volume fits, and the controller has not bound it yet."""
    delay = waits_for_first_consumer(class_of(case))
    match = find_match(case.obj, volumes_of(case), delay_binding=delay)
    if match is None:
        return None
    volume = dict(match)
    proof = [
        *asked(case),
        *fields(volume, ("spec", "capacity", "storage"), ("spec", "accessModes"), ("status", "phase")),
    ]
    return case.tell("storage.about-to-bind", "Pending", "waiting", evidence=proof, volume=called(volume))
