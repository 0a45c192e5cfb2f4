"""What the API server checks of a Pod beyond types (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.environment import is_valid_name
from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.quantity import Quantity, quantity_or_none
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import is_qualified, label_problems
from k8sviz.validate.published import Part

__all__ = ["POD_RULES", "source_problems", "twice"]

JSON = Mapping[str, Any]

_ENV_FIELDS: Final = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_FILE_FIELDS: Final = ("metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations")
_OLD_FIELDS: Final = {"spec.host": "spec.nodeName"}  # taken, and read as the other
_ONE_KEY: Final = re.compile(r"metadata\.(labels|annotations)\['(.*)'\]", re.DOTALL)
_HUGE: Final = ("limits.hugepages-", "requests.hugepages-")
_RESOURCES: Final = tuple(
    f"{kind}.{name}" for kind in ("limits", "requests") for name in ("cpu", "memory", "ephemeral-storage")
)
_DIVISORS: Final = {
    "cpu": ("1m", "1"),
    "memory": ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"),
}
_VARIABLE_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_SOURCES: Final = ("configMap", "secret", "downwardAPI", "serviceAccountToken")
_MOST_MODE: Final = 0o777
_MOST_PORT: Final = 65535
_COUNTED: Final = ("cpu", "memory", "ephemeral-storage")
_MOST_ID: Final = 2**31 - 1
_MOST_WEIGHT: Final = 100
_SHORTEST_TOKEN: Final = 600


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
    every = [
        (kind, i, each)
        for kind in ("containers", "initContainers", "ephemeralContainers")
        for i, each in enumerate(_mappings(spec, kind))
    ]
    seen: set[str] = set()
    for kind, i, container in every:
        name = text(container, "name")
        if name and name in seen:
            yield Problem((*path, kind, i, "name"), "duplicate", {"value": shown_value(name)})
        seen.add(name)
        yield from _mounts(container, (*path, kind, i), _volume_names(spec, root))
    yield from twice((text(v, "name") for v in _mappings(spec, "volumes")), (*path, "volumes"), "name")
    yield from label_problems(spec.get("nodeSelector"), (*path, "nodeSelector"))
    yield from _at_least(part, "activeDeadlineSeconds", 1)
    if spec.get("ephemeralContainers"):
        yield Problem((*path, "ephemeralContainers"), "ephemeral", at_key=True)
    yield from _pod_resources(spec, (*path, "resources"))


# -- resources of the Pod as a whole ---------------------------------------------------------------


def _pod_resources(spec: JSON, path: FieldPath) -> Iterator[Problem]:
    """`resources` of the Pod hold those of its containers (validatePodResources)."""
    whole = mapping(spec, "resources")
    if "claims" in whole:
        yield Problem((*path, "claims"), "pod-claims", at_key=True)
    for field in ("limits", "requests"):
        for name in mapping(whole, field):
            if name not in ("cpu", "memory") and not name.startswith("hugepages-"):
                yield Problem((*path, field, name), "pod-resource", {"value": shown_value(name)}, at_key=True)
    needed, limits = _needed(spec) if whole else {}, mapping(whole, "limits")
    for name, amount in needed.items():
        asked = mapping(whole, "requests").get(name)
        for field, given in (("requests", asked), ("limits", None if asked is not None else limits.get(name))):
            found = quantity_or_none(given)
            if found is not None and found < amount:
                facts = {"value": shown_value(given), "needed": str(amount)}
                yield Problem((*path, field, name), "pod-too-small", facts)
    yield from _beyond_pod(spec, limits, path[:-1])


def _needed(spec: JSON) -> dict[str, Quantity]:
    """What the containers request together: all main ones and sidecars, or the greediest init container."""
    total: defaultdict[str, int] = defaultdict(int)
    most: defaultdict[str, int] = defaultdict(int)
    forms: dict[str, Quantity] = {}
    for kind in ("initContainers", "containers"):
        for container in _mappings(spec, kind):
            stays = kind == "containers" or text(container, "restartPolicy") == "Always"
            for name, amount in _requests(container).items():
                forms.setdefault(name, amount)
                if stays:
                    total[name] += amount.nano
                    most[name] = max(most[name], total[name])
                else:
                    most[name] = max(most[name], total[name] + amount.nano)
    return {name: Quantity(max(most[name], total[name]), form.format) for name, form in forms.items()}


def _requests(container: JSON) -> dict[str, Quantity]:
    """What a container requests; where it says only a limit, that is its request."""
    resources = mapping(container, "resources")
    given = {**mapping(resources, "limits"), **mapping(resources, "requests")}
    return {name: found for name, each in given.items() if (found := quantity_or_none(each)) is not None}


def _beyond_pod(spec: JSON, limits: JSON, path: FieldPath) -> Iterator[Problem]:
    for i, container in enumerate(_mappings(spec, "containers")):
        for name, amount in mapping(container, "resources", "limits").items():
            mine, most = quantity_or_none(amount), quantity_or_none(limits.get(name))
            if mine is not None and most is not None and mine > most:
                yield Problem(
                    (*path, "containers", i, "resources", "limits", name),
                    "over-pod-limit",
                    {"value": shown_value(amount), "limit": shown_value(limits[name])},
                )


# -- volumes and mounts ----------------------------------------------------------------------------


def _volume_names(spec: JSON, root: JSON) -> list[str]:
    """The names that a mount may use; a StatefulSet's claims are volumes of its Pods."""
    templates = listed(root, "spec", "volumeClaimTemplates") if text(root, "kind") == "StatefulSet" else []
    return [text(v, "name") for v in _mappings(spec, "volumes")] + [text(t, "metadata", "name") for t in templates]


def _mounts(container: JSON, path: FieldPath, known: list[str]) -> Iterator[Problem]:
    for field, where in (("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")):
        mounts = _mappings(container, field)
        for i, mount in enumerate(mounts):
            name = text(mount, "name")
            if name and name not in known:
                names = ", ".join(filter(None, known)) or "-"
                yield Problem((*path, field, i, "name"), "no-such-volume", {"value": shown_value(name), "known": names})
        yield from twice((text(m, where) for m in mounts), (*path, field), where)


def _mount(part: Part, _: JSON) -> Iterator[Problem]:
    mount, path = part.value, part.path
    if text(mount, "subPath") and text(mount, "subPathExpr"):
        yield Problem((*path, "subPathExpr"), "both", {"other": "subPath"}, at_key=True)
    for field in ("subPath", "subPathExpr"):
        yield from _inside(mount, field, path)


def _inside(value: JSON, field: str, path: FieldPath, reserved: bool = False) -> Iterator[Problem]:
    """A path that must stay inside a volume; `reserved`: names that begin with .. are the kubelet's."""
    written = text(value, field)
    if written.startswith("/") or ".." in written.split("/") or (reserved and written.startswith("..")):
        yield Problem((*path, field), "path-outside", {"value": shown_value(written)})


def _volume(part: Part, _: JSON) -> Iterator[Problem]:
    for problem in source_problems(part.value, part.path, frozenset({"name"})):
        # an emptyDir is filled in
        yield problem if problem.code != "no-volume-type" else Problem(part.path, "becomes-empty-dir", error=False)
    if "gitRepo" in part.value:
        yield Problem((*part.path, "gitRepo"), "git-repo", error=False, at_key=True)


def _modes(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("defaultMode", "mode"):
        mode = integer(part.value, field)
        if mode is not None and not 0 <= mode <= _MOST_MODE:
            yield Problem((*part.path, field), "mode-range", {"value": str(mode)})


def _key_to_path(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    yield from _inside(part.value, "path", part.path, reserved=True)


def _token(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _inside(part.value, "path", part.path, reserved=True)
    yield from _at_least(part, "expirationSeconds", _SHORTEST_TOKEN)


def _projected(part: Part, root: JSON) -> Iterator[Problem]:
    """Each source has one type, and no two files of them have the same path."""
    yield from _modes(part, root)
    seen: set[str] = set()
    for i, source in enumerate(_mappings(part.value, "sources")):
        path = (*part.path, "sources", i)
        types = [kind for kind in source if kind in _SOURCES]
        if len(types) > 1:
            first, second, *_ = types
            yield Problem((*path, second), "both", {"other": first}, at_key=True)
        for kind, definition in source.items():
            for j, item in enumerate(_mappings(definition, "items") if isinstance(definition, Mapping) else []):
                written = text(item, "path")
                if written and written in seen:
                    yield Problem((*path, kind, "items", j, "path"), "duplicate", {"value": shown_value(written)})
                seen.add(written)


def _config_volume(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    if part.definition == "core.v1.SecretVolumeSource" and not text(part.value, "secretName"):
        yield Problem((*part.path, "secretName"), "required", {"name": "secretName"})
    if part.definition == "core.v1.ConfigMapVolumeSource" and not text(part.value, "name"):
        yield Problem((*part.path, "name"), "required", {"name": "name"})


def _downward_file(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _key_to_path(part, root)
    yield from _one_of(part, ("fieldRef", "resourceFieldRef"))
    yield from _field_ref(mapping(part.value, "fieldRef"), _FILE_FIELDS, (*part.path, "fieldRef"))
    reference = mapping(part.value, "resourceFieldRef")
    if reference and not text(reference, "containerName"):
        yield Problem((*part.path, "resourceFieldRef", "containerName"), "required", {"name": "containerName"})


def _field_ref(reference: JSON, known: tuple[str, ...], path: FieldPath) -> Iterator[Problem]:
    if text(reference, "apiVersion") not in ("", "v1"):
        yield Problem((*path, "apiVersion"), "field-version", {"value": shown_value(reference["apiVersion"])})
    written = text(reference, "fieldPath")
    one = _ONE_KEY.fullmatch(written)
    if not written or _OLD_FIELDS.get(written, written) in known:
        return
    shown = {"value": shown_value(written), "known": ", ".join(known)}
    if one is None:
        yield Problem((*path, "fieldPath"), "whole-map" if written in _FILE_FIELDS else "field-path", shown)
    elif not is_qualified(one[2].lower() if one[1] == "annotations" else one[2]):
        yield Problem((*path, "fieldPath"), "label-key", {"value": shown_value(one[2])})


def _resource_ref(part: Part, _: JSON) -> Iterator[Problem]:
    resource = text(part.value, "resource")
    if resource and resource not in _RESOURCES and not resource.startswith(_HUGE):
        yield Problem(
            (*part.path, "resource"), "resource", {"value": shown_value(resource), "known": ", ".join(_RESOURCES)}
        )
        return
    divisor = quantity_or_none(part.value.get("divisor"))
    allowed = _DIVISORS["cpu" if resource.endswith(".cpu") else "memory"]
    written = str(part.value.get("divisor", "")).strip()
    # compared as Kubernetes prints it, which keeps a leading zero or sign
    fits = str(divisor) in allowed and not re.match(r"\+|0\d", written)
    if resource and divisor is not None and divisor.nano and not fits:
        yield Problem(
            (*part.path, "divisor"),
            "divisor",
            {"value": shown_value(part.value["divisor"]), "known": ", ".join(allowed)},
        )


def _variable(part: Part, _: JSON) -> Iterator[Problem]:
    variable, path = part.value, part.path
    name = text(variable, "name")
    if name and not is_valid_name(name):
        yield Problem((*path, "name"), "variable-name", {"value": shown_value(name)})
    if "valueFrom" in variable:
        if text(variable, "value"):
            yield Problem((*path, "valueFrom"), "both", {"other": "value"}, at_key=True)
        reference = mapping(variable, "valueFrom", "fieldRef")
        yield from _field_ref(reference, _ENV_FIELDS, (*path, "valueFrom", "fieldRef"))


def _variable_source(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, _VARIABLE_SOURCES)


def _from_all(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, ("configMapRef", "secretRef"))
    prefix = text(part.value, "prefix")
    if prefix and not is_valid_name(prefix):
        yield Problem((*part.path, "prefix"), "variable-name", {"value": shown_value(prefix)})
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
    yield from twice((text(p, "name") for p in _mappings(container, "ports")), (*path, "ports"), "name")
    for field in ("limits", "requests"):
        for name in mapping(container, "resources", field):
            if name not in _COUNTED and not name.startswith("hugepages-") and not _is_extended(name):
                facts = {"value": shown_value(name), "known": ", ".join(_COUNTED)}
                yield Problem((*path, "resources", field, name), "container-resource", facts, at_key=True)


def _is_extended(name: str) -> bool:
    """A device of a vendor, as `example.com/gpu`."""
    domain, slash, _ = name.partition("/")
    native = domain == "kubernetes.io" or domain.endswith(".kubernetes.io")
    return bool(slash) and is_qualified(name) and (native or not name.startswith("requests."))


def _port(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("containerPort", "hostPort"):
        port = integer(part.value, field)
        if port is not None and not (field == "hostPort" and port == 0) and not 1 <= port <= _MOST_PORT:
            yield Problem((*part.path, field), "port", {"value": str(port)})


def _resources(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("limits", "requests"):
        for name, amount in mapping(part.value, field).items():
            found = quantity_or_none(amount)
            if found is not None and found.nano < 0:
                yield Problem((*part.path, field, name), "negative", {"value": shown_value(amount)})
    limits = mapping(part.value, "limits")
    for name, amount in mapping(part.value, "requests").items():
        request, limit = quantity_or_none(amount), quantity_or_none(limits.get(name))
        if request is not None and limit is not None and request > limit:
            yield Problem(
                (*part.path, "requests", name),
                "over-limit",
                {"value": shown_value(amount), "limit": shown_value(limits[name])},
            )


def _probe(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, ("exec", "httpGet", "tcpSocket", "grpc"))
    for field in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"):
        yield from _at_least(part, field, 0)
    yield from _at_least(part, "terminationGracePeriodSeconds", 1)
    if part.path[-1] == "readinessProbe" and "terminationGracePeriodSeconds" in part.value:
        yield Problem((*part.path, "terminationGracePeriodSeconds"), "readiness-grace", at_key=True)
    if part.path[-1] in ("livenessProbe", "startupProbe") and (integer(part.value, "successThreshold") or 1) > 1:
        yield Problem((*part.path, "successThreshold"), "one-success", {"probe": str(part.path[-1])})


def _handler(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _one_of(part, ("exec", "httpGet", "tcpSocket", "sleep"))


def _exec(part: Part, _: JSON) -> Iterator[Problem]:
    if not part.value.get("command"):
        yield Problem((*part.path, "command"), "required", {"name": "command"})


def _security(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("runAsUser", "runAsGroup", "fsGroup"):
        number = integer(part.value, field)
        if number is not None and not 0 <= number <= _MOST_ID:
            yield Problem((*part.path, field), "user-id", {"value": str(number)})


def _weighted(part: Part, _: JSON) -> Iterator[Problem]:
    weight = integer(part.value, "weight")
    if weight is not None and not 1 <= weight <= _MOST_WEIGHT:
        yield Problem((*part.path, "weight"), "weight", {"value": str(weight)})


def _toleration(part: Part, _: JSON) -> Iterator[Problem]:
    exists = text(part.value, "operator") == "Exists"
    if not text(part.value, "key") and not exists:
        yield Problem((*part.path, "operator"), "tolerates-all")
    if exists and text(part.value, "value"):
        yield Problem((*part.path, "value"), "toleration-value")
    if "tolerationSeconds" in part.value and text(part.value, "effect") != "NoExecute":
        yield Problem((*part.path, "effect"), "toleration-seconds")


def _empty_dir(part: Part, _: JSON) -> Iterator[Problem]:
    limit = quantity_or_none(part.value.get("sizeLimit"))
    if limit is not None and limit.nano < 0:
        yield Problem((*part.path, "sizeLimit"), "negative", {"value": shown_value(part.value["sizeLimit"])})
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
    "core.v1.ProjectedVolumeSource": _projected,
    "core.v1.ConfigMapProjection": _named_reference,
    "core.v1.SecretProjection": _named_reference,
    "core.v1.ServiceAccountTokenProjection": _token,
    "core.v1.LifecycleHandler": _handler,
    "core.v1.ExecAction": _exec,
    "core.v1.SecurityContext": _security,
    "core.v1.PodSecurityContext": _security,
    "core.v1.WeightedPodAffinityTerm": _weighted,
    "core.v1.PreferredSchedulingTerm": _weighted,
    "core.v1.Toleration": _toleration,
    "core.v1.DownwardAPIVolumeSource": _modes,
    "core.v1.DownwardAPIVolumeFile": _downward_file,
    "core.v1.KeyToPath": _key_to_path,
    "core.v1.EmptyDirVolumeSource": _empty_dir,
    "core.v1.HostPathVolumeSource": _host_path,
}
