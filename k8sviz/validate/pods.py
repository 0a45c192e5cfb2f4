"""What the API server checks of a Pod beyond types (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.environment import is_valid_name
from k8sviz.rules.fields import integer, mapping, text
from k8sviz.rules.quantity import Quantity, quantity_or_none
from k8sviz.validate.lists import at_least, mappings, named_reference, one_of, twice
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.names import is_qualified, label_problems
from k8sviz.validate.pod_fields import ENV_FIELDS, field_ref, resource_ref
from k8sviz.validate.pod_volumes import VOLUME_RULES, mounts, volume_names
from k8sviz.validate.published import Part

__all__ = ["POD_RULES"]

JSON = Mapping[str, Any]

_VARIABLE_SOURCES: Final = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_MOST_PORT: Final = 65535
_COUNTED: Final = ("cpu", "memory", "ephemeral-storage")
_MOST_ID: Final = 2**31 - 1
_MOST_WEIGHT: Final = 100


def _pod_spec(part: Part, root: JSON) -> Iterator[Problem]:
    spec, path = part.value, part.path
    every = [
        (kind, i, each)
        for kind in ("containers", "initContainers", "ephemeralContainers")
        for i, each in enumerate(mappings(spec, kind))
    ]
    seen: set[str] = set()
    for kind, i, container in every:
        name = text(container, "name")
        if name and name in seen:
            yield Problem((*path, kind, i, "name"), "duplicate", {"value": shown_value(name)})
        seen.add(name)
        yield from mounts(container, (*path, kind, i), volume_names(spec, root))
    yield from twice((text(v, "name") for v in mappings(spec, "volumes")), (*path, "volumes"), "name")
    yield from label_problems(spec.get("nodeSelector"), (*path, "nodeSelector"))
    yield from at_least(part, "activeDeadlineSeconds", 1)
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
        for container in mappings(spec, kind):
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
    for i, container in enumerate(mappings(spec, "containers")):
        for name, amount in mapping(container, "resources", "limits").items():
            mine, most = quantity_or_none(amount), quantity_or_none(limits.get(name))
            if mine is not None and most is not None and mine > most:
                yield Problem(
                    (*path, "containers", i, "resources", "limits", name),
                    "over-pod-limit",
                    {"value": shown_value(amount), "limit": shown_value(limits[name])},
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
        yield from field_ref(reference, ENV_FIELDS, (*path, "valueFrom", "fieldRef"))


def _variable_source(part: Part, _: JSON) -> Iterator[Problem]:
    yield from one_of(part, _VARIABLE_SOURCES)


def _from_all(part: Part, _: JSON) -> Iterator[Problem]:
    yield from one_of(part, ("configMapRef", "secretRef"))
    prefix = text(part.value, "prefix")
    if prefix and not is_valid_name(prefix):
        yield Problem((*part.path, "prefix"), "variable-name", {"value": shown_value(prefix)})
    for field in ("configMapRef", "secretRef"):
        if field in part.value and not text(part.value, field, "name"):
            yield Problem((*part.path, field, "name"), "required", {"name": "name"})


def _container(part: Part, _: JSON) -> Iterator[Problem]:
    container, path = part.value, part.path
    if not text(container, "image").strip() and not isinstance(container.get("image"), int | float | list | dict):
        yield Problem((*path, "image"), "required", {"name": "image"})
    yield from twice((text(p, "name") for p in mappings(container, "ports")), (*path, "ports"), "name")
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
    yield from one_of(part, ("exec", "httpGet", "tcpSocket", "grpc"))
    for field in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold", "failureThreshold"):
        yield from at_least(part, field, 0)
    yield from at_least(part, "terminationGracePeriodSeconds", 1)
    if part.path[-1] == "readinessProbe" and "terminationGracePeriodSeconds" in part.value:
        yield Problem((*part.path, "terminationGracePeriodSeconds"), "readiness-grace", at_key=True)
    if part.path[-1] in ("livenessProbe", "startupProbe") and (integer(part.value, "successThreshold") or 1) > 1:
        yield Problem((*part.path, "successThreshold"), "one-success", {"probe": str(part.path[-1])})


def _handler(part: Part, _: JSON) -> Iterator[Problem]:
    yield from one_of(part, ("exec", "httpGet", "tcpSocket", "sleep"))


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


POD_RULES: Final = {
    **VOLUME_RULES,
    "core.v1.PodSpec": _pod_spec,
    "core.v1.Container": _container,
    "core.v1.ContainerPort": _port,
    "core.v1.ResourceRequirements": _resources,
    "core.v1.Probe": _probe,
    "core.v1.EnvVar": _variable,
    "core.v1.EnvVarSource": _variable_source,
    "core.v1.EnvFromSource": _from_all,
    "core.v1.ConfigMapKeySelector": named_reference,
    "core.v1.SecretKeySelector": named_reference,
    "core.v1.ResourceFieldSelector": resource_ref,
    "core.v1.LifecycleHandler": _handler,
    "core.v1.ExecAction": _exec,
    "core.v1.SecurityContext": _security,
    "core.v1.PodSecurityContext": _security,
    "core.v1.WeightedPodAffinityTerm": _weighted,
    "core.v1.PreferredSchedulingTerm": _weighted,
    "core.v1.Toleration": _toleration,
}
