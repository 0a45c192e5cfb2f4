"""What the API server checks of volumes, claims, classes, ConfigMaps and Secrets beyond types."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import flag, listed, mapped, mapping, strings, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.forms import is_data_key
from k8sviz.validate.lists import source_problems
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import label_problems
from k8sviz.validate.published import Part

__all__ = ["STORE_RULES"]

JSON = Mapping[str, Any]

_NOT_SOURCES: Final = frozenset(
    {
        "accessModes",
        "capacity",
        "claimRef",
        "mountOptions",
        "nodeAffinity",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "volumeAttributesClassName",
        "volumeMode",
    }
)
_MOST_BYTES: Final = 1024 * 1024
# what a Secret of a type must hold (ValidateSecret)
_WANTED_KEYS: Final = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
_ACCOUNT: Final = "kubernetes.io/service-account.name"
_JSON_KEYS: Final = {kind: keys for kind, keys in _WANTED_KEYS.items() if "docker" in kind}


def _volume(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    yield from source_problems(spec, path, _NOT_SOURCES)
    yield from _access_modes(spec, path)
    if not mapping(spec, "capacity"):
        yield Problem((*path, "capacity"), "required", {"name": "capacity"})
    elif set(mapping(spec, "capacity")) != {"storage"}:
        yield Problem((*path, "capacity"), "capacity-storage")
    yield from _amount(mapping(spec, "capacity").get("storage"), (*path, "capacity", "storage"))
    if "nodeAffinity" in spec and mapped(spec, "nodeAffinity", "required") is None:
        yield Problem((*path, "nodeAffinity", "required"), "required", {"name": "required"})
    elif "local" in spec and mapped(spec, "nodeAffinity", "required") is None:
        yield Problem((*path, "nodeAffinity"), "local-affinity")
    if text(spec, "volumeAttributesClassName") and "csi" not in spec:
        yield Problem((*path, "volumeAttributesClassName"), "needs-csi", at_key=True)
    if text(spec, "persistentVolumeReclaimPolicy") == "Recycle":
        yield Problem((*path, "persistentVolumeReclaimPolicy"), "recycle", error=False)


def _access_modes(spec: JSON, path: FieldPath) -> Iterator[Problem]:
    modes = strings(spec, "accessModes")
    if not modes and spec.get("accessModes", []) in ([], None):
        yield Problem((*path, "accessModes"), "required", {"name": "accessModes"})
    if "ReadWriteOncePod" in modes and set(modes) != {"ReadWriteOncePod"}:
        yield Problem((*path, "accessModes"), "once-pod-alone")


def _amount(value: object, path: FieldPath) -> Iterator[Problem]:
    """A size is more than nothing."""
    amount = quantity_or_none(value)
    if amount is not None and amount.nano <= 0:
        yield Problem(path, "positive", {"value": shown_value(value)})


def _claim(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    yield from _access_modes(spec, path)
    size = mapping(spec, "resources", "requests").get("storage")
    where = (*path, "resources", "requests", "storage")
    if size is None:
        yield Problem(where, "required", {"name": "storage"})
    yield from _amount(size, where)


def _config_map(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _keys(part, "data")
    yield from _keys(part, "binaryData")
    for key in mapping(part.value, "binaryData"):
        if key in mapping(part.value, "data"):
            yield Problem((*part.path, "binaryData", key), "key-in-both", {"key": shown_value(key)}, at_key=True)
    if text(root, "kind") == "ConfigMap":
        yield from _size(part, ("data", "binaryData"))


def _secret(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("data", "stringData"):
        yield from _keys(part, field)
    yield from _size(part, ("data", "stringData"))
    kind = text(part.value, "type")
    held = {**mapping(part.value, "data"), **mapping(part.value, "stringData")}
    for key in _WANTED_KEYS.get(kind, ()):
        if key not in held:
            yield Problem((*part.path, "data", key), "secret-key", {"type": kind, "key": key})
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & set(held):
        yield Problem((*part.path, "data"), "secret-keys", {"type": kind, "known": "username, password"})
    if kind == "kubernetes.io/service-account-token" and not text(part.value, "metadata", "annotations", _ACCOUNT):
        yield Problem((*part.path, "metadata", "annotations", _ACCOUNT), "required", {"name": _ACCOUNT})
    for key in _JSON_KEYS.get(kind, ()):
        if key in held:
            yield from _docker_config(part, key)


def _docker_config(part: Part, key: str) -> Iterator[Problem]:
    plain = text(part.value, "stringData", key)
    try:
        found = json.loads(plain or base64.b64decode(text(part.value, "data", key)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, dict):
        yield Problem((*part.path, "stringData" if plain else "data", key), "docker-config")


def _keys(part: Part, field: str) -> Iterator[Problem]:
    for key in mapping(part.value, field):
        if not is_data_key(key):
            yield Problem((*part.path, field, key), "data-key", {"value": shown_value(key)}, at_key=True)


def _size(part: Part, fields: tuple[str, ...]) -> Iterator[Problem]:
    total = 0
    for field in fields:
        for value in mapping(part.value, field).values():
            if isinstance(value, str):
                plain = field in ("stringData",) or (field == "data" and part.definition.endswith("ConfigMap"))
                total += len(value.encode("utf-8", "replace")) if plain else len(value) * 3 // 4
    if total > _MOST_BYTES:
        yield Problem((*part.path, fields[0]), "too-large", {"size": str(total)})


def _storage_class(part: Part, _: JSON) -> Iterator[Problem]:
    parameters = mapping(part.value, "parameters")
    for key in parameters:
        if not key:
            yield Problem((*part.path, "parameters"), "required", {"name": "key"})
    if flag(part.value, "allowVolumeExpansion") and text(part.value, "provisioner") == "kubernetes.io/no-provisioner":
        yield Problem((*part.path, "allowVolumeExpansion"), "expands-nothing", error=False, at_key=True)


def _requirement(part: Part, _: JSON) -> Iterator[Problem]:
    """A selector's expression: its operator says how many values there are."""
    values, operator = strings(part.value, "values"), text(part.value, "operator")
    where = (*part.path, "values")
    if operator in ("In", "NotIn") and not values:
        yield Problem(where, "required", {"name": "values"})
    elif operator in ("Exists", "DoesNotExist") and values:
        yield Problem(where, "no-values", {"operator": operator})
    elif operator in ("Gt", "Lt") and len(values) != 1:
        yield Problem(where, "one-value", {"operator": operator})


def _node_term(part: Part, _: JSON) -> Iterator[Problem]:
    for i, each in enumerate(listed(part.value, "matchFields")):
        where = (*part.path, "matchFields", i)
        if text(each, "key") != "metadata.name":
            yield Problem((*where, "key"), "node-field", {"value": shown_value(each.get("key"))})
        if text(each, "operator") in ("In", "NotIn") and len(strings(each, "values")) != 1:
            yield Problem((*where, "values"), "one-value", {"operator": text(each, "operator")})


def _label_selector(part: Part, _: JSON) -> Iterator[Problem]:
    yield from label_problems(part.value.get("matchLabels"), (*part.path, "matchLabels"))


STORE_RULES: Final = {
    "core.v1.PersistentVolumeSpec": _volume,
    "core.v1.PersistentVolumeClaimSpec": _claim,
    "core.v1.ConfigMap": _config_map,
    "core.v1.Secret": _secret,
    "core.v1.NodeSelectorTerm": _node_term,
    "core.v1.NodeSelectorRequirement": _requirement,
    "meta.v1.LabelSelectorRequirement": _requirement,
    "meta.v1.LabelSelector": _label_selector,
    "storage.v1.StorageClass": _storage_class,
}
