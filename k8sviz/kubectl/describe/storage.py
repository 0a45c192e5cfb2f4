"""`kubectl describe` of claims, volumes and classes, ConfigMaps and Secrets."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.kubectl.columns import access_modes, class_of, format_labels
from k8sviz.kubectl.describe.podspec import volume_source
from k8sviz.kubectl.describe.writer import Writer
from k8sviz.kubectl.times import date
from k8sviz.rules.fields import flag, listed, mapped, mapping, strings, text
from k8sviz.rules.quantity import quantity_or_none

__all__ = ["claim", "config_map", "secret", "storage_class", "volume"]

JSON = Mapping[str, Any]


def volume(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a PersistentVolume."""
    spec = mapping(obj, "spec")
    w.meta(obj, namespaced=False)
    w.field("Finalizers", f"[{' '.join(strings(obj, 'metadata', 'finalizers'))}]")
    w.field("StorageClass", class_of(obj))
    w.ending(obj, text(obj, "status", "phase"))
    holder = mapped(spec, "claimRef")
    w.field("Claim", "" if holder is None else f"{text(holder, 'namespace')}/{text(holder, 'name')}")
    w.field("Reclaim Policy", text(spec, "persistentVolumeReclaimPolicy"))
    w.field("Access Modes", access_modes(strings(spec, "accessModes")))
    if text(spec, "volumeMode"):
        w.field("VolumeMode", text(spec, "volumeMode"))
    w.field("Capacity", quantity_or_none(mapping(spec, "capacity").get("storage", "0")))
    _affinity(w, mapped(spec, "nodeAffinity", "required"))
    w.field("Message", text(obj, "status", "message"))
    w.line(0, "Source:")
    volume_source(w, spec)
    w.events(events)


def _affinity(w: Writer, required: JSON | None) -> None:
    if required is None:
        w.field("Node Affinity", "<none>")
        return
    w.line(0, "Node Affinity:\t")
    terms = listed(required, "nodeSelectorTerms")
    w.line(1, "Required Terms:\t" + ("" if terms else "<none>"))
    for i, term in enumerate(terms):
        w.write(2, f"Term {i}:\t")
        for j, one in enumerate(listed(term, "matchExpressions")):
            values = strings(one, "values")
            said = f"{text(one, 'key')} {text(one, 'operator').lower()}" + (f" [{', '.join(values)}]" if values else "")
            w.line(2 if j else 0, f"\t{said}" if j else said)
        if not listed(term, "matchExpressions"):
            w.line(0, "<none>")


def claim(w: Writer, obj: JSON, pods: Sequence[Object], events: Sequence[Object] | None) -> None:
    """Describe a PersistentVolumeClaim; `pods` are those of its namespace."""
    spec, bound = mapping(obj, "spec"), bool(text(obj, "spec", "volumeName"))
    w.field("Name", text(obj, "metadata", "name"))
    w.field("Namespace", text(obj, "metadata", "namespace"))
    w.field("StorageClass", class_of(obj))
    w.ending(obj, text(obj, "status", "phase"))
    w.field("Volume", text(spec, "volumeName"))
    w.own_words(obj)
    w.field("Finalizers", f"[{' '.join(strings(obj, 'metadata', 'finalizers'))}]")
    w.field("Capacity", quantity_or_none(mapping(obj, "status", "capacity").get("storage", "0")) if bound else "")
    w.field("Access Modes", access_modes(strings(obj, "status", "accessModes")) if bound else "")
    if text(spec, "volumeMode"):
        w.field("VolumeMode", text(spec, "volumeMode"))
    source = mapped(spec, "dataSource")
    if source is not None:
        w.line(0, "DataSource:")
        for name in ("apiGroup", "kind", "name"):
            if text(source, name):
                w.field({"apiGroup": "APIGroup"}.get(name, name.capitalize()), text(source, name), 1)
    name = text(obj, "metadata", "name")
    users = [
        text(pod, "metadata", "name")
        for pod in pods
        if any(text(one, "persistentVolumeClaim", "claimName") == name for one in listed(pod, "spec", "volumes"))
    ]
    w.several("Used By", sorted(users))
    conditions = listed(obj, "status", "conditions")
    if conditions:
        w.line(0, "Conditions:")
        w.line(1, "Type\tStatus\tLastProbeTime\tLastTransitionTime\tReason\tMessage")
        w.line(1, "----\t------\t-----------------\t------------------\t------\t-------")
        for one in conditions:
            times = f"{date(text(one, 'lastProbeTime'))} \t{date(text(one, 'lastTransitionTime'))}"
            said = f"{text(one, 'reason')} \t{text(one, 'message')}"
            w.line(1, f"{text(one, 'type')} \t{text(one, 'status')} \t{times} \t{said}")
    w.events(events)


def storage_class(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a StorageClass."""
    notes = mapping(obj, "metadata", "annotations")
    marks = ("storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class")
    w.field("Name", text(obj, "metadata", "name"))
    w.field("IsDefaultClass", "Yes" if any(notes.get(mark) == "true" for mark in marks) else "No")
    w.field("Annotations", format_labels(notes))
    w.field("Provisioner", text(obj, "provisioner"))
    w.field("Parameters", format_labels(mapping(obj, "parameters")))
    grows = flag(obj, "allowVolumeExpansion")
    w.field("AllowVolumeExpansion", "<unset>" if grows is None else str(grows))
    options = strings(obj, "mountOptions")
    w.line(0, "MountOptions:" + ("" if options else "\t<none>"))
    for option in options:
        w.line(1, option)
    for name in ("reclaimPolicy", "volumeBindingMode"):
        if text(obj, name):
            w.field(name[0].upper() + name[1:], text(obj, name))
    w.events(events)


def config_map(w: Writer, obj: JSON, events: Sequence[Object] | None) -> None:
    """Describe a ConfigMap."""
    w.meta(obj)
    w.write(0, "\nData\n====\n")
    data = mapping(obj, "data")
    for key in sorted(data):
        w.write(0, f"{key}:\n----\n{data[key]}\n\n")
    w.write(0, "\nBinaryData\n====\n")
    binary = mapping(obj, "binaryData")
    for key in sorted(binary):
        w.line(0, f"{key}: {_size(binary[key])} bytes")
    w.write(0, "\n")
    w.events(events)


def secret(w: Writer, obj: JSON) -> None:
    """Describe a Secret: how long its values are, never what they are."""
    w.meta(obj)
    w.write(0, f"\nType:\t{text(obj, 'type')}\n")
    w.write(0, "\nData\n====\n")
    data = mapping(obj, "data")
    for key in sorted(data):
        w.line(0, f"{key}:\t{_size(data[key])} bytes")


def _size(value: object) -> int:
    try:
        return len(base64.b64decode(str(value), validate=True))
    except (binascii.Error, ValueError):
        return len(str(value))
