"""What an update may not change: fields that are fixed once the object is there (the API's Update validations).

Both objects are compared as the API server stores them, defaults filled in (rules/defaults). What an object of a
cluster has and a manifest leaves out may have been put there by the cluster, and counts as unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.defaults import completed
from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.words import say

__all__ = ["growth_problems", "update_problems"]

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
    "persistentVolumeReclaimPolicy",
    "storageClassName",
    "volumeAttributesClassName",
)
_TEMPLATE_OF_SUSPENDED: Final = ("nodeSelector", "tolerations", "affinity", "schedulingGates")
_SELECTOR: Final = (("spec", "selector"),)
_ROLE: Final = (("roleRef",),)
_FIXED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "Deployment": _SELECTOR,
    "ReplicaSet": _SELECTOR,
    "DaemonSet": _SELECTOR,
    "Job": tuple(
        ("spec", field)
        for field in (
            "selector",
            "completionMode",
            "podFailurePolicy",
            "backoffLimitPerIndex",
            "managedBy",
            "successPolicy",
        )
    ),
    "RoleBinding": _ROLE,
    "ClusterRoleBinding": _ROLE,
    "StorageClass": (("provisioner",), ("parameters",), ("reclaimPolicy",), ("volumeBindingMode",)),
    "VolumeAttributesClass": (("driverName",), ("parameters",)),
    "CSIDriver": (("spec", "attachRequired"), ("spec", "volumeLifecycleModes")),
    "IngressClass": (("spec", "controller"),),
    "RuntimeClass": (("handler",),),
    "PriorityClass": (("value",), ("preemptionPolicy",)),
    "ResourceQuota": (("spec", "scopes"), ("spec", "scopeSelector")),
    "ControllerRevision": (("data",),),
    "EndpointSlice": (("addressType",),),
    "VolumeAttachment": (("spec",),),
    "ResourceClaim": (("spec",),),
    "ResourceClaimTemplate": (("spec",),),
    "CustomResourceDefinition": (("spec", "group"), ("spec", "scope"), ("spec", "names", "kind")),
}


def update_problems(old: JSON, new: JSON) -> Iterator[Problem]:
    """Problems of replacing an object by another of the same kind and name.

    >>> old = {"kind": "IngressClass", "spec": {"controller": "example.com/a"}}
    >>> [str(p) for p in update_problems(old, {"kind": "IngressClass", "spec": {"controller": "example.com/b"}})]
    ['spec.controller: This cannot change once the object is there. Delete ... or give the new one another name.']
    """
    before, after = completed(dict(old)), completed(dict(new))
    if text(old, "metadata", "uid"):
        after = _kept(before, after, mapping(old, "metadata", "annotations").get(_LAST_APPLIED))
    kind = text(new, "kind")
    for path in _FIXED.get(kind, ()):
        yield from _fixed(before, after, path)
    rule = _RULES.get(kind)
    if rule is not None:
        yield from rule(before, after)


_LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"


def _kept(before: dict[str, Any], after: dict[str, Any], applied: object) -> dict[str, Any]:
    """The new object with those fields of the spec that it leaves out and that nobody had applied before."""
    try:
        written = json.loads(applied) if isinstance(applied, str) else {}
    except ValueError:
        written = {}
    whole = {**after}
    for field in ("spec", "parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"):
        had, has = before.get(field), after.get(field)
        mine = written.get(field) if isinstance(written, dict) else None
        if isinstance(had, dict) and isinstance(has, dict):
            known = mine if isinstance(mine, dict) else {}
            whole[field] = {**{key: value for key, value in had.items() if key not in known}, **has}
        elif had is not None and has is None and mine is None:
            whole[field] = had
    return whole


def _changed(old: JSON, new: JSON, allowed: tuple[str, ...]) -> Iterator[str]:
    for field in dict.fromkeys([*new, *old]):
        if field not in allowed and old.get(field) != new.get(field):
            yield field


def _fixed(old: JSON, new: JSON, path: tuple[str, ...]) -> Iterator[Problem]:
    *parents, last = path
    before, after = mapping(old, *parents).get(last), mapping(new, *parents).get(last)
    if before != after:
        yield Problem(path, "fixed")


def _stateful_set(old: JSON, new: JSON) -> Iterator[Problem]:
    """Any change of another field is refused; how to get there depends on what the Pods would notice."""
    allowed = ", ".join(_STATEFUL_SET)
    for field in _changed(mapping(old, "spec"), mapping(new, "spec"), _STATEFUL_SET):
        where = field if field in ("selector", "volumeClaimTemplates") else "any"
        remedy = say(f"check.write.orphan-{where}")
        yield Problem(("spec", field), "stateful-set-frozen", {"allowed": allowed, "remedy": remedy})


def _job(old: JSON, new: JSON) -> Iterator[Problem]:
    """The template, but for where the Pods of a suspended Job may run; completions, but for an indexed Job."""
    before, after = mapping(old, "spec", "template"), mapping(new, "spec", "template")
    if flag(old, "spec", "suspend"):
        spec = (mapping(each, "spec") for each in (before, after))
        before, after = ({k: v for k, v in each.items() if k not in _TEMPLATE_OF_SUSPENDED} for each in spec)
    if before != after:
        yield Problem(("spec", "template"), "fixed")
    if text(new, "spec", "completionMode") != "Indexed":
        yield from _fixed(old, new, ("spec", "completions"))


def _service(old: JSON, new: JSON) -> Iterator[Problem]:
    """An address stays while the Service has one (validateServiceClusterIPsRelatedFields)."""
    outside = "ExternalName" in (text(old, "spec", "type"), text(new, "spec", "type"))
    before, after = text(old, "spec", "clusterIP"), text(new, "spec", "clusterIP")
    if before and after and before != after and not outside:
        yield Problem(("spec", "clusterIP"), "fixed")


def _pod(old: JSON, new: JSON) -> Iterator[Problem]:
    """Only images, and little else, may change (ValidatePodUpdate)."""
    before, after = mapping(old, "spec"), mapping(new, "spec")
    free = ("tolerations", "schedulingGates", "activeDeadlineSeconds", "containers", "initContainers")
    for field in _changed(before, after, (*free, "ephemeralContainers")):
        yield Problem(("spec", field), "pod-frozen")
    tolerations = listed(after, "tolerations")
    if any(each not in tolerations for each in listed(before, "tolerations")):
        yield Problem(("spec", "tolerations"), "pod-frozen")
    if any(each not in listed(before, "schedulingGates") for each in listed(after, "schedulingGates")):
        yield Problem(("spec", "schedulingGates"), "pod-frozen")
    was, wanted = integer(before, "activeDeadlineSeconds"), integer(after, "activeDeadlineSeconds")
    if was is not None and (wanted is None or wanted > was):
        yield Problem(("spec", "activeDeadlineSeconds"), "pod-frozen")
    for kind in ("containers", "initContainers"):
        yield from _containers(listed(before, kind), listed(after, kind), ("spec", kind))


def _containers(old: list[JSON], new: list[JSON], path: FieldPath) -> Iterator[Problem]:
    if [text(c, "name") for c in old] != [text(c, "name") for c in new]:
        yield Problem(path, "pod-frozen")
        return
    for i, (before, after) in enumerate(zip(old, new, strict=True)):
        # the default follows the image's tag
        for field in _changed(before, after, ("image", "imagePullPolicy")):
            yield Problem((*path, i, field), "pod-frozen")


def _store(old: JSON, new: JSON) -> Iterator[Problem]:
    if text(old, "kind") == "Secret":
        yield from _fixed(old, new, ("type",))
    if not flag(old, "immutable"):
        return
    if not flag(new, "immutable"):
        yield Problem(("immutable",), "stays-immutable")
    for field in ("data", "binaryData"):
        if mapping(old, field) != mapping(new, field):
            yield Problem((field,), "immutable")


def _volume(old: JSON, new: JSON) -> Iterator[Problem]:
    before, after = mapping(old, "spec"), mapping(new, "spec")
    allowed = _VOLUME if "nodeAffinity" in before else (*_VOLUME, "nodeAffinity")
    for field in _changed(before, after, allowed):
        yield Problem(("spec", field), "fixed")


def _claim(old: JSON, new: JSON) -> Iterator[Problem]:
    before, after = mapping(old, "spec"), mapping(new, "spec")
    bound = text(old, "status", "phase") in ("", "Bound")  # only what has a volume can grow
    allowed = ("resources", "volumeAttributesClassName") if bound else ()
    allowed = (*allowed, *(() if text(before, "volumeName") else ("volumeName",)))
    for field in _changed(before, after, allowed):
        yield Problem(("spec", field), "claim-frozen")
    was, wanted = (_size(spec) for spec in (before, after))
    has = quantity_or_none(mapping(old, "status", "capacity").get("storage"))
    # what a failed growth asked for may be taken back, never what the volume has
    if was is not None and wanted is not None and wanted < was and (has is None or wanted <= has):
        facts = {"value": shown_value(str(wanted)), "before": shown_value(str(was if has is None else has))}
        yield Problem(("spec", "resources", "requests", "storage"), "claim-shrinks", facts)


def growth_problems(old: JSON, new: JSON, class_named: Callable[[str], JSON | None]) -> Iterator[Problem]:
    """A claim that is to grow and may not: its class does not allow it (plugin/pkg/admission/…/resize).

    `class_named` gives the StorageClass of a name, None where it is not known.
    """
    was, wanted = (_size(mapping(claim, "spec")) for claim in (old, new))
    name = text(new, "spec", "storageClassName") or text(old, "spec", "storageClassName")
    cls = class_named(name) if name else None
    if was is None or wanted is None or wanted <= was:
        return
    if "storageClassName" in mapping(new, "spec") and not name:
        yield Problem(("spec", "resources", "requests", "storage"), "grows-without-class")
    elif cls is not None and not flag(cls, "allowVolumeExpansion"):
        yield Problem(("spec", "resources", "requests", "storage"), "class-forbids-growth", {"class": name})


def _size(spec: JSON) -> Any:
    return quantity_or_none(mapping(spec, "resources", "requests").get("storage"))


_RULES: Final[dict[str, Callable[[JSON, JSON], Iterator[Problem]]]] = {
    "Pod": _pod,
    "StatefulSet": _stateful_set,
    "Job": _job,
    "Service": _service,
    "ConfigMap": _store,
    "Secret": _store,
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
}
