"""Objects as one reads them: the fields that stories, reasons and checks need, each by one name.

A view is made of any object and never fails: what is missing or of a wrong type is empty, as in `rules.fields`. It
holds the object and nothing else, so that it costs nothing to make; what needs more than one field is a rule.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from k8sviz.kinds import Ref
from k8sviz.rules import admission, binding, meta, pods, statefulset
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, strings, text
from k8sviz.rules.selectors import labels_of
from k8sviz.rules.services import is_headless, service_selector

__all__ = ["Claim", "Mount", "Pod", "PodVolume", "Service", "Thing", "Volume", "Workload", "mounts_of"]


class Text:
    """A field of a view: the string at a path, '' when it is missing."""

    def __init__(self, *path: str) -> None:
        self.path: Final = path

    def __get__(self, thing: Thing, owner: Any = None) -> str:
        return text(thing.json, *self.path)


class Number(Text):
    """A field of a view: the whole number at a path, 0 when it is missing."""

    def __get__(self, thing: Thing, owner: Any = None) -> int:  # type: ignore[override]
        return integer(thing.json, *self.path) or 0


class Thing:
    """Any object: its names, labels, owners and conditions."""

    __slots__ = ("json",)
    kind = Text("kind")
    name = Text("metadata", "name")
    namespace = Text("metadata", "namespace")
    uid = Text("metadata", "uid")
    phase = Text("status", "phase")

    def __init__(self, json: JSON | None) -> None:
        self.json: JSON = mapping(json)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.ref}>"

    @property
    def ref(self) -> Ref:
        """Kind, name and namespace."""
        return meta.ref_of(self.json)

    @property
    def labels(self) -> dict[str, str]:
        """metadata.labels."""
        return labels_of(self.json)

    @property
    def owner(self) -> JSON:
        """The controller among its owners, else the first one; empty when there is none."""
        return next(iter(meta.owners_of(self.json)), {})

    @property
    def terminating(self) -> bool:
        """Whether it was asked to go."""
        return meta.is_terminating(self.json)

    @property
    def observed(self) -> bool:
        """Whether it has a status: a manifest says nothing of how it goes."""
        return "status" in self.json

    def condition(self, kind: str) -> JSON:
        """The condition of that type; empty when there is none."""
        return meta.condition(self.json, kind)


# -- Pods --------------------------------------------------------------------------------------------


class PodVolume(NamedTuple):
    """One of a Pod's volumes: its name, its type (the key beside `name`), and what stands under it.

    `claim` is the claim that it names, or that is made for it (`ephemeral`); '' for any other type.
    """

    name: str
    type: str
    source: JSON
    claim: str = ""

    @property
    def is_token(self) -> bool:
        """Whether it is the volume that the API server adds to each Pod (pkg/admission/serviceaccount)."""
        return self.name.startswith("kube-api-access-") and self.type == "projected"


class Mount(NamedTuple):
    """Where a container has a volume: a folder or file, or a device."""

    volume: str
    path: str
    device: bool = False
    read_only: bool = False
    sub_path: str = ""


class Pod(Thing):
    """A Pod, or the template of one.

    >>> data = {"name": "data", "persistentVolumeClaim": {"claimName": "c"}}
    >>> pod = Pod({"metadata": {"name": "p"}, "spec": {"volumes": [data, "no volume"]}})
    >>> [(volume.name, volume.type, volume.claim) for volume in pod.volumes], pod.node
    ([('data', 'persistentVolumeClaim', 'c')], '')
    """

    __slots__ = ()
    node = Text("spec", "nodeName")
    address = Text("status", "podIP")

    @property
    def status(self) -> str:
        """The word in kubectl's STATUS column; '' in a manifest."""
        return pods.pod_status(self.json) if self.observed else ""

    @property
    def ready(self) -> bool:
        """Whether its Ready condition is True."""
        return pods.is_ready(self.json)

    @property
    def restarts(self) -> int:
        """How often its containers restarted, all together."""
        return pods.restarts(self.json)

    @property
    def account(self) -> str:
        """The ServiceAccount that it runs as."""
        return admission.service_account(self.json)

    @property
    def unschedulable(self) -> str:
        """The scheduler's message while no node fits; '' otherwise."""
        found = self.condition("PodScheduled")
        return (text(found, "message") or "Unschedulable") if text(found, "reason") == "Unschedulable" else ""

    @property
    def volumes(self) -> list[PodVolume]:
        """spec.volumes, of any type."""
        return [self._volume(entry) for entry in listed(self.json, "spec", "volumes")]

    @property
    def claims(self) -> list[str]:
        """The claims that its volumes name, or have made for themselves, each once."""
        return list(dict.fromkeys(volume.claim for volume in self.volumes if volume.claim))

    def _volume(self, entry: JSON) -> PodVolume:
        name = text(entry, "name")
        kind = next((key for key in entry if key != "name" and entry[key] is not None), "emptyDir")
        source = mapping(entry, kind)
        claim = text(source, "claimName") if kind == "persistentVolumeClaim" else ""
        return PodVolume(name, kind, source, f"{self.name}-{name}" if kind == "ephemeral" and self.name else claim)


def mounts_of(container: JSON) -> list[Mount]:
    """volumeMounts and volumeDevices of a container."""
    found = []
    for entry in listed(container, "volumeMounts"):
        sub_path = text(entry, "subPath") or text(entry, "subPathExpr")
        read_only = bool(flag(entry, "readOnly"))
        found.append(Mount(text(entry, "name"), text(entry, "mountPath"), read_only=read_only, sub_path=sub_path))
    devices = listed(container, "volumeDevices")
    return found + [Mount(text(entry, "name"), text(entry, "devicePath"), device=True) for entry in devices]


# -- claims and volumes ------------------------------------------------------------------------------


class _Stored(Thing):
    """What claims and PersistentVolumes have in common."""

    __slots__ = ()

    @property
    def block(self) -> bool:
        """Whether it is a raw device."""
        return text(self.json, "spec", "volumeMode") == "Block"

    @property
    def status(self) -> str:
        """The word in kubectl's STATUS column."""
        return "Terminating" if self.terminating else self.phase


class Claim(_Stored):
    """A PersistentVolumeClaim; `volume` is the one that it has, or asks for by name, `size` what its status says."""

    __slots__ = ()
    volume = Text("spec", "volumeName")
    size = Text("status", "capacity", "storage")

    @property
    def class_name(self) -> str | None:
        """The class that it names; None when it names none, '' when it wants none."""
        return binding.claim_class(self.json)

    @property
    def asked_modes(self) -> list[str]:
        """spec.accessModes."""
        return strings(self.json, "spec", "accessModes")

    @property
    def modes(self) -> list[str]:
        """status.accessModes."""
        return strings(self.json, "status", "accessModes")


class Volume(_Stored):
    """A PersistentVolume; `claim_uid` is set once a controller has bound it."""

    __slots__ = ()
    claim_uid = Text("spec", "claimRef", "uid")
    driver = Text("spec", "csi", "driver")

    @property
    def class_name(self) -> str:
        """Its class; '' for none."""
        return binding.volume_class(self.json)

    @property
    def claim(self) -> Ref | None:
        """spec.claimRef: the claim that has it, or for which it is kept."""
        found = mapped(self.json, "spec", "claimRef")
        return None if found is None else Ref("PersistentVolumeClaim", text(found, "name"), text(found, "namespace"))

    @property
    def policy(self) -> str:
        """persistentVolumeReclaimPolicy, Retain by default."""
        return text(self.json, "spec", "persistentVolumeReclaimPolicy") or "Retain"


# -- Services and workloads --------------------------------------------------------------------------


class Service(Thing):
    """A Service; `address` is its cluster IP."""

    __slots__ = ()
    address = Text("spec", "clusterIP")

    @property
    def type(self) -> str:
        """spec.type, ClusterIP by default."""
        return text(self.json, "spec", "type") or "ClusterIP"

    @property
    def selector(self) -> dict[str, str]:
        """spec.selector; empty where somebody else writes the endpoints."""
        return service_selector(self.json)

    @property
    def headless(self) -> bool:
        """Whether its name stands for the Pods themselves."""
        return is_headless(self.json)


class Workload(Thing):
    """What makes Pods: Deployment, ReplicaSet, StatefulSet, DaemonSet, Job, CronJob, ReplicationController.

    >>> Workload({"kind": "Deployment", "spec": {"replicas": "many"}}).replicas
    1
    """

    __slots__ = ()
    has = Number("status", "replicas")
    ready = Number("status", "readyReplicas")
    available = Number("status", "availableReplicas")
    updated = Number("status", "updatedReplicas")

    @property
    def template(self) -> JSON | None:
        """The Pod template; None when there is none."""
        path = ("spec", "jobTemplate", "spec", "template") if self.kind == "CronJob" else ("spec", "template")
        return mapped(self.json, *path)

    @property
    def pod(self) -> Pod:
        """The template as a Pod in the workload's namespace."""
        inside = {**mapping(self.template, "metadata"), "namespace": self.namespace}
        return Pod({**(self.template or {}), "metadata": inside})

    @property
    def replicas(self) -> int:
        """spec.replicas, 1 by default."""
        return statefulset.replicas_of(self.json)

    @property
    def min_ready(self) -> int:
        """spec.minReadySeconds."""
        return max(0, integer(self.json, "spec", "minReadySeconds") or 0)
