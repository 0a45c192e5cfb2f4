"""External provisioners: they make a volume for a claim that waits for one, some seconds later, and delete it again.

Rules: sigs.k8s.io/sig-storage-lib-external-provisioner (shouldProvision, provisionClaimOperation, shouldDelete). Which
provisioners run, and how they behave, is declared: `rancher.io/local-path` as recorded, any driver with a CSIDriver
object, and what a StorageClass says in the annotation `k8sviz/provisioner` (`after=5`, `node-local`, `fails=TEXT`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from k8sviz.cluster.controllers.binder import SELECTED_NODE
from k8sviz.cluster.controllers.kit import Controller, Key, claim_reference, key_of
from k8sviz.cluster.refused import Refused
from k8sviz.rules.binding import claim_class, requested_storage, waits_for_first_consumer
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.meta import is_terminating

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.history import Object

__all__ = ["Behaviour", "Provisioner", "behaviour_of"]

ANNOTATION = "k8sviz/provisioner"
_LOCAL_PATH = "rancher.io/local-path"
_FOLDER = "/opt/local-path-provisioner"
_MARK = "volume.kubernetes.io/storage-provisioner"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_AGAIN = 15.0  # seconds to the next try of what failed
_DELETE_AFTER = 2.0


class Behaviour(NamedTuple):
    """How a provisioner behaves: seconds until a volume is there, whether one node only reaches it, why it fails."""

    after: float = 1.0
    node_local: bool = False
    fails: str = ""


def behaviour_of(storage_class: Mapping[str, Any], drivers: frozenset[str]) -> Behaviour | None:
    """How the class's provisioner behaves; None when nobody runs it. `drivers` are the CSI drivers that there are.

    >>> behaviour_of({"provisioner": "rancher.io/local-path"}, frozenset())
    Behaviour(after=2.2, node_local=True, fails='')
    >>> behaviour_of({"provisioner": "ebs.csi.aws.com"}, frozenset()) is None
    True
    """
    name = text(storage_class, "provisioner")
    declared = text(storage_class, "metadata", "annotations", ANNOTATION)
    if not declared and name != _LOCAL_PATH and name not in drivers:
        return None
    found = Behaviour(2.2, node_local=True) if name == _LOCAL_PATH else Behaviour()
    for part in declared.split(","):
        key, _, value = part.strip().partition("=")
        if key == "after" and value.replace(".", "", 1).isdecimal():
            found = found._replace(after=min(float(value), 3600.0))
        elif key == "node-local":
            found = found._replace(node_local=value != "false")
        elif key == "fails":
            found = found._replace(fails=value or "failed")
    return found


class Provisioner(Controller):
    """All external provisioners of the cluster."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._working: set[str] = set()  # uids of claims and volumes

    def _seen(self, change: str, obj: Object) -> None:
        if change == "DELETED":
            return
        if obj["kind"] == "PersistentVolumeClaim" and _MARK in mapping(obj, "metadata", "annotations"):
            self.enqueue(key_of(obj))
        elif obj["kind"] == "PersistentVolume" and text(obj, "status", "phase") == "Released":
            self.enqueue(("", key_of(obj)[1]))

    def _sync(self, key: Key) -> None:
        if key[0]:
            claim = self.api.find("PersistentVolumeClaim", key[1], key[0])
            if claim is not None:
                self._consider(claim)
            return
        volume = self.api.find("PersistentVolume", key[1])
        if volume is not None:
            self._reclaim(volume)

    # -- making ----------------------------------------------------------------------------------------

    def _consider(self, claim: Object) -> None:
        """shouldProvision: the claim waits for this provisioner, and a node was chosen if its class waits for one."""
        uid = text(claim, "metadata", "uid")
        found = self.api.find("StorageClass", claim_class(claim) or "")
        if found is None or text(claim, "spec", "volumeName") or uid in self._working or is_terminating(claim):
            return
        if text(claim, "metadata", "annotations", _MARK) != text(found, "provisioner"):
            return
        if waits_for_first_consumer(found) and not text(claim, "metadata", "annotations", SELECTED_NODE):
            return
        drivers = frozenset(text(d, "metadata", "name") for d in self.api.list("CSIDriver"))
        behaviour = behaviour_of(found, drivers)
        if behaviour is None:
            return
        self._working.add(uid)
        namespace, name = key_of(claim)
        said = f'External provisioner is provisioning volume for claim "{namespace}/{name}"'
        self.cluster.event(claim, "Normal", "Provisioning", said, self._component(found))
        wait = 0.005 if self._refusal(claim, found, behaviour) else behaviour.after
        self.clock.later(wait, lambda: self._provision(claim, behaviour))

    @staticmethod
    def _component(storage_class: Object) -> str:
        """A provisioner's name as it writes Events: with its Pod's, and an identity."""
        name = text(storage_class, "provisioner")
        if name != _LOCAL_PATH:
            return name
        return f"{name}_local-path-provisioner-54745b98cf-kxnhn_04767621-f7d5-4eb6-a896-324b1a6134bc"

    @staticmethod
    def _refusal(claim: Object, storage_class: Object, behaviour: Behaviour) -> str:
        if behaviour.fails:
            return behaviour.fails
        if text(storage_class, "provisioner") != _LOCAL_PATH:
            return ""
        if not text(claim, "metadata", "annotations", SELECTED_NODE):
            return "configuration error, no node was specified"
        modes = strings(claim, "spec", "accessModes")
        if any(mode not in ("ReadWriteOnce", "ReadWriteOncePod") for mode in modes):
            return "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes"
        return ""

    def _provision(self, asked: Object, behaviour: Behaviour) -> None:
        self._working.discard(text(asked, "metadata", "uid"))
        claim = self.api.find("PersistentVolumeClaim", key_of(asked)[1], key_of(asked)[0])
        if claim is None or text(claim, "metadata", "uid") != text(asked, "metadata", "uid"):
            return
        found = self.api.find("StorageClass", claim_class(claim) or "")
        if found is None or text(claim, "spec", "volumeName"):
            return
        why = self._refusal(claim, found, behaviour)
        volume = _volume(claim, found, behaviour)
        try:
            if not why:
                self.api.create(volume)
        except Refused as refusal:
            why = "" if refusal.reason == "AlreadyExists" else str(refusal)
        if why:
            name = text(found, "metadata", "name")
            said = f'failed to provision volume with StorageClass "{name}": {why}'
            self.cluster.event(claim, "Warning", "ProvisioningFailed", said, self._component(found))
            self.enqueue(key_of(claim), _AGAIN, background=True)
            return
        said = f"Successfully provisioned volume {volume['metadata']['name']}"
        self.cluster.event(claim, "Normal", "ProvisioningSucceeded", said, self._component(found))

    # -- deleting --------------------------------------------------------------------------------------

    def _reclaim(self, volume: Object) -> None:
        """shouldDelete: a Released volume that it made, and that is not to be kept."""
        uid = text(volume, "metadata", "uid")
        made_by = text(volume, "metadata", "annotations", _PROVISIONED_BY)
        released = text(volume, "status", "phase") == "Released"
        if not made_by or not released or text(volume, "spec", "persistentVolumeReclaimPolicy") != "Delete":
            return
        if uid not in self._working and not is_terminating(volume):
            self._working.add(uid)
            self.clock.later(_DELETE_AFTER, lambda: self._delete(key_of(volume)[1], uid))

    def _delete(self, name: str, uid: str) -> None:
        self._working.discard(uid)
        volume = self.api.find("PersistentVolume", name)
        if volume is not None and text(volume, "metadata", "uid") == uid:
            self.api.delete("PersistentVolume", name)


def _volume(claim: Object, storage_class: Object, behaviour: Behaviour) -> dict[str, Any]:
    """The volume that a provisioner makes for a claim."""
    meta = claim["metadata"]
    provisioner = text(storage_class, "provisioner")
    name = f"pvc-{meta['uid']}"
    node = text(claim, "metadata", "annotations", SELECTED_NODE)
    local = provisioner == _LOCAL_PATH
    notes = {_PROVISIONED_BY: provisioner}
    if local and node:
        notes = {"local.path.provisioner/selected-node": node, **notes}
    spec: dict[str, Any] = {"capacity": {"storage": str(requested_storage(claim))}}
    if local:
        path = f"{_FOLDER}/{name}_{meta['namespace']}_{meta['name']}"
        spec["hostPath"] = {"path": path, "type": "DirectoryOrCreate"}
    else:
        spec["csi"] = {"driver": provisioner, "volumeHandle": name}
    spec["accessModes"] = strings(claim, "spec", "accessModes")
    spec["claimRef"] = claim_reference(claim)
    spec["persistentVolumeReclaimPolicy"] = text(storage_class, "reclaimPolicy") or "Delete"
    spec["storageClassName"] = text(storage_class, "metadata", "name")
    options = mapping(storage_class).get("mountOptions")
    if options:
        spec["mountOptions"] = options
    spec["volumeMode"] = text(claim, "spec", "volumeMode") or "Filesystem"
    if behaviour.node_local and node:
        term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}]}
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": [term]}}
    elif topology := listed(storage_class, "allowedTopologies"):
        terms = [{"matchExpressions": _expressions(term)} for term in topology]
        spec["nodeAffinity"] = {"required": {"nodeSelectorTerms": terms}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": notes, "finalizers": ["kubernetes.io/pv-protection"]},
        "spec": spec,
    }


def _expressions(term: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**expression, "operator": "In"} for expression in listed(term, "matchLabelExpressions")]
