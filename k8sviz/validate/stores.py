"""What the API server checks of volumes, claims, classes, ConfigMaps and Secrets beyond types."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import flag, listed, mapped, mapping, strings, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import name_problem
from k8sviz.validate.pods import source_problems
from k8sviz.validate.published import Part

__all__ = ["STORE_RULES"]

JSON = Mapping[str, Any]

_NOT_SOURCES: Final = frozenset({
    "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
    "storageClassName", "volumeAttributesClassName", "volumeMode",
})  # fmt: skip
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_MOST_BYTES: Final = 1024 * 1024
# what a Secret of a type must hold (ValidateSecret)
_WANTED_KEYS: Final = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}


def _volume(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    yield from source_problems(spec, path, _NOT_SOURCES)
    yield from _access_modes(spec, path)
    if not mapping(spec, "capacity"):
        yield Problem((*path, "capacity"), "required", {"name": "capacity"})
    elif "storage" not in mapping(spec, "capacity"):
        yield Problem((*path, "capacity"), "capacity-storage")
    yield from _amount(mapping(spec, "capacity").get("storage"), (*path, "capacity", "storage"))
    yield from name_problem(spec.get("storageClassName"), (*path, "storageClassName"), "subdomain")
    if "local" in spec and mapped(spec, "nodeAffinity", "required") is None:
        yield Problem((*path, "nodeAffinity"), "local-affinity")
    if text(spec, "persistentVolumeReclaimPolicy") == "Recycle":
        yield Problem((*path, "persistentVolumeReclaimPolicy"), "recycle", error=False)


def _access_modes(spec: JSON, path: FieldPath) -> Iterator[Problem]:
    modes = strings(spec, "accessModes")
    if not modes and spec.get("accessModes", []) in ([], None):
        yield Problem((*path, "accessModes"), "required", {"name": "accessModes"})
    if "ReadWriteOncePod" in modes and len(modes) > 1:
        yield Problem((*path, "accessModes"), "once-pod-alone")


def _amount(value: object, path: FieldPath) -> Iterator[Problem]:
    """A size: there is a quantity, and it is more than nothing."""
    if value is None:
        return
    amount = quantity_or_none(value)
    if amount is None:
        yield Problem(path, "quantity", {"value": shown_value(value)})
    elif amount.nano <= 0:
        yield Problem(path, "positive", {"value": shown_value(value)})


def _claim(part: Part, _: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    yield from _access_modes(spec, path)
    size = mapping(spec, "resources", "requests").get("storage")
    where = (*path, "resources", "requests", "storage")
    if size is None:
        yield Problem(where, "required", {"name": "storage"})
    yield from _amount(size, where)
    yield from name_problem(spec.get("storageClassName"), (*path, "storageClassName"), "subdomain")


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
    if kind == "kubernetes.io/dockerconfigjson" and ".dockerconfigjson" in held:
        yield from _docker_config(part)


def _docker_config(part: Part) -> Iterator[Problem]:
    key = ".dockerconfigjson"
    plain = text(part.value, "stringData", key)
    try:
        found = json.loads(plain or base64.b64decode(text(part.value, "data", key)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, dict):
        yield Problem((*part.path, "stringData" if plain else "data", key), "docker-config")


def _keys(part: Part, field: str) -> Iterator[Problem]:
    for key in mapping(part.value, field):
        if not _KEY.fullmatch(key) or key in (".", "..") or key.startswith(".."):
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


def _node_selector(part: Part, _: JSON) -> Iterator[Problem]:
    for i, term in enumerate(listed(part.value, "nodeSelectorTerms")):
        for j, each in enumerate(listed(term, "matchExpressions")):
            values, operator = strings(each, "values"), text(each, "operator")
            where = (*part.path, "nodeSelectorTerms", i, "matchExpressions", j, "values")
            if operator in ("In", "NotIn") and not values:
                yield Problem(where, "required", {"name": "values"})
            elif operator in ("Exists", "DoesNotExist") and values:
                yield Problem(where, "no-values", {"operator": operator})


STORE_RULES: Final = {
    "core.v1.PersistentVolumeSpec": _volume,
    "core.v1.PersistentVolumeClaimSpec": _claim,
    "core.v1.ConfigMap": _config_map,
    "core.v1.Secret": _secret,
    "core.v1.NodeSelector": _node_selector,
    "storage.v1.StorageClass": _storage_class,
}
