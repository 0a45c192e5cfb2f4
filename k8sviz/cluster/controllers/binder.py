"""The volume controller: claims and volumes find each other, at once or in its round of every 15 seconds.

Kubernetes' pkg/controller/volume/persistentvolume/pv_controller.go (v1.36); which volume fits is in `rules/binding`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8sviz.cluster.controllers.kit import Controller, Key, claim_reference, key_of, replaced
from k8sviz.rules.binding import (
    BIND_COMPLETED_ANNOTATION,
    bound_by_controller,
    claim_class,
    default_storage_class,
    find_match,
    is_bound_to,
    rejections,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import mapped, mapping, text

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["ROUND", "SELECTED_NODE", "VolumeBinder"]

ROUND = 15.0
_FIRST_ROUND = 6.0  # seconds after the History began, as in the recordings
SELECTED_NODE = "volume.kubernetes.io/selected-node"
_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_PROVISIONERS = ("volume.beta.kubernetes.io/storage-provisioner", "volume.kubernetes.io/storage-provisioner")
_COMPONENT = "persistentvolume-controller"
_UNFIT = {
    "terminating": "the volume is marked for deletion {name!r}",
    "too-small": "requested PV is too small",
    "class": "storageClassName does not match",
    "volume-attributes-class": "volumeAttributesClassName does not match",
    "volume-mode": "incompatible volumeMode",
    "access-mode": "incompatible accessMode",
}
"""What checkVolumeSatisfyClaim says, in the order in which it looks."""


class VolumeBinder(Controller):
    """Looks at a claim or a volume when it or its partner changed, and at all of them every 15 seconds."""

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods
        first = _FIRST_ROUND if cluster.chances.round is None else cluster.chances.round
        self.clock.later((first - self.clock.now) % ROUND, self._round, background=True)

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "PersistentVolumeClaim":
            if change != "DELETED":
                self.enqueue(key_of(obj))
            elif text(obj, "spec", "volumeName"):
                self.enqueue(("", text(obj, "spec", "volumeName")))
        elif kind == "PersistentVolume":
            if change != "DELETED":
                self.enqueue(("", key_of(obj)[1]))
            reference = mapping(obj, "spec", "claimRef")
            if change == "DELETED" and reference:
                self.enqueue((text(reference, "namespace"), text(reference, "name")))

    def _round(self) -> None:
        """Everything is looked at anew."""
        self.clock.later(ROUND, self._round, background=True)
        for kind in ("PersistentVolume", "PersistentVolumeClaim"):
            for obj in self.api.list(kind):
                self.enqueue(key_of(obj))

    def _sync(self, key: Key) -> None:
        namespace, name = key
        if not namespace:
            volume = self.api.find("PersistentVolume", name)
            if volume is not None:
                self._sync_volume(volume)
            return
        claim = self.api.find("PersistentVolumeClaim", name, namespace)
        if claim is None:
            return
        if BIND_COMPLETED_ANNOTATION in mapping(claim, "metadata", "annotations"):
            self._sync_bound(claim)
        elif text(claim, "spec", "volumeName"):
            self._sync_named(claim)
        else:
            self._sync_unbound(claim)

    # -- claims ----------------------------------------------------------------------------------------

    def _sync_unbound(self, claim: Object) -> None:
        """syncUnboundClaim, for a claim that takes any volume."""
        name = claim_class(claim) or ""
        found = self.api.find("StorageClass", name) if name else None
        waits = waits_for_first_consumer(found)
        volume = find_match(claim, self.api.list("PersistentVolume"), delay_binding=waits)
        if volume is not None:
            self._bind(dict(volume), claim)
            return
        if claim_class(claim) is None:
            default = default_storage_class(self.api.list("StorageClass"))
            if default is not None:
                self.api.replace(replaced(claim, "spec", "storageClassName", value=text(default, "metadata", "name")))
                return
        if waits and SELECTED_NODE not in mapping(claim, "metadata", "annotations"):
            self._tell_waiting(claim)
        elif name:
            self._ask_provisioner(claim, name, found)
            return
        else:
            said = "no persistent volumes available for this claim and no storage class is set"
            self.cluster.event(claim, "Normal", "FailedBinding", said, _COMPONENT)
        self._write_claim(claim, "Pending", None)

    def _tell_waiting(self, claim: Object) -> None:
        """Whether a Pod is there that could decide the node (emitEventForUnboundDelayBindingClaim)."""
        names = [
            text(pod, "metadata", "name")
            for pod in self.pods.users(key_of(claim))
            if not text(pod, "spec", "nodeName") and text(pod, "status", "phase") not in ("Failed", "Succeeded")
        ]
        if not names:
            said = "waiting for first consumer to be created before binding"
            self.cluster.event(claim, "Normal", "WaitForFirstConsumer", said, _COMPONENT)
            return
        which = f"pod {names[0]}" if len(names) == 1 else f"pods {','.join(names)}"
        self.cluster.event(claim, "Normal", "WaitForPodScheduled", f"waiting for {which} to be scheduled", _COMPONENT)

    def _ask_provisioner(self, claim: Object, name: str, found: Object | None) -> None:
        """Mark the claim for the class's provisioner (provisionClaim)."""
        provisioner = text(found, "provisioner")
        refused = ""
        if found is None:
            refused = f'storageclass.storage.k8s.io "{name}" not found'
        elif provisioner.startswith("kubernetes.io/"):
            refused = f"no volume plugin matched name: {provisioner}"
        if refused:
            self.cluster.event(claim, "Warning", "ProvisioningFailed", refused, _COMPONENT)
            return
        notes = mapping(claim, "metadata", "annotations")
        if any(text(notes, mark) != provisioner for mark in _PROVISIONERS):
            notes = {**notes, **dict.fromkeys(_PROVISIONERS, provisioner)}
            claim = self.api.replace(replaced(claim, "metadata", "annotations", value=notes))
        said = (
            f"Waiting for a volume to be created either by the external provisioner '{provisioner}' or manually by the"
            " system administrator. If volume creation is delayed, please verify that the provisioner is running and"
            " correctly registered."
        )
        self.cluster.event(claim, "Normal", "ExternalProvisioning", said, _COMPONENT)

    def _sync_named(self, claim: Object) -> None:
        """syncUnboundClaim, for a claim that names its volume."""
        name = text(claim, "spec", "volumeName")
        volume = self.api.find("PersistentVolume", name)
        if volume is None:
            self._write_claim(claim, "Pending", None)
            return
        reference = mapped(volume, "spec", "claimRef")
        if reference is not None and not is_bound_to(volume, claim):
            said = f'volume "{name}" already bound to a different claim.'
            self.cluster.event(claim, "Warning", "FailedBinding", said, _COMPONENT)
            self._write_claim(claim, "Pending", None)
            return
        unfit = {reason.code for reason in rejections(claim, volume)} if reference is None else set()
        words = [said.format(name=name) for code, said in _UNFIT.items() if code in unfit]
        if words:
            said = f'Cannot bind to requested volume "{name}": {words[0]}'.replace("'", '"')
            self.cluster.event(claim, "Warning", "VolumeMismatch", said, _COMPONENT)
            self._write_claim(claim, "Pending", None)
            return
        self._bind(volume, claim)

    def _sync_bound(self, claim: Object) -> None:
        """syncBoundClaim."""
        name = text(claim, "spec", "volumeName")
        volume = self.api.find("PersistentVolume", name) if name else None
        if volume is None:
            what = "its" if name else "reference to"
            said = f"Bound claim has lost {what} PersistentVolume. Data on the volume is lost!"
            self._lose(claim, "ClaimLost", said)
            return
        reference = mapped(volume, "spec", "claimRef")
        if reference is None or text(reference, "uid") == text(claim, "metadata", "uid"):
            self._bind(volume, claim)
        else:
            said = "Two claims are bound to the same volume, this one is bound incorrectly"
            self._lose(claim, "ClaimMisbound", said)

    def _lose(self, claim: Object, reason: str, said: str) -> None:
        if text(claim, "status", "phase") != "Lost":
            self._write_claim(claim, "Lost", None)
            self.cluster.event(claim, "Warning", reason, said, _COMPONENT)

    def _bind(self, volume: Object, claim: Object) -> None:
        """Both point to each other and are Bound, the volume first (bind)."""
        mine = is_bound_to(volume, claim)
        wanted = claim_reference(claim)
        same = all(text(volume, "spec", "claimRef", part) == wanted[part] for part in ("name", "namespace", "uid"))
        if not same:
            volume = replaced(volume, "spec", "claimRef", value=wanted)
        if not mine and not bound_by_controller(volume):
            volume = replaced(volume, "metadata", "annotations", _BY_CONTROLLER, value="yes")
        volume = self._write_phase(self.api.replace(volume), "Bound")
        notes = dict(mapping(claim, "metadata", "annotations"))
        if text(claim, "spec", "volumeName") != volume["metadata"]["name"]:
            claim = replaced(claim, "spec", "volumeName", value=volume["metadata"]["name"])
            notes.setdefault(_BY_CONTROLLER, "yes")
        notes.setdefault(BIND_COMPLETED_ANNOTATION, "yes")
        claim = self.api.replace(replaced(claim, "metadata", "annotations", value=notes))
        self._write_claim(claim, "Bound", volume)

    def _write_claim(self, claim: Object, phase: str, volume: Object | None) -> None:
        """updateClaimStatus: the capacity is taken over when the claim becomes Bound, and not later."""
        before = mapping(claim, "status")
        status: dict[str, Any] = {k: v for k, v in before.items() if k not in ("phase", "accessModes", "capacity")}
        status = {"phase": phase, **status}
        if volume is not None:
            status["accessModes"] = mapping(volume, "spec").get("accessModes")
            status["capacity"] = before.get("capacity")
            if text(before, "phase") != phase or not status["capacity"]:
                status["capacity"] = mapping(volume, "spec").get("capacity")
        if status != before:
            self.api.replace({**claim, "status": status}, subresource="status")

    # -- volumes ---------------------------------------------------------------------------------------

    def _sync_volume(self, volume: Object) -> None:
        """syncVolume."""
        reference = mapped(volume, "spec", "claimRef")
        if reference is None or not text(reference, "uid"):
            self._write_phase(volume, "Available")
            return
        claim = self.api.find("PersistentVolumeClaim", text(reference, "name"), text(reference, "namespace"))
        if claim is None or text(claim, "metadata", "uid") != text(reference, "uid"):
            self._release(volume)
        elif not text(claim, "spec", "volumeName"):
            self._sync_promised(volume, claim)
        elif text(claim, "spec", "volumeName") == text(volume, "metadata", "name"):
            self._write_phase(volume, "Bound")
        elif _PROVISIONED_BY in mapping(volume, "metadata", "annotations") and _policy(volume) == "Delete":
            self._release(volume)
        else:
            self._unbind(volume)

    def _sync_promised(self, volume: Object, claim: Object) -> None:
        """A volume that names a claim which does not name it yet: the claim's look completes that."""
        modes = [text(thing, "spec", "volumeMode") or "Filesystem" for thing in (volume, claim)]
        if modes[0] == modes[1]:
            self.enqueue(key_of(claim))
            return
        name, wanted = text(volume, "metadata", "name"), text(claim, "metadata", "name")
        why = "due to incompatible volumeMode."
        said = f'Cannot bind PersistentVolume to requested PersistentVolumeClaim "{wanted}" {why}'
        self.cluster.event(volume, "Warning", "VolumeMismatch", said, _COMPONENT)
        said = f'Cannot bind PersistentVolume "{name}" to requested PersistentVolumeClaim {why}'
        self.cluster.event(claim, "Warning", "VolumeMismatch", said, _COMPONENT)

    def _release(self, volume: Object) -> None:
        """The claim is gone: the volume is Released, and its reclaim policy begins (reclaimVolume)."""
        if text(volume, "status", "phase") not in ("Released", "Failed"):
            volume = self._write_phase(volume, "Released")
        if _policy(volume) == "Delete":
            self._delete_in_tree(volume)
        elif _policy(volume) == "Recycle":
            self._recycle(volume)

    def _delete_in_tree(self, volume: Object) -> None:
        """Only a hostPath below /tmp is deleted here; external provisioners delete what is theirs."""
        if "csi" in mapping(volume, "spec") or text(volume, "metadata", "annotations", _PROVISIONED_BY):
            return
        name, path = text(volume, "metadata", "name"), text(volume, "spec", "hostPath", "path")
        if "hostPath" not in mapping(volume, "spec"):
            said = f'error getting deleter volume plugin for volume "{name}": no deletable volume plugin matched'
            self._fail(volume, "VolumeFailedDelete", said)
        elif not re.search("/tmp/.+", path):  # noqa: S108 - as the hostPath plugin says it
            said = f"host_path deleter only supports /tmp/.+ but received provided {path}"
            self._fail(volume, "VolumeFailedDelete", said)
        elif "deletionTimestamp" not in volume["metadata"]:
            self.api.delete("PersistentVolume", name)

    def _recycle(self, volume: Object) -> None:
        if not mapping(volume, "spec").keys() & {"hostPath", "nfs"}:
            self._fail(volume, "VolumeFailedRecycle", "No recycler plugin found for the volume!")
            return
        self.cluster.event(volume, "Normal", "VolumeRecycled", "Volume recycled", _COMPONENT)
        self._unbind(volume)

    def _fail(self, volume: Object, reason: str, said: str) -> None:
        if text(volume, "status", "phase") != "Failed":
            volume = self._write_phase(volume, "Failed", said)
            self.cluster.event(volume, "Warning", reason, said, _COMPONENT)

    def _unbind(self, volume: Object) -> None:
        """The volume is free again, or promised again to the claim that a person named (unbindVolume)."""
        if bound_by_controller(volume):
            notes = {k: v for k, v in mapping(volume, "metadata", "annotations").items() if k != _BY_CONTROLLER}
            volume = replaced(volume, "metadata", "annotations", value=notes or None)
            volume = replaced(volume, "spec", "claimRef", value=None)
        else:
            volume = replaced(volume, "spec", "claimRef", "uid", value=None)
        self._write_phase(self.api.replace(volume), "Available")

    def _write_phase(self, volume: Object, phase: str, message: str = "") -> Object:
        before: Mapping[str, Any] = mapping(volume, "status")
        if text(before, "phase") == phase:
            return volume
        # the API server notes when the phase changed; Pending and Available at one's creation are one moment
        status = {**{k: v for k, v in before.items() if k != "message"}, "phase": phase}
        status["lastPhaseTransitionTime"] = self.clock.stamp()
        if message:
            status["message"] = message
        return self.api.replace({**volume, "status": status}, subresource="status")


def _policy(volume: Object) -> str:
    return text(volume, "spec", "persistentVolumeReclaimPolicy") or "Retain"
