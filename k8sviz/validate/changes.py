"""What an update may not change: fields that are fixed once the object is there (the API's Update validations).

Compared as written: a field that a manifest leaves out may have been set by the API server, so only fields that both
texts have, or that one of them adds, can differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import flag, listed, mapping, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value

__all__ = ["update_problems"]

JSON = Mapping[str, Any]

_STATEFUL_SET: Final = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "minReadySeconds",
    "persistentVolumeClaimRetentionPolicy",
)
_VOLUME: Final = (
    "accessModes",
    "capacity",
    "claimRef",
    "mountOptions",
    "nodeAffinity",
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
)
_SELECTOR: Final = (("spec", "selector"),)
_FIXED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Deployment": _SELECTOR,
    "ReplicaSet": _SELECTOR,
    "DaemonSet": _SELECTOR,
    "Job": (("spec", "template"),),
    "RoleBinding": (("roleRef",),),
    "ClusterRoleBinding": (("roleRef",),),
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
}


def update_problems(old: JSON, new: JSON) -> Iterator[Problem]:
    """Problems of replacing an object by another of the same kind and name."""
    match text(new, "kind"):
        case "Pod":
            yield from _pod(old, new)
        case "StatefulSet":
            allowed = ", ".join(_STATEFUL_SET)
            for field in _changed(mapping(old, "spec"), mapping(new, "spec"), _STATEFUL_SET):
                yield Problem(("spec", field), "stateful-set-frozen", {"allowed": allowed})
        case "ConfigMap" | "Secret":
            yield from _immutable(old, new)
        case "PersistentVolumeClaim":
            yield from _claim(mapping(old, "spec"), mapping(new, "spec"))
        case "PersistentVolume":
            for field in _changed(mapping(old, "spec"), mapping(new, "spec"), _VOLUME):
                yield Problem(("spec", field), "fixed")
        case kind:
            for path in _FIXED.get(kind, ()):
                yield from _fixed(old, new, path)


def _changed(old: JSON, new: JSON, allowed: tuple[str, ...]) -> Iterator[str]:
    for field in dict.fromkeys([*new, *old]):
        if field not in allowed and old.get(field) != new.get(field):
            yield field


def _fixed(old: JSON, new: JSON, path: tuple[str, ...]) -> Iterator[Problem]:
    *parents, last = path
    before, after = mapping(old, *parents).get(last), mapping(new, *parents).get(last)
    if before is not None and after is not None and before != after:
        yield Problem(path, "fixed")


def _pod(old: JSON, new: JSON) -> Iterator[Problem]:
    """Only images, and little else, may change (ValidatePodUpdate)."""
    before, after = mapping(old, "spec"), mapping(new, "spec")
    free = ("activeDeadlineSeconds", "tolerations", "containers", "initContainers", "ephemeralContainers")
    for field in _changed(before, after, free):
        yield Problem(("spec", field), "pod-frozen")
    for kind in ("containers", "initContainers"):
        yield from _containers(listed(before, kind), listed(after, kind), ("spec", kind))


def _containers(old: list[JSON], new: list[JSON], path: FieldPath) -> Iterator[Problem]:
    if [text(c, "name") for c in old] != [text(c, "name") for c in new]:
        yield Problem(path, "pod-frozen")
        return
    for i, (before, after) in enumerate(zip(old, new, strict=True)):
        for field in _changed(before, after, ("image",)):
            yield Problem((*path, i, field), "pod-frozen")


def _immutable(old: JSON, new: JSON) -> Iterator[Problem]:
    if text(old, "kind") == "Secret":
        yield from _fixed(old, new, ("type",))
    if not flag(old, "immutable"):
        return
    if not flag(new, "immutable"):
        yield Problem(("immutable",), "stays-immutable")
    for field in ("data", "binaryData", "stringData"):
        if mapping(old, field) != mapping(new, field):
            yield Problem((field,), "immutable")


def _claim(old: JSON, new: JSON) -> Iterator[Problem]:
    for field in _changed(old, new, ("resources", "volumeAttributesClassName", "volumeName")):
        yield Problem(("spec", field), "claim-frozen")
    path = ("resources", "requests", "storage")
    before, after = (mapping(spec, *path[:-1]).get(path[-1]) for spec in (old, new))
    was, wanted = quantity_or_none(before), quantity_or_none(after)
    if was is not None and wanted is not None and wanted < was:
        yield Problem(("spec", *path), "claim-shrinks", {"value": shown_value(after), "before": shown_value(before)})
