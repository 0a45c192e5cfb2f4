"""What a Pod's claims allow: which nodes, which volumes, and what is still to be bound (VolumeBinding).

Rule: pkg/scheduler/framework/plugins/volumebinding; the choices themselves are `rules/binding`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from k8sviz.history import Object
from k8sviz.rules.binding import (
    claim_class,
    find_match_on_node,
    is_bound_to,
    volume_fits_node,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import listed, mapped, strings, text
from k8sviz.rules.scheduling import Refused
from k8sviz.rules.selectors import labels_of, matches_node_terms

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["Claims", "Placement", "claim_names", "look_at_claims", "place"]

_BOUND = "pv.kubernetes.io/bind-completed"
_NO_PROVISIONER = "kubernetes.io/no-provisioner"
_CONFLICT = Refused("node(s) didn't match PersistentVolume's node affinity")
_NONE_FREE = Refused("node(s) didn't find available persistent volumes to bind")
_LOST = Refused("node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)")
_IN_USE = Refused(
    "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode already in-use by another pod",
    helpless=False,
)


class Claims(NamedTuple):
    """A Pod's claims: `whole` is what keeps it from every node; the volumes of bound claims; claims still to bind."""

    whole: str = ""
    volumes: tuple[Object, ...] = ()
    lost: bool = False
    waiting: tuple[Object, ...] = ()
    alone: bool = False  # a ReadWriteOncePod claim that another Pod uses


class Placement(NamedTuple):
    """What is to be done for the claims once a node is chosen: volumes to take, claims to make volumes for."""

    take: tuple[tuple[Object, Object], ...] = ()
    make: tuple[Object, ...] = ()


def claim_names(pod: Object) -> list[str]:
    """The names of the claims that a Pod uses, also those made for its ephemeral volumes."""
    found = []
    for volume in listed(pod, "spec", "volumes"):
        if text(volume, "persistentVolumeClaim", "claimName"):
            found.append(text(volume, "persistentVolumeClaim", "claimName"))
        elif mapped(volume, "ephemeral") is not None:
            found.append(f"{text(pod, 'metadata', 'name')}-{text(volume, 'name')}")
    return found


def look_at_claims(api: API, pod: Object) -> Claims:
    """Where a Pod's claims stand."""
    namespace = text(pod, "metadata", "namespace")
    volumes, waiting, lost, alone = [], [], False, False
    for name in claim_names(pod):
        claim = api.find("PersistentVolumeClaim", name, namespace)
        if claim is None:
            return Claims(f'persistentvolumeclaim "{name}" not found')
        if "deletionTimestamp" in claim["metadata"]:
            return Claims(f'persistentvolumeclaim "{name}" is being deleted')
        if "ReadWriteOncePod" in strings(claim, "spec", "accessModes"):
            alone = alone or _used_by_another(api, pod, name)
        volume = text(claim, "spec", "volumeName")
        if volume and _BOUND in claim["metadata"].get("annotations", {}):
            found = api.find("PersistentVolume", volume)
            lost = lost or found is None
            volumes += [found] if found is not None else []
        elif volume or not waits_for_first_consumer(api.find("StorageClass", claim_class(claim) or "")):
            return Claims("pod has unbound immediate PersistentVolumeClaims")
        else:
            waiting.append(claim)
    return Claims("", tuple(volumes), lost, tuple(waiting), alone)


def _used_by_another(api: API, pod: Object, claim: str) -> bool:
    return any(
        claim in claim_names(other) and text(other, "spec", "nodeName") and other is not pod
        for other in api.list("Pod", text(pod, "metadata", "namespace"))
    )


def place(api: API, claims: Claims, node: Object) -> Placement | Refused:
    """What a node means for the claims, or why it cannot be."""
    if claims.alone:
        return _IN_USE
    if claims.lost:
        return _LOST
    if not all(volume_fits_node(volume, node) for volume in claims.volumes):
        return _CONFLICT
    if not claims.waiting:
        return Placement()
    volumes = api.list("PersistentVolume")
    take: list[tuple[Object, Object]] = []
    make: list[Object] = []
    for claim in sorted(claims.waiting, key=lambda each: text(each, "metadata", "name")):
        taken = [text(volume, "metadata", "name") for _, volume in take]
        chosen = text(claim, "metadata", "annotations", "volume.kubernetes.io/selected-node")
        volume = find_match_on_node(claim, volumes, node, excluded=taken)
        if volume is not None:
            take.append((claim, dict(volume)))
        elif chosen and chosen != text(node, "metadata", "name"):
            return _NONE_FREE
        elif _can_make(api, claim, node):
            make.append(claim)
        else:
            return _CONFLICT if any(is_bound_to(each, claim) for each in volumes) else _NONE_FREE
    return Placement(tuple(take), tuple(make))


def _can_make(api: API, claim: Object, node: Object) -> bool:
    """Whether the claim's class makes volumes that this node can reach."""
    found = api.find("StorageClass", claim_class(claim) or "")
    if found is None or text(found, "provisioner") in ("", _NO_PROVISIONER):
        return False
    terms = listed(found, "allowedTopologies")
    if not terms:
        return True
    as_terms = [
        {"matchExpressions": [{**each, "operator": "In"} for each in listed(term, "matchLabelExpressions")]}
        for term in terms
    ]
    return matches_node_terms(as_terms, labels_of(node))
