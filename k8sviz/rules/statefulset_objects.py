"""What a StatefulSet's controller writes: its revisions, its Pods, their claims and the claims' owners, its status.

Rules: pkg/controller/statefulset (stateful_set_utils.go, stateful_pod_control.go, stateful_set_control.go) and
pkg/controller/history, as of v1.36.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from k8sviz.rules.availability import available_from
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.fields import JSON, integer, listed, mapping, text
from k8sviz.rules.hashes import revision_hash
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.pods import is_ready
from k8sviz.rules.statefulset import (
    REVISION_LABEL,
    Member,
    claim_name,
    ordinal_of,
    replicas_of,
    retention_policy,
    start_ordinal,
    updates_on_delete,
)

__all__ = [
    "claims_of",
    "is_stale",
    "live_revisions",
    "member_of",
    "pod_of",
    "revision_data",
    "revision_of_template",
    "surplus_revisions",
    "template_of",
    "wanted_owners",
    "with_status",
]

_HASH_LABEL: Final = "controller.kubernetes.io/hash"
_HISTORY_LIMIT: Final = 10


def revision_data(statefulset: JSON) -> dict[str, Any]:
    """The `data` of the ControllerRevision that the set's template asks for (getPatch)."""
    return {"spec": {"template": {**mapping(statefulset, "spec", "template"), "$patch": "replace"}}}


def template_of(revision: JSON) -> dict[str, Any]:
    """The Pod template that a ControllerRevision keeps."""
    kept = mapping(revision, "data", "spec", "template")
    return {name: value for name, value in kept.items() if name != "$patch"}


def revision_of_template(statefulset: JSON, number: int, collisions: int, owner: JSON) -> dict[str, Any]:
    """The ControllerRevision of the set's present template; `owner` is the ownerReferences entry (newRevision)."""
    data = revision_data(statefulset)
    mark = revision_hash(data, collisions)
    labels = mapping(statefulset, "spec", "template", "metadata", "labels")
    notes = mapping(statefulset, "metadata", "annotations")
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": f"{text(statefulset, 'metadata', 'name')[:223]}-{mark}",
            "namespace": text(statefulset, "metadata", "namespace"),
            "labels": {**labels, _HASH_LABEL: mark},
            **({"annotations": dict(notes)} if notes else {}),
            "ownerReferences": [owner],
        },
        "data": data,
        "revision": number,
    }


def member_of(statefulset: JSON, pod: JSON, now: float) -> Member:
    """A Pod as the set's controller sees it at `now`, in seconds since 1970; a strange name has ordinal -1."""
    ordinal = ordinal_of(text(pod, "metadata", "name"), text(statefulset, "metadata", "name"))
    seconds = min_ready_seconds(statefulset)
    ready = is_ready(pod) and text(pod, "status", "phase") == "Running"
    since = available_from(pod, seconds) if ready else None
    return Member(
        -1 if ordinal is None else ordinal,
        text(pod, "metadata", "labels", REVISION_LABEL),
        ready,
        since is not None and (seconds <= 0 or since <= now),
        is_terminating(pod),
        text(pod, "status", "phase") in ("Failed", "Succeeded"),
    )


def live_revisions(pods: Iterable[JSON], names: Iterable[str]) -> set[str]:
    """The revisions that something still is of: these names, and those of the Pods."""
    return {*names, *(text(pod, "metadata", "labels", REVISION_LABEL) for pod in pods)}


def surplus_revisions(statefulset: JSON, revisions: Sequence[JSON], live: set[str]) -> list[str]:
    """The names of old revisions beyond revisionHistoryLimit, the lowest first (truncateHistory)."""
    limit = integer(statefulset, "spec", "revisionHistoryLimit")
    old = [text(r, "metadata", "name") for r in revisions if text(r, "metadata", "name") not in live]
    return old[: max(0, len(old) - (_HISTORY_LIMIT if limit is None else limit))]


def pod_of(statefulset: JSON, template: JSON, revision: str, ordinal: int, owner: JSON) -> dict[str, Any]:
    """The Pod of an ordinal, made from this template of this revision (newStatefulSetPod)."""
    name = f"{text(statefulset, 'metadata', 'name')}-{ordinal}"
    labels = {
        **mapping(template, "metadata", "labels"),
        "apps.kubernetes.io/pod-index": str(ordinal),
        REVISION_LABEL: revision,
        "statefulset.kubernetes.io/pod-name": name,
    }
    notes = mapping(template, "metadata", "annotations")
    spec = dict(mapping(template, "spec"))
    spec["volumes"] = _volumes(statefulset, listed(spec, "volumes"), ordinal)
    if not spec["volumes"]:
        del spec["volumes"]
    spec["hostname"] = name
    if text(statefulset, "spec", "serviceName"):
        spec["subdomain"] = text(statefulset, "spec", "serviceName")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "generateName": f"{text(statefulset, 'metadata', 'name')}-",
            "namespace": text(statefulset, "metadata", "namespace"),
            "labels": labels,
            **({"annotations": dict(notes)} if notes else {}),
            "ownerReferences": [owner],
        },
        "spec": spec,
    }


def _volumes(statefulset: JSON, own: Sequence[JSON], ordinal: int) -> list[JSON]:
    """The Pod's claims as volumes, in place of volumes of the same name (updateStorage)."""
    set_name = text(statefulset, "metadata", "name")
    names = [text(t, "metadata", "name") for t in listed(statefulset, "spec", "volumeClaimTemplates")]
    claims = [{"name": n, "persistentVolumeClaim": {"claimName": claim_name(n, set_name, ordinal)}} for n in names]
    return [*claims, *(volume for volume in own if text(volume, "name") not in names)]


def claims_of(statefulset: JSON, ordinal: int) -> list[dict[str, Any]]:
    """The claims of an ordinal, as the controller creates them (getPersistentVolumeClaims)."""
    wanted = mapping(statefulset, "spec", "selector", "matchLabels")
    found = []
    for template in listed(statefulset, "spec", "volumeClaimTemplates"):
        name = claim_name(text(template, "metadata", "name"), text(statefulset, "metadata", "name"), ordinal)
        labels = {**mapping(template, "metadata", "labels"), **wanted}
        notes = mapping(template, "metadata", "annotations")
        found.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {
                    "name": name,
                    "namespace": text(statefulset, "metadata", "namespace"),
                    **({"labels": labels} if labels else {}),
                    **({"annotations": dict(notes)} if notes else {}),
                },
                "spec": dict(mapping(template, "spec")),
            }
        )
    return found


# -- whose the claims are ----------------------------------------------------------------------------


def _names(reference: JSON, owner: JSON) -> bool:
    fields = ("apiVersion", "kind", "name")
    return all(text(reference, field) == text(owner, field) for field in fields)


def is_stale(statefulset: JSON, claim: JSON, pod: JSON) -> bool:
    """Whether a claim is still owned by an earlier Pod of this name, so that the new one must wait (PodClaimIsStale).

    `pod` is an ownerReferences entry of the new Pod, whose uid may be ''.
    """
    if not retention_policy(statefulset)[0]:
        return False
    owner = next((r for r in listed(claim, "metadata", "ownerReferences") if _names(r, pod)), None)
    return owner is not None and text(owner, "uid") != text(pod, "uid")


def wanted_owners(statefulset: JSON, claim: JSON, owner: JSON, pod: JSON, ordinal: int) -> list[JSON] | None:
    """The owners that a claim gets by persistentVolumeClaimRetentionPolicy; None when they stay as they are.

    `owner` and `pod` are the ownerReferences entries of the set and of the Pod. With whenDeleted Delete the set owns
    it, with whenScaled Delete the Pod that is to go does (isClaimOwnerUpToDate, updateClaimOwnerRefForSetAndPod).
    """
    before = listed(claim, "metadata", "ownerReferences")
    ours = [r for r in before if _names(r, owner) or _names(r, pod)]
    if any(text(r, "uid") not in (text(owner, "uid"), text(pod, "uid")) for r in ours):
        return None  # of an earlier set or Pod of the same name, which the garbage collector will see
    others = [r for r in before if r not in ours]
    when_scaled, when_deleted = retention_policy(statefulset)
    strange = (when_scaled or when_deleted) and any(r.get("controller") is True for r in others)
    start = start_ordinal(statefulset)
    leaving = not start <= ordinal < start + replicas_of(statefulset)
    after = list(others)
    if not strange and when_deleted and not (when_scaled and leaving):
        after.append(owner)
    if not strange and when_scaled and leaving:
        after.append(pod)
    same = [text(r, "uid") for r in after] == [text(r, "uid") for r in before]
    return None if same and all(r.get("controller") is True for r in ours) else after


# -- status ------------------------------------------------------------------------------------------


def with_status(
    statefulset: JSON, members: Sequence[Member], current: str, update: str, *, updating: int = 0
) -> dict[str, Any]:
    """The set's status (updateStatus, completeRollingUpdate); `updating` Pods were just deleted for the update.

    >>> members = [Member(0, "r2", ready=True, available=True)]
    >>> with_status({"metadata": {"generation": 3}, "spec": {"replicas": 1}}, members, "r1", "r2")["currentRevision"]
    'r2'
    """
    living = [m for m in members if not m.terminating]
    ready = sum(m.ready for m in members)
    updated = sum(m.revision == update for m in living)
    kept = sum(m.revision == current for m in living) - updating
    replicas = replicas_of(statefulset)
    if not updates_on_delete(statefulset) and updated == ready == len(members) == replicas:
        current, kept = update, updated
    counts = {"readyReplicas": ready, "currentReplicas": kept, "updatedReplicas": updated}
    status: dict[str, Any] = {
        "observedGeneration": integer(statefulset, "metadata", "generation"),
        "replicas": len(members),
        **{name: count for name, count in counts.items() if count},
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": integer(statefulset, "status", "collisionCount") or 0,
        "availableReplicas": sum(m.available for m in members),
    }
    conditions = listed(statefulset, "status", "conditions")
    return {**status, "conditions": conditions} if conditions else status
