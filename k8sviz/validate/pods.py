"""What the API server checks of a Pod beyond types (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.environment import is_valid_name
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import label_problems, name_problem
from k8sviz.validate.published import Part

__all__ = ["POD_RULES", "source_problems", "twice"]

JSON = Mapping[str, Any]

_ENV_FIELDS: Final = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP",
    "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_FILE_FIELDS: Final = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations")
_ONE_KEY: Final = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")
_RESOURCES: Final = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
_DIVISORS: Final = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}
_VARIABLE_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_PORT_NAME: Final = re.compile(r"(?=.*[a-z])[a-z0-9]([a-z0-9-]{0,13}[a-z0-9])?")
_MOST_MODE: Final = 0o777
_MOST_PORT: Final = 65535


def twice(names: Iterable[str], path: FieldPath, field: str) -> Iterator[Problem]:
    """A Problem for each name that came before: `path` is the list's, `field` what must differ."""
    seen: Counter[str] = Counter()
    for i, name in enumerate(names):
        seen[name] += 1
        if name and seen[name] == 2:
            yield Problem((*path, i, field), "duplicate", {"value": shown_value(name)})


def source_problems(volume: JSON, path: FieldPath, besides: frozenset[str]) -> Iterator[Problem]:
    """A volume has exactly one source; `besides` are the fields that are none."""
    sources = [name for name in volume if name not in besides]
    if not sources:
        yield Problem(path, "no-volume-type", {"name": text(volume, "name")})
    elif len(sources) > 1:
        yield Problem((*path, sources[1]), "two-volume-types", {"first": sources[0], "second": sources[1]}, at_key=True)


def _pod_spec(part: Part, root: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    every = [(kind, i, each) for kind in ("containers", "initContainers", "ephemeralContainers")
             for i, each in enumerate(_mappings(spec, kind))]  # fmt: skip
    seen: set[str] = set()
    for kind, i, container in every:
        name = text(container, "name")
        if name and name in seen:
            yield Problem((*path, kind, i, "name"), "duplicate", {"value": shown_value(name)})
        seen.add(name)
        yield from _mounts(container, (*path, kind, i), _volume_names(spec, root))
    yield from twice((text(v, "name") for v in _mappings(spec, "volumes")), (*path, "volumes"), "name")
    yield from label_problems(spec.get("nodeSelector"), (*path, "nodeSelector"))
    for field in ("hostname", "subdomain"):
        yield from name_problem(spec.get(field), (*path, field))
    for field, least in (("terminationGracePeriodSeconds", 0), ("activeDeadlineSeconds", 1)):
        yield from _at_least(part, field, least)


def _volume_names(spec: JSON, root: JSON) -> list[str]:
    """The names that a mount may use; a StatefulSet's claims are volumes of its Pods."""
    templates = listed(root, "spec", "volumeClaimTemplates") if text(root, "kind") == "StatefulSet" else []
    return [text(v, "name") for v in _mappings(spec, "volumes")] + [text(t, "metadata", "name") for t in templates]


def _mounts(container: JSON, path: FieldPath, known: list[str]) -> Iterator[Problem]:
    mounts = _mappings(container, "volumeMounts")
    for i, mount in enumerate(mounts):
        name = text(mount, "name")
        if name and name not in known:
            names = ", ".join(filter(None, known)) or "-"
            yield Problem((*path, "volumeMounts", i, "name"), "no-such-volume",
                          {"value": shown_value(name), "known": names})  # fmt: skip
    yield from twice((text(m, "mountPath") for m in mounts), (*path, "volumeMounts"), "mountPath")


def _mount(part: Part, _: JSON) -> Iterator[Problem]:
    mount, path = part.value, part.path
    if ":" in text(mount, "mountPath"):
        yield Problem((*path, "mountPath"), "colon", {"value": shown_value(mount["mountPath"])})
    if text(mount, "subPath") and text(mount, "subPathExpr"):
        yield Problem((*path, "subPathExpr"), "both", {"other": "subPath"}, at_key=True)
    for field in ("subPath", "subPathExpr"):
        yield from _inside(mount, field, path)


def _inside(value: JSON, field: str, path: FieldPath) -> Iterator[Problem]:
    """A path that must stay inside a volume."""
    written = text(value, field)
    if written.startswith("/") or ".." in written.split("/"):
        yield Problem((*path, field), "path-outside", {"value": shown_value(written)})


def _volume(part: Part, _: JSON) -> Iterator[Problem]:
    yield from source_problems(part.value, part.path, frozenset({"name"}))
    yield from name_problem(part.value.get("name"), (*part.path, "name"))
    if "gitRepo" in part.value:
        yield Problem((*part.path, "gitRepo"), "git-repo", error=False, at_key=True)


def _modes(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("defaultMode", "mode"):
        mode = integer(part.value, field)
        if mode is not None and not 0 <= mode <= _MOST_MODE:
            yield Problem((*part.path, field), "mode-range", {"value": str(mode)})


def _key_to_path(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    yield from _inside(part.value, "path", part.path)


def _config_volume(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    if part.definition == "core.v1.SecretVolumeSource" and not text(part.value, "secretName"):
        yield Problem((*part.path, "secretName"), "required", {"name": "secretName"})
    if part.definition == "core.v1.ConfigMapVolumeSource" and not text(part.value, "name"):
        yield Problem((*part.path, "name"), "required", {"name": "name"})


def _downward_file(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _key_to_path(part, root)
    yield from _one_of(part, ("fieldRef", "resourceFieldRef"))
    written = text(part.value, "fieldRef", "fieldPath")
    if written:
        yield from _field_path(written, _FILE_FIELDS, (*part.path, "fieldRef", "fieldPath"))
    reference = mapping(part.value, "resourceFieldRef")
    if reference and not text(reference, "containerName"):
        yield Problem((*part.path, "resourceFieldRef", "containerName"), "required", {"name": "containerName"})


def _field_path(written: str, known: tuple[str, ...], path: FieldPath) -> Iterator[Problem]:
    if written in known or _ONE_KEY.fullmatch(written):
        return
    code = "whole-map" if written in _FILE_FIELDS else "field-path"
    yield Problem(path, code, {"value": shown_value(written), "known": ", ".join(known)})


def _resource_ref(part: Part, _: JSON) -> Iterator[Problem]:
    resource = text(part.value, "resource")
    if resource and resource not in _RESOURCES and "hugepages-" not in resource:
        yield Problem((*part.path, "resource"), "resource",
                      {"value": shown_value(resource), "known": ", ".join(_RESOURCES)})  # fmt: skip
        return
    divisor = quantity_or_none(part.value.get("divisor"))
    allowed = _DIVISORS["cpu" if resource.endswith(".cpu") else "memory"]
    if resource and divisor is not None and divisor.nano and all(quantity_or_none(a) != divisor for a in allowed):
        yield Problem((*part.path, "divisor"), "divisor",
                      {"value": shown_value(part.value["divisor"]), "known": ", ".join(allowed)})  # fmt: skip


def _variable(part: Part, _: JSON) -> Iterator[Problem]:
    variable, path = part.value, part.path
    name = text(variable, "name")
    if name and not is_valid_name(name):
        yield Problem((*path, "name"), "variable-name", {"value": shown_value(name)})
    if "valueFrom" in variable:
        if text(variable, "value"):
            yield Problem((*path, "valueFrom"), "both", {"other": "value"}, at_key=True)
        written = text(variable, "valueFrom", "fieldRef", "fieldPath")
        if written:
            yield from _field_path(written, _ENV_FIELDS, (*path, "valueFrom", "fieldRef", "fieldPath"))


def _variable_source(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, _VARIABLE_SOURCES)


def _from_all(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, ("configMapRef", "secretRef"))
    for field in ("configMapRef", "secretRef"):
        if field in part.value and not text(part.value, field, "name"):
            yield Problem((*part.path, field, "name"), "required", {"name": "name"})


def _named_reference(part: Part, _: JSON) -> Iterator[Problem]:
    if not text(part.value, "name"):
        yield Problem((*part.path, "name"), "required", {"name": "name"})


def _one_of(part: Part, fields: tuple[str, ...]) -> Iterator[Problem]:
    found = [field for field in fields if field in part.value]
    if not found:
        yield Problem(part.path, "none-of", {"known": ", ".join(fields)})
    elif len(found) > 1:
        yield Problem((*part.path, found[1]), "both", {"other": found[0]}, at_key=True)


def _container(part: Part, _: JSON) -> Iterator[Problem]:
    container, path = part.value, part.path
    if not text(container, "image").strip() and not isinstance(container.get("image"), int | float | list | dict):
        yield Problem((*path, "image"), "required", {"name": "image"})
    yield from name_problem(container.get("name"), (*path, "name"))
    yield from twice((text(p, "name") for p in _mappings(container, "ports")), (*path, "ports"), "name")


def _port(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("containerPort", "hostPort"):
        port = integer(part.value, field)
        if port is not None and not (field == "hostPort" and port == 0) and not 1 <= port <= _MOST_PORT:
            yield Problem((*part.path, field), "port", {"value": str(port)})
    name = text(part.value, "name")
    if name and (not _PORT_NAME.fullmatch(name) or "--" in name):
        yield Problem((*part.path, "name"), "port-name", {"value": shown_value(name)})


def _resources(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("limits", "requests"):
        for name, amount in mapping(part.value, field).items():
            path = (*part.path, field, name)
            found = quantity_or_none(amount)
            if found is None:
                yield Problem(path, "quantity", {"value": shown_value(amount)})
            elif found.nano < 0:
                yield Problem(path, "negative", {"value": shown_value(amount)})
    limits = mapping(part.value, "limits")
    for name, amount in mapping(part.value, "requests").items():
        request, limit = quantity_or_none(amount), quantity_or_none(limits.get(name))
        if request is not None and limit is not None and request > limit:
            yield Problem((*part.path, "requests", name), "over-limit",
                          {"value": shown_value(amount), "limit": shown_value(limits[name])})  # fmt: skip


def _probe(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, ("exec", "httpGet", "tcpSocket", "grpc"))
    for field in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"):
        yield from _at_least(part, field, 0)


def _empty_dir(part: Part, _: JSON) -> Iterator[Problem]:
    limit = part.value.get("sizeLimit")
    if limit is not None and quantity_or_none(limit) is None:
        yield Problem((*part.path, "sizeLimit"), "quantity", {"value": shown_value(limit)})
    medium = text(part.value, "medium")
    if medium not in ("", "Memory", "HugePages") and not medium.startswith("HugePages-"):
        yield Problem((*part.path, "medium"), "medium", {"value": shown_value(medium)}, error=False)


def _host_path(part: Part, _: JSON) -> Iterator[Problem]:
    if ".." in text(part.value, "path").split("/"):
        yield Problem((*part.path, "path"), "path-outside", {"value": shown_value(part.value["path"])})


def _at_least(part: Part, field: str, least: int) -> Iterator[Problem]:
    value = integer(part.value, field)
    if value is not None and value < least:
        yield Problem((*part.path, field), "at-least", {"value": str(value), "least": str(least)})


def _mappings(value: JSON, field: str) -> list[JSON]:
    """Like `listed`, but an item of the wrong type counts as an empty one, so that places stay right."""
    found = value.get(field)
    return [item if isinstance(item, Mapping) else {} for item in found] if isinstance(found, list) else []


POD_RULES: Final = {
    "core.v1.PodSpec": _pod_spec,
    "core.v1.Container": _container,
    "core.v1.ContainerPort": _port,
    "core.v1.ResourceRequirements": _resources,
    "core.v1.Probe": _probe,
    "core.v1.EnvVar": _variable,
    "core.v1.EnvVarSource": _variable_source,
    "core.v1.EnvFromSource": _from_all,
    "core.v1.ConfigMapKeySelector": _named_reference,
    "core.v1.SecretKeySelector": _named_reference,
    "core.v1.ResourceFieldSelector": _resource_ref,
    "core.v1.VolumeMount": _mount,
    "core.v1.Volume": _volume,
    "core.v1.ConfigMapVolumeSource": _config_volume,
    "core.v1.SecretVolumeSource": _config_volume,
    "core.v1.ProjectedVolumeSource": _modes,
    "core.v1.DownwardAPIVolumeSource": _modes,
    "core.v1.DownwardAPIVolumeFile": _downward_file,
    "core.v1.KeyToPath": _key_to_path,
    "core.v1.EmptyDirVolumeSource": _empty_dir,
    "core.v1.HostPathVolumeSource": _host_path,
}
