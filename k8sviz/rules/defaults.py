"""What the API server fills into objects where they say nothing, and how it writes what they say.

Rules: SetDefaults_* in pkg/apis/*/v1/defaults.go, and the PrepareForCreate of pkg/registry. What needs to know other
objects (the default class, an address, the token's volume) is admission's.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, Final

from k8sviz.rules.pod_defaults import complete_pod, complete_pod_spec, complete_resources
from k8sviz.rules.quantity import quantity_or_none

__all__ = ["begin_status", "completed"]

_JSON = dict[str, Any]
_RBAC: Final = "rbac.authorization.k8s.io"
_LISTS_KEPT: Final = frozenset({"endpoints", "ports", "subsets", "rules", "data", "stringData", "binaryData"})
_EMPTY_KEPT: Final = frozenset({"labels", "annotations", "matchLabels", "nodeSelector", "data", "stringData"})


def completed(obj: _JSON) -> _JSON:
    """A copy of an object as the API server stores it, but for what it alone knows.

    >>> stored = completed({"kind": "Deployment", "spec": {"template": {"spec": {"containers": []}}}})
    >>> stored["spec"]["replicas"], stored["spec"]["strategy"]["rollingUpdate"]
    (1, {'maxUnavailable': '25%', 'maxSurge': '25%'})
    """
    if obj.get("kind") == "Event":  # written by components, nulls and all
        return dict(obj)
    new: _JSON = _copied(obj)
    meta = new.get("metadata")
    if isinstance(meta, dict):
        for name in ("labels", "annotations", "finalizers", "ownerReferences"):
            if meta.get(name) in ({}, []):
                del meta[name]
    complete = _COMPLETE.get(str(new.get("kind")))
    if complete is not None:
        if "spec" in new and not isinstance(new["spec"], dict):
            return new  # validation will say so
        complete(new)
    return new


def _copied(value: Any, name: str = "") -> Any:
    """The value without nulls and empty lists, as Go's omitempty leaves them out; an empty object means something."""
    if isinstance(value, dict):
        return {
            key: _copied(each, key) if each is not None else ""
            for key, each in value.items()
            if (each is not None and (each != [] or key in _LISTS_KEPT)) or name in _EMPTY_KEPT
        }
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value


def _spec(obj: _JSON) -> _JSON:
    spec = obj.setdefault("spec", {})
    return spec if isinstance(spec, dict) else {}


def _template(spec: _JSON) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        inner = template.setdefault("spec", {})
        if isinstance(inner, dict):
            complete_pod_spec(inner)


def _deployment(obj: _JSON) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    _template(spec)
    strategy = spec.setdefault("strategy", {})
    if isinstance(strategy, dict):
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            if isinstance(rolling, dict):
                rolling.setdefault("maxUnavailable", "25%")
                rolling.setdefault("maxSurge", "25%")
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)


def _replica_set(obj: _JSON) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    _template(spec)


def _replication_controller(obj: _JSON) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    _template(spec)
    template = spec.get("template")
    meta = template.get("metadata") if isinstance(template, dict) else None
    labels = meta.get("labels") if isinstance(meta, dict) else None
    if labels and isinstance(labels, dict):
        if not spec.get("selector"):
            spec["selector"] = dict(labels)
        if isinstance(obj.get("metadata"), dict) and not obj["metadata"].get("labels"):
            obj["metadata"]["labels"] = dict(labels)


def _stateful_set(obj: _JSON) -> None:
    spec = _spec(obj)
    _template(spec)
    for claim in spec.get("volumeClaimTemplates") or ():
        if isinstance(claim, dict):
            claim.setdefault("kind", "PersistentVolumeClaim")
            claim.setdefault("apiVersion", "v1")
            _claim(claim)
            claim["status"] = {"phase": "Pending"}
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if isinstance(strategy, dict):
        strategy.setdefault("type", "RollingUpdate")
        if strategy["type"] == "RollingUpdate":
            rolling = strategy.setdefault("rollingUpdate", {})
            if isinstance(rolling, dict):
                rolling.setdefault("partition", 0)
    policy = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    if isinstance(policy, dict):
        policy.setdefault("whenDeleted", "Retain")
        policy.setdefault("whenScaled", "Retain")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)


def _daemon_set(obj: _JSON) -> None:
    spec = _spec(obj)
    _template(spec)
    strategy = spec.setdefault("updateStrategy", {"type": "RollingUpdate"})
    if isinstance(strategy, dict) and strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        if isinstance(rolling, dict):
            rolling.setdefault("maxUnavailable", 1)
            rolling.setdefault("maxSurge", 0)
    spec.setdefault("revisionHistoryLimit", 10)


def _job(obj: _JSON) -> None:
    spec = _spec(obj)
    _template(spec)
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")


def _service(obj: _JSON) -> None:
    spec = _spec(obj)
    kind = spec.setdefault("type", "ClusterIP")
    if spec.setdefault("sessionAffinity", "None") == "ClientIP":
        spec.setdefault("sessionAffinityConfig", {"clientIP": {"timeoutSeconds": 10800}})
    for port in spec.get("ports") or ():
        if isinstance(port, dict):
            port.setdefault("protocol", "TCP")
            if port.get("targetPort") in (None, 0, ""):
                port["targetPort"] = port.get("port")
    if kind in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)


def _claim(obj: _JSON) -> None:
    spec = _spec(obj)
    spec.setdefault("volumeMode", "Filesystem")
    complete_resources(spec)


def _volume(obj: _JSON) -> None:
    spec = _spec(obj)
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    spec.setdefault("volumeMode", "Filesystem")
    if spec.get("storageClassName") == "":
        del spec["storageClassName"]  # no pointer: the empty text is left out
    capacity = spec.get("capacity")
    if isinstance(capacity, dict):
        spec["capacity"] = {name: str(quantity_or_none(value) or value) for name, value in capacity.items()}
    if isinstance(spec.get("hostPath"), dict):
        spec["hostPath"].setdefault("type", "")
    if isinstance(spec.get("claimRef"), dict):
        spec["claimRef"].setdefault("kind", "PersistentVolumeClaim")
        spec["claimRef"].setdefault("apiVersion", "v1")


def _secret(obj: _JSON) -> None:
    obj.setdefault("type", "Opaque")
    written = obj.pop("stringData", None)
    if isinstance(written, dict) and written:
        data = obj.setdefault("data", {})
        if isinstance(data, dict):
            data.update({key: _encoded(value) for key, value in written.items()})


def _encoded(value: Any) -> Any:
    return base64.b64encode(value.encode("utf-8", "replace")).decode() if isinstance(value, str) else value


def _storage_class(obj: _JSON) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _namespace(obj: _JSON) -> None:
    _spec(obj).setdefault("finalizers", ["kubernetes"])
    meta = obj.get("metadata")
    if isinstance(meta, dict):
        labels = meta.setdefault("labels", {})
        if isinstance(labels, dict):
            labels["kubernetes.io/metadata.name"] = meta.get("name", "")


def _binding(obj: _JSON) -> None:
    role = obj.get("roleRef")
    if isinstance(role, dict):
        role.setdefault("apiGroup", _RBAC)
    for subject in obj.get("subjects") or ():
        if isinstance(subject, dict) and subject.get("kind") in ("User", "Group"):
            subject.setdefault("apiGroup", _RBAC)


_COMPLETE: Final[dict[str, Callable[[_JSON], None]]] = {
    "Pod": complete_pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "ReplicationController": _replication_controller,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Service": _service,
    "PersistentVolumeClaim": _claim,
    "PersistentVolume": _volume,
    "Secret": _secret,
    "StorageClass": _storage_class,
    "Namespace": _namespace,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
}

_STATUS: Final[dict[str, _JSON]] = {
    "Pod": {"phase": "Pending"},
    "Deployment": {},
    "ReplicaSet": {"replicas": 0},
    "ReplicationController": {"replicas": 0},
    "StatefulSet": {"replicas": 0, "availableReplicas": 0},
    "DaemonSet": {"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
    "Job": {},
    "Service": {"loadBalancer": {}},
    "PersistentVolumeClaim": {"phase": "Pending"},
    "PersistentVolume": {"phase": "Pending"},
    "Namespace": {"phase": "Active"},
    "PodDisruptionBudget": {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
}


def begin_status(kind: str) -> _JSON | None:
    """The status that a new object of this kind begins with; None for a kind that has none.

    >>> begin_status("ReplicaSet"), begin_status("ConfigMap")
    ({'replicas': 0}, None)
    """
    found = _STATUS.get(kind)
    return dict(found) if found is not None else None
