"""Every place in an object that names another object, with its path: what `check` looks up among the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from k8sviz.rules.fields import flag, listed, mapped, mapping, text
from k8sviz.validate.among import Runner, home_of, pod_spec
from k8sviz.validate.model import FieldPath

__all__ = ["Use", "backends", "uses"]

JSON = Mapping[str, Any]
_SERVED: Final = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_FROM: Final = {"configMapRef": "ConfigMap", "secretRef": "Secret"}
_PARTS: Final = {"configMap": "ConfigMap", "secret": "Secret"}


class Use(NamedTuple):
    """A name in an object: of what kind, where, in which namespace; `key` of a ConfigMap or Secret, '' for all."""

    path: FieldPath
    kind: str
    name: str
    namespace: str = ""
    key: str = ""
    optional: bool = False
    key_path: FieldPath = ()


def uses(obj: JSON) -> Iterator[Use]:
    """What an object names; a name that is left out is none.

    >>> spec = {"containers": [{"name": "main", "envFrom": [{"secretRef": {"name": "s"}}]}]}
    >>> [(use.kind, use.name) for use in uses({"apiVersion": "v1", "kind": "Pod", "spec": spec})]
    [('Secret', 's')]
    """
    home = home_of(obj)
    runner = pod_spec(obj)
    found = _of_pod(runner) if runner is not None else iter(())
    rule = _RULES.get(text(obj, "kind"))
    for use in (*found, *(rule(obj) if rule is not None else ())):
        if use.name:
            yield use if use.namespace else use._replace(namespace=home)


# -- Pods ------------------------------------------------------------------------------------------


def _of_pod(runner: Runner) -> Iterator[Use]:
    spec, path = runner.spec, runner.path
    for kind, field in (
        ("ServiceAccount", "serviceAccountName"),
        ("PriorityClass", "priorityClassName"),
        ("RuntimeClass", "runtimeClassName"),
    ):
        yield Use((*path, field), kind, text(spec, field))
    for i, secret in enumerate(listed(spec, "imagePullSecrets")):
        yield Use((*path, "imagePullSecrets", i, "name"), "Secret", text(secret, "name"))
    for i, volume in enumerate(listed(spec, "volumes")):
        yield from _of_volume(volume, (*path, "volumes", i))
    for field in ("initContainers", "containers"):
        for i, container in enumerate(listed(spec, field)):
            yield from _of_container(container, (*path, field, i))
            yield from _sub_paths(container, (*path, field, i), spec)


def _of_volume(volume: JSON, path: FieldPath) -> Iterator[Use]:
    claim = text(volume, "persistentVolumeClaim", "claimName")
    yield Use((*path, "persistentVolumeClaim", "claimName"), "PersistentVolumeClaim", claim)
    yield from _of_source(volume, path, "secretName")
    for j, source in enumerate(listed(volume, "projected", "sources")):
        yield from _of_source(source, (*path, "projected", "sources", j), "name")
    template = mapping(volume, "ephemeral", "volumeClaimTemplate", "spec")
    where = (*path, "ephemeral", "volumeClaimTemplate", "spec", "storageClassName")
    yield Use(where, "StorageClass", text(template, "storageClassName"))
    name = text(volume, "csi", "nodePublishSecretRef", "name")
    yield Use((*path, "csi", "nodePublishSecretRef", "name"), "Secret", name)


def _of_source(source: JSON, path: FieldPath, secret_name: str) -> Iterator[Use]:
    """A ConfigMap or Secret as files: all of it, or the keys that are listed."""
    for part, kind in _PARTS.items():
        definition = mapped(source, part)
        if definition is None:
            continue
        field = secret_name if part == "secret" else "name"
        whole = Use((*path, part, field), kind, text(definition, field), optional=bool(flag(definition, "optional")))
        items = listed(definition, "items")
        yield whole
        for i, item in enumerate(items):
            yield whole._replace(key=text(item, "key"), key_path=(*path, part, "items", i, "key"))


def _of_container(container: JSON, path: FieldPath) -> Iterator[Use]:
    for i, source in enumerate(listed(container, "envFrom")):
        for part, kind in _FROM.items():
            ref = mapping(source, part)
            yield Use(
                (*path, "envFrom", i, part, "name"), kind, text(ref, "name"), optional=bool(flag(ref, "optional"))
            )
    for i, entry in enumerate(listed(container, "env")):
        for part, kind in _SERVED.items():
            ref, where = mapping(entry, "valueFrom", part), (*path, "env", i, "valueFrom", part)
            optional, key = bool(flag(ref, "optional")), text(ref, "key")
            yield Use((*where, "name"), kind, text(ref, "name"), "", key, optional, (*where, "key"))


def _sub_paths(container: JSON, path: FieldPath, spec: JSON) -> Iterator[Use]:
    """A subPath of a whole ConfigMap or Secret is a key; one that is not there becomes an empty folder."""
    volumes = {text(volume, "name"): volume for volume in listed(spec, "volumes")}
    for i, mount in enumerate(listed(container, "volumeMounts")):
        key = text(mount, "subPath").strip("/")
        volume = volumes.get(text(mount, "name"), {})
        for part, kind in _PARTS.items():
            definition = mapping(volume, part)
            name = text(definition, "secretName" if part == "secret" else "name")
            if key and name and not listed(definition, "items"):
                where = (*path, "volumeMounts", i, "subPath")
                yield Use(where, kind, name, "", key, bool(flag(definition, "optional")), where)


# -- other kinds -----------------------------------------------------------------------------------


def _stateful_set(obj: JSON) -> Iterator[Use]:
    yield Use(("spec", "serviceName"), "Service", text(obj, "spec", "serviceName"))
    for i, template in enumerate(listed(obj, "spec", "volumeClaimTemplates")):
        path = ("spec", "volumeClaimTemplates", i, "spec", "storageClassName")
        yield Use(path, "StorageClass", text(template, "spec", "storageClassName"))


def _claim(obj: JSON) -> Iterator[Use]:
    yield Use(("spec", "storageClassName"), "StorageClass", text(obj, "spec", "storageClassName"))
    yield Use(("spec", "volumeName"), "PersistentVolume", text(obj, "spec", "volumeName"))


def _binding(obj: JSON) -> Iterator[Use]:
    yield Use(("roleRef", "name"), text(obj, "roleRef", "kind"), text(obj, "roleRef", "name"))
    for i, subject in enumerate(listed(obj, "subjects")):
        if text(subject, "kind") == "ServiceAccount":
            name, home = text(subject, "name"), text(subject, "namespace")
            yield Use(("subjects", i, "name"), "ServiceAccount", name, home)


def _account(obj: JSON) -> Iterator[Use]:
    for field in ("secrets", "imagePullSecrets"):
        for i, secret in enumerate(listed(obj, field)):
            yield Use((field, i, "name"), "Secret", text(secret, "name"))


def _scaler(obj: JSON) -> Iterator[Use]:
    target = mapping(obj, "spec", "scaleTargetRef")
    yield Use(("spec", "scaleTargetRef", "name"), text(target, "kind"), text(target, "name"))


def _ingress(obj: JSON) -> Iterator[Use]:
    for path, backend in backends(obj):
        yield Use((*path, "name"), "Service", text(backend, "name"))
    for i, tls in enumerate(listed(obj, "spec", "tls")):
        yield Use(("spec", "tls", i, "secretName"), "Secret", text(tls, "secretName"))
    yield Use(("spec", "ingressClassName"), "IngressClass", text(obj, "spec", "ingressClassName"))


def backends(ingress: JSON) -> Iterator[tuple[FieldPath, JSON]]:
    """The Services that an Ingress leads to, each with its path."""
    default = mapping(ingress, "spec", "defaultBackend", "service")
    if default:
        yield ("spec", "defaultBackend", "service"), default
    for i, rule in enumerate(listed(ingress, "spec", "rules")):
        for j, each in enumerate(listed(rule, "http", "paths")):
            service = mapping(each, "backend", "service")
            if service:
                yield ("spec", "rules", i, "http", "paths", j, "backend", "service"), service


_RULES: Final = {
    "StatefulSet": _stateful_set,
    "PersistentVolumeClaim": _claim,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "ServiceAccount": _account,
    "HorizontalPodAutoscaler": _scaler,
    "Ingress": _ingress,
}
