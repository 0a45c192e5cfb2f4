"""What the API server fills into a Pod's spec, or a template's, where it says nothing.

Rule: pkg/apis/core/v1/defaults.go. Each function completes a copy that its caller made, in place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from k8sviz.rules.quantity import quantity_or_none

__all__ = ["complete_pod", "complete_pod_spec", "complete_resources", "resources_of"]

_JSON = dict[str, Any]
_PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
_PROBE: Final = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_FILES_MODE: Final = 0o644


def complete_pod(pod: _JSON) -> None:
    """A Pod by itself: its spec's defaults, and those that templates do not get (SetDefaults_Pod)."""
    spec = pod.setdefault("spec", {})
    complete_pod_spec(spec)
    for container in _containers(spec):
        resources = container.get("resources")
        if isinstance(resources, dict) and isinstance(resources.get("limits"), dict):
            requests = resources.get("requests", {})
            resources["requests"] = {**resources["limits"], **requests} if isinstance(requests, dict) else requests
    spec.setdefault("enableServiceLinks", True)


def complete_pod_spec(spec: _JSON) -> None:
    """A Pod's spec, also a template's.

    >>> spec = {"containers": [{"name": "app", "image": "busybox"}]}
    >>> complete_pod_spec(spec)
    >>> spec["restartPolicy"], spec["containers"][0]["imagePullPolicy"]
    ('Always', 'Always')
    """
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for volume in _objects(spec, "volumes"):
        _complete_volume(volume)
    for container in _containers(spec):
        _complete_container(container)
        if spec.get("hostNetwork") is True:
            for port in _objects(container, "ports"):
                port.setdefault("hostPort", port.get("containerPort"))
    complete_resources(spec)
    for constraint in _objects(spec, "topologySpreadConstraints"):
        constraint.setdefault("maxSkew", 1)


def _containers(spec: _JSON) -> Iterator[_JSON]:
    for part in _CONTAINERS:
        yield from _objects(spec, part)


def _objects(value: Any, name: str) -> list[_JSON]:
    found = value.get(name) if isinstance(value, dict) else None
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _complete_container(container: _JSON) -> None:
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))
    complete_resources(container)
    for port in _objects(container, "ports"):
        port.setdefault("protocol", "TCP")
    for variable in _objects(container, "env"):
        if not variable.get("value"):
            variable.pop("value", None)
        _complete_source(variable.get("valueFrom"))
    for name in _PROBES:
        if isinstance(container.get(name), dict):
            _complete_probe(container[name])
    lifecycle = container.get("lifecycle")
    if isinstance(lifecycle, dict):
        for hook in lifecycle.values():
            _complete_action(hook)


def _pull_policy(image: str) -> str:
    """`latest`, written or not, is pulled each time (SetDefaults_Container); a digest is no tag."""
    name = image.rpartition("/")[2]
    if "@" in name:
        return "IfNotPresent"
    return "Always" if name.partition(":")[2] in ("", "latest") else "IfNotPresent"


def _complete_probe(probe: _JSON) -> None:
    _complete_action(probe)
    for name, value in _PROBE.items():
        if not probe.get(name):
            probe[name] = value
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")


def _complete_action(action: object) -> None:
    get = action.get("httpGet") if isinstance(action, dict) else None
    if isinstance(get, dict):
        get.setdefault("path", "/")
        get.setdefault("scheme", "HTTP")


def _complete_source(source: object) -> None:
    if not isinstance(source, dict):
        return
    if isinstance(source.get("fieldRef"), dict):
        source["fieldRef"].setdefault("apiVersion", "v1")
    if isinstance(source.get("resourceFieldRef"), dict):
        source["resourceFieldRef"]["divisor"] = _canonical(source["resourceFieldRef"].get("divisor", "0"))


def _complete_volume(volume: _JSON) -> None:
    if not volume.keys() - {"name"}:
        volume["emptyDir"] = {}
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        if isinstance(volume.get(kind), dict):
            volume[kind].setdefault("defaultMode", _FILES_MODE)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    for item in _objects(volume.get("downwardAPI") or {}, "items"):
        _complete_source(item)
    for source in _objects(volume.get("projected") or {}, "sources"):
        for item in _objects(source.get("downwardAPI") or {}, "items"):
            _complete_source(item)
        if isinstance(source.get("serviceAccountToken"), dict):
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)
    empty = volume.get("emptyDir")
    if isinstance(empty, dict) and "sizeLimit" in empty:
        empty["sizeLimit"] = _canonical(empty["sizeLimit"])
    claim = (
        volume.get("ephemeral", {}).get("volumeClaimTemplate") if isinstance(volume.get("ephemeral"), dict) else None
    )
    if isinstance(claim, dict) and isinstance(claim.get("spec"), dict):
        claim["spec"].setdefault("volumeMode", "Filesystem")
        complete_resources(claim["spec"])


def complete_resources(part: _JSON) -> None:
    """Write the quantities in a part's `resources` as the API server does, and leave out what is empty.

    >>> part = {"resources": {"limits": {"cpu": 0.5, "memory": "1024Mi"}, "requests": {}}}
    >>> complete_resources(part)
    >>> part["resources"]
    {'limits': {'cpu': '500m', 'memory': '1Gi'}}
    """
    resources = part.get("resources")
    if not isinstance(resources, dict):
        return
    for name in ("limits", "requests"):
        if isinstance(resources.get(name), dict):
            resources[name] = {key: _canonical(value) for key, value in resources[name].items()}
            if not resources[name]:
                del resources[name]


def resources_of(container: _JSON) -> _JSON:
    """A container's resources; {} when it says nothing."""
    found = container.get("resources")
    return found if isinstance(found, dict) else {}


def _canonical(value: Any) -> Any:
    found = quantity_or_none(value)
    return value if found is None else str(found)
