"""Predicts which PersistentVolume each claim among some manifests gets, and why it cannot have the others.

Rule: pkg/controller/volume/persistentvolume/pv_controller.go (syncUnboundClaim, syncBoundClaim) and the
DefaultStorageClass admission plugin. All volumes and classes are there before the first claim.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from k8sviz.predict._pods import names_of
from k8sviz.rules import Reason
from k8sviz.rules.binding import (
    BIND_COMPLETED_ANNOTATION,
    Candidate,
    claim_class,
    classify,
    default_storage_class,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import mapped, mapping, string, text
from k8sviz.rules.objects import Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    JSON = Mapping[str, Any]

__all__ = ["BindingPrediction", "ClaimPrediction", "predict_binding"]

NO_PROVISIONER = "kubernetes.io/no-provisioner"


@dataclass(frozen=True, slots=True)
class ClaimPrediction:
    """One claim's fate: the volume it gets by name (None: it stays Pending), the reason, and what of every volume."""

    volume: str | None
    reason: Reason
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True, slots=True)
class BindingPrediction:
    """The claims' fates by name, in the order in which they were created."""

    claims: Mapping[str, ClaimPrediction]

    def to_json(self) -> dict[str, Any]:
        """`bound`: claim → volume or null; `why`: claim → the reason, and by volume what speaks against it."""
        return {
            "bound": {name: claim.volume for name, claim in self.claims.items()},
            "why": {name: _why(claim) for name, claim in self.claims.items()},
        }


def predict_binding(manifests: Iterable[object], *, namespace: str = "default") -> BindingPrediction:
    """The volume each claim gets, claims being created and bound one after the other in the order given.

    A claim that names no class gets the default StorageClass, if one is among the manifests; a class that is not is
    only compared by name. A claim whose class waits for its first consumer waits, unless a volume is reserved for it.

    >>> spec = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}
    >>> volume = {"kind": "PersistentVolume", "metadata": {"name": "pv"}, "spec": spec}
    >>> claims = [
    ...     {"kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    ...     for name in ("first", "second")
    ... ]
    >>> predict_binding([volume, *claims]).to_json()["bound"]
    {'first': 'pv', 'second': None}
    """
    objects = Objects(manifests, namespace=namespace)
    controller = _Controller(objects)
    claims = objects.of_kind("PersistentVolumeClaim")
    fates = {}
    for name, claim in zip(names_of(claims, objects, taken=frozenset()), claims, strict=True):
        fates[name] = controller.sync(_created(claim, objects))
    return BindingPrediction(fates)


class _Controller:
    """The volume controller's view: the volumes as they are after each claim."""

    def __init__(self, objects: Objects) -> None:
        self.objects = objects
        self.volumes = {text(volume, "metadata", "name"): volume for volume in objects.of_kind("PersistentVolume")}
        self.default = default_storage_class(objects.of_kind("StorageClass"))

    def sync(self, claim: JSON) -> ClaimPrediction:
        if string(claim, "metadata", "annotations", BIND_COMPLETED_ANNOTATION) is not None:
            return self.sync_bound(claim)
        existed = bool(text(claim, "status", "phase"))
        if existed:
            # a claim from before there was a default class may take a volume of no class first
            fate = self.sync_unbound(claim)
            if fate.volume is not None or not self.lacks_class(claim):
                return fate
        return self.sync_unbound(self.with_default_class(claim))

    def sync_bound(self, claim: JSON) -> ClaimPrediction:
        """A claim that was bound before keeps its volume, or has lost it."""
        name = text(claim, "spec", "volumeName")
        volume = self.volumes.get(name)
        reference = mapped(volume, "spec", "claimRef")
        uid = text(claim, "metadata", "uid")
        if volume is None or (reference is not None and text(reference, "uid") != uid):
            return ClaimPrediction(None, Reason("lost", {"volume": name}))
        return self.bind(claim, name, ())

    def sync_unbound(self, claim: JSON) -> ClaimPrediction:
        storage_class = self.objects.find("StorageClass", "", claim_class(claim) or "")
        delay = waits_for_first_consumer(storage_class)
        candidates = tuple(classify(claim, self.volumes.values(), delay_binding=delay))
        chosen = next((found for found in candidates if found.rank == 1), None)
        if chosen is not None:
            return self.bind(claim, text(chosen.volume, "metadata", "name"), candidates)
        return ClaimPrediction(None, self.pending(claim, storage_class), candidates)

    def bind(self, claim: JSON, name: str, candidates: tuple[Candidate, ...]) -> ClaimPrediction:
        volume = self.volumes[name]
        metadata = mapping(claim, "metadata")
        reference = {part: text(metadata, part) for part in ("name", "namespace", "uid")}
        spec = {**mapping(volume, "spec"), "claimRef": reference}
        self.volumes[name] = {**volume, "spec": spec, "status": {"phase": "Bound"}}
        return ClaimPrediction(name, Reason("bound", {"volume": name}), candidates)

    def pending(self, claim: JSON, storage_class: JSON | None) -> Reason:
        """Why a claim stays Pending."""
        named, wanted = text(claim, "spec", "volumeName"), claim_class(claim) or ""
        if named:
            code = "named-volume-refused" if named in self.volumes else "named-volume-not-found"
            return Reason(code, {"volume": named})
        if waits_for_first_consumer(storage_class):
            return Reason("waits-for-first-consumer", {"class": wanted})
        if not wanted:
            return Reason("no-volume-fits")
        if storage_class is None:
            return Reason("class-not-found", {"class": wanted})
        provisioner = text(storage_class, "provisioner")
        code = "class-provisions-nothing" if provisioner == NO_PROVISIONER else "provisioned"
        return Reason(code, {"class": wanted, "provisioner": provisioner})

    def lacks_class(self, claim: JSON) -> bool:
        return self.default is not None and claim_class(claim) is None

    def with_default_class(self, claim: JSON) -> JSON:
        if not self.lacks_class(claim):
            return claim
        return {**claim, "spec": {**mapping(claim, "spec"), "storageClassName": text(self.default, "metadata", "name")}}


def _created(claim: JSON, objects: Objects) -> JSON:
    """The claim with the namespace and uid that the API server gives it."""
    metadata = mapping(claim, "metadata")
    home = objects.namespace_of(claim)
    # no volume can name a uid that is yet to be made
    uid = text(metadata, "uid") or f"new claim {home}/{text(metadata, 'name')}"
    return {**claim, "metadata": {**metadata, "namespace": home, "uid": uid}}


def _why(claim: ClaimPrediction) -> dict[str, Any]:
    volumes = {
        text(found.volume, "metadata", "name"): [reason.to_json() for reason in found.reasons]
        for found in claim.candidates
        if found.reasons
    }
    return {**claim.reason.to_json(), "volumes": volumes}
