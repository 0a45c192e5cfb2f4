"""Growing volumes: a claim that asks for more gets it, first the volume, then the file system on the node.

Kubernetes' external-resizer and the kubelet's resize (v1.36); admission refuses it where the class does not allow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, replaced
from k8sviz.rules.binding import requested_storage, volume_storage
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.pods import is_ready
from k8sviz.rules.quantity import quantity_or_none

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["VolumeExpansion"]

_RESIZE = 1.0  # seconds that a driver takes
_KUBELET = 1.0


class VolumeExpansion(Controller):
    """Follows claims that are bound and ask for more than they have."""

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods
        self._told: set[str] = set()

    def _seen(self, change: str, obj: Object) -> None:
        if obj["kind"] == "PersistentVolumeClaim" and change != "DELETED":
            self.enqueue(key_of(obj))
        elif obj["kind"] == "Pod" and change == "MODIFIED" and is_ready(obj):
            for volume in listed(obj, "spec", "volumes"):
                name = text(volume, "persistentVolumeClaim", "claimName")
                if name:
                    self.enqueue((key_of(obj)[0], name))

    def _sync(self, key: Key) -> None:
        claim = self.api.find("PersistentVolumeClaim", key[1], key[0])
        if claim is None or text(claim, "status", "phase") != "Bound":
            return
        volume = self.api.find("PersistentVolume", text(claim, "spec", "volumeName"))
        has = quantity_or_none(mapping(claim, "status", "capacity").get("storage"))
        if volume is None or has is None or requested_storage(claim) <= has:
            return
        if "csi" not in mapping(volume, "spec"):
            self._wait_for_somebody(claim)
        elif volume_storage(volume) < requested_storage(claim):
            self._resize(claim)
        elif any(is_ready(pod) for pod in self.pods.users(key)):
            self.clock.later(_KUBELET, lambda: self._finish(key))

    def _wait_for_somebody(self, claim: Object) -> None:
        uid = text(claim, "metadata", "uid")
        if uid not in self._told:
            self._told.add(uid)
            said = "waiting for an external controller to expand this PVC"
            self.cluster.event(claim, "Normal", "ExternalExpanding", said, "volume_expand")

    def _resize(self, claim: Object) -> None:
        """The driver grows the volume; the file system is still as it was."""
        if any(text(c, "type") == "Resizing" for c in listed(claim, "status", "conditions")):
            return
        driver = text(self._volume(claim), "spec", "csi", "driver")
        said = f"External resizer is resizing volume {text(claim, 'spec', 'volumeName')}"
        self.cluster.event(claim, "Normal", "Resizing", said, f"external-resizer {driver}")
        self._with_condition(claim, "Resizing", "")
        key = key_of(claim)
        self.clock.later(_RESIZE, lambda: self._resized(key))

    def _volume(self, claim: Object) -> Object | None:
        return self.api.find("PersistentVolume", text(claim, "spec", "volumeName"))

    def _resized(self, key: Key) -> None:
        claim = self.api.find("PersistentVolumeClaim", key[1], key[0])
        volume = self._volume(claim) if claim is not None else None
        if claim is None or volume is None:
            return
        wanted = mapping(claim, "spec", "resources", "requests").get("storage")
        self.api.replace(replaced(volume, "spec", "capacity", "storage", value=wanted))
        said = "Require file system resize of volume on node"
        driver = text(volume, "spec", "csi", "driver")
        self.cluster.event(claim, "Normal", "FileSystemResizeRequired", said, f"external-resizer {driver}")
        waiting = "Waiting for user to (re-)start a pod to finish file system resize of volume on node."
        self._with_condition(claim, "FileSystemResizePending", waiting)

    def _finish(self, key: Key) -> None:
        """The kubelet of a running Pod grows the file system."""
        claim = self.api.find("PersistentVolumeClaim", key[1], key[0])
        volume = self._volume(claim) if claim is not None else None
        if claim is None or volume is None:
            return
        status: dict[str, Any] = {**mapping(claim, "status"), "capacity": mapping(volume, "spec").get("capacity")}
        status.pop("conditions", None)
        if status == mapping(claim, "status"):
            return
        written = self.api.replace({**claim, "status": status}, subresource="status")
        for pod in self.pods.users(key):
            said = "MountVolume.NodeExpandVolume succeeded for volume "
            node = text(pod, "spec", "nodeName")
            name = f'"{text(volume, "metadata", "name")}"'
            self.cluster.event(pod, "Normal", "FileSystemResizeSuccessful", said + name, "kubelet", host=node)
            self.cluster.event(written, "Normal", "FileSystemResizeSuccessful", said + name, "kubelet", host=node)

    def _with_condition(self, claim: Object, kind: str, message: str) -> None:
        condition: Mapping[str, Any] = {
            "type": kind,
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": self.clock.stamp(),
            **({"message": message} if message else {}),
        }
        status = {**mapping(claim, "status"), "conditions": [condition]}
        self.api.replace({**claim, "status": status}, subresource="status")
