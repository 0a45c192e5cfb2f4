"""What the API server does to an object before it keeps it: complete it, and judge it.

Rules: the admission plugins of plugin/pkg/admission that are on by default, in their order, and the strategies of
pkg/registry. Defaults are `rules/defaults`, validation is `validate/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.addresses import ServiceAddresses
from k8sviz.cluster.judgement import judge
from k8sviz.cluster.refused import forbidden, invalid, not_found
from k8sviz.cluster.settings import Settings
from k8sviz.errors import K8svizError
from k8sviz.history import EventType, Object
from k8sviz.kinds import KINDS
from k8sviz.rules.admission import service_account, with_token_volume
from k8sviz.rules.binding import default_storage_class
from k8sviz.rules.defaults import begin_status, completed
from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.pod_security import violations
from k8sviz.rules.quality import qos_class
from k8sviz.rules.quota import exceeded
from k8sviz.validate import problems
from k8sviz.validate.changes import update_problems
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["Admission"]

_CLAIM_PROTECTION: Final = "kubernetes.io/pvc-protection"
_VOLUME_PROTECTION: Final = "kubernetes.io/pv-protection"
_TEMPLATED: Final = frozenset({"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job"})
_PRIORITIES: Final = {"system-cluster-critical": 2000000000, "system-node-critical": 2000001000}
_MOST_PODS: Final = 10_000
_NAME: Final = ("metadata", "name")
_NAMESPACE: Final = ("metadata", "namespace")
_FOR_EVER: Final = ("default", "kube-system", "kube-public", "kube-node-lease")


class Admission:
    """The chain of one cluster: completes objects, gives addresses, judges; asks the API for other objects."""

    def __init__(self, api: API, settings: Settings) -> None:
        self._api = api
        self._settings = settings
        self.addresses = ServiceAddresses(settings.service_network, api.clock.random)
        self._plugins: dict[str, Callable[[Object], Object]] = {
            "Pod": self._pod,
            "PersistentVolumeClaim": self._claim,
            "PersistentVolume": self._volume,
            "Service": self._service,
        }
        api.subscribe(self.heard)

    def heard(self, change: EventType, obj: Object) -> None:
        """Keep account of the addresses that Services have."""
        if obj["kind"] == "Service":
            (self.addresses.free if change == "DELETED" else self.addresses.take)(obj)

    def create(self, obj: Object) -> Object:
        """The object as it will be stored. Raises Refused."""
        kind = text(obj, "kind")
        self._may_be_there(obj)
        judge(obj, [] if self._is_trusted(obj) else problems(obj))
        new = completed(obj)
        status = begin_status(kind)
        if status is not None:
            new["status"] = status
        plugin = self._plugins.get(kind)
        if plugin is not None:
            new = plugin(new)
        self._allowed(new)
        return new

    def _allowed(self, obj: Object) -> None:
        """PodSecurity and ResourceQuota, which see an object as it would be stored, and the simulation's own limit."""
        kind, name, namespace = (text(obj, *path) for path in (("kind",), _NAME, _NAMESPACE))
        self._followed(obj)
        if kind == "Pod":
            space = self._api.find("Namespace", namespace)
            level = text(space, "metadata", "labels", "pod-security.kubernetes.io/enforce")
            against = violations(obj, level)
            if against:
                raise forbidden("Pod", name, f'violates PodSecurity "{level}:latest": {", ".join(against)}')
        for quota in self._api.list("ResourceQuota", namespace) if kind in KINDS else ():
            why = exceeded(quota, obj, self._api.list(kind, namespace))
            if why:
                raise forbidden(kind, name, why)

    def _followed(self, obj: Object) -> None:
        """No more Pods than can be followed in time. Raises K8svizError."""
        wanted = integer(obj, "spec", "replicas") or 0
        if text(obj, "kind") == "Pod":
            wanted = self._api.count("Pod")
        if wanted > _MOST_PODS:
            raise K8svizError(say("cluster.too-many-pods", count=_MOST_PODS))

    def update(self, old: Object, new: Object) -> Object:
        """The object as it will be stored in place of `old`. Raises Refused."""
        if {**new, "metadata": 0, "status": 0} == {**old, "metadata": 0, "status": 0}:
            return new  # metadata and status alone
        trusted = self._is_trusted(new)
        judge(new, [] if trusted else problems(new))
        new = completed(new)
        if text(new, "kind") == "Service":
            new = self._service(_with_addresses(old, new))
        judge(new, [] if trusted else update_problems(old, new), old)
        self._followed(new)
        return new

    def _is_trusted(self, obj: Object) -> bool:
        return not self._settings.judges or _made_from_a_template(obj)

    def delete(self, obj: Object) -> None:
        """Whether this object may be deleted. Raises Refused."""
        name = text(obj, "metadata", "name")
        if text(obj, "kind") == "Namespace" and name in _FOR_EVER[:2]:
            raise forbidden("Namespace", name, "this namespace may not be deleted")

    def _may_be_there(self, obj: Object) -> None:
        """NamespaceLifecycle: the namespace exists and is not on its way out."""
        namespace, kind = text(obj, "metadata", "namespace"), text(obj, "kind")
        if not namespace:
            return
        found = self._api.find("Namespace", namespace)
        if found is None:
            raise not_found("Namespace", namespace)
        if "deletionTimestamp" in found["metadata"] and kind != "Event":
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise forbidden(kind, text(obj, "metadata", "name"), why)

    # -- Pods ------------------------------------------------------------------------------------------

    def _pod(self, pod: Object) -> Object:
        name, namespace = text(pod, "metadata", "name"), text(pod, "metadata", "namespace")
        account = self._api.find("ServiceAccount", service_account(pod), namespace)
        if account is None:
            own = service_account(pod)
            why = f'error looking up service account {namespace}/{own}: serviceaccount "{own}" not found'
            raise forbidden("Pod", name, why)
        spec = dict(pod["spec"])
        spec["serviceAccountName"] = spec["serviceAccount"] = service_account(pod)
        if not spec.get("imagePullSecrets") and account.get("imagePullSecrets"):
            spec["imagePullSecrets"] = account["imagePullSecrets"]
        spec["tolerations"] = self._tolerations(spec.get("tolerations", []))
        spec |= self._priority(name, spec)
        spec = self._limited(namespace, spec)
        whole = with_token_volume({**pod, "spec": spec}, account, f"kube-api-access-{self._api.suffix()}")
        return {**whole, "status": {**pod["status"], "qosClass": qos_class(whole)}}

    def _tolerations(self, given: list[Any]) -> list[Any]:
        """DefaultTolerationSeconds."""
        added = []
        for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
            if not any(_tolerates_loss(each, key) for each in given if isinstance(each, dict)):
                seconds = self._settings.toleration_seconds
                added.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds})
        return [*given, *added]

    def _priority(self, pod: str, spec: Object) -> Object:
        """The Priority plugin."""
        name = text(spec, "priorityClassName")
        if name in _PRIORITIES:
            return {"priority": _PRIORITIES[name], "preemptionPolicy": "PreemptLowerPriority"}
        classes = self._api.list("PriorityClass")
        if name:
            found = next((each for each in classes if text(each, "metadata", "name") == name), None)
            if found is None:
                raise forbidden("Pod", pod, f"no PriorityClass with name {name} was found")
        else:
            found = next((each for each in classes if flag(each, "globalDefault")), None)
        if found is None:
            return {"priority": 0, "preemptionPolicy": "PreemptLowerPriority"}
        chosen = {"priority": integer(found, "value") or 0, "priorityClassName": text(found, "metadata", "name")}
        return {**chosen, "preemptionPolicy": text(found, "preemptionPolicy") or "PreemptLowerPriority"}

    def _limited(self, namespace: str, spec: Object) -> Object:
        """LimitRanger: a LimitRange's defaults for containers that say nothing."""
        limits: dict[str, Any] = {}
        requests: dict[str, Any] = {}
        for each in self._api.list("LimitRange", namespace):
            for item in listed(each, "spec", "limits"):
                if text(item, "type") == "Container":
                    limits |= mapping(item, "default")
                    requests |= {**mapping(item, "default"), **mapping(item, "defaultRequest")}
        if not limits and not requests:
            return spec
        return {
            **spec,
            **{
                part: [_with_limits(each, limits, requests) for each in spec[part]]
                for part in ("initContainers", "containers")
                if part in spec
            },
        }

    # -- storage and network ---------------------------------------------------------------------------

    def _claim(self, claim: Object) -> Object:
        claim = _finalized(claim, _CLAIM_PROTECTION)
        annotated = "volume.beta.kubernetes.io/storage-class" in mapping(claim, "metadata", "annotations")
        if "storageClassName" not in claim["spec"] and not annotated:
            found = default_storage_class(self._api.list("StorageClass"))
            if found is not None:
                name = text(found, "metadata", "name")
                claim = {**claim, "spec": {**claim["spec"], "storageClassName": name}}
        return claim

    def _volume(self, volume: Object) -> Object:
        status = {**volume["status"], "lastPhaseTransitionTime": self._api.clock.stamp()}
        return {**_finalized(volume, _VOLUME_PROTECTION), "status": status}

    def _service(self, service: Object) -> Object:
        spec = dict(service["spec"])
        if spec.get("type") == "ExternalName":
            return service
        address = text(spec, "clusterIP") or self.addresses.address()
        if address != "None" and text(service, "spec", "clusterIP") and self.addresses.is_taken(address):
            taken = self._holder(address)
            if taken not in ("", text(service, "metadata", "uid")):
                shown = f'Invalid value: "{address}": failed to allocate IP {address}: provided IP is already allocated'
                cause = {"reason": "FieldValueInvalid", "message": shown, "field": "spec.clusterIPs"}
                raise invalid("Service", text(service, "metadata", "name"), [cause])
        spec |= {"clusterIP": address, "clusterIPs": [address], "ipFamilies": ["IPv4"]}
        spec["ipFamilyPolicy"] = spec.get("ipFamilyPolicy", "SingleStack")
        if spec.get("type") in ("NodePort", "LoadBalancer"):
            spec["ports"] = [
                {**port, "nodePort": integer(port, "nodePort") or self.addresses.port()} for port in spec["ports"]
            ]
        return {**service, "spec": spec}

    def _holder(self, address: str) -> str:
        for each in self._api.list("Service"):
            if text(each, "spec", "clusterIP") == address:
                return text(each, "metadata", "uid")
        return ""


def _made_from_a_template(obj: Object) -> bool:
    """Whether a controller made this from a template that was judged; each Pod of a thousand is not judged again."""
    if text(obj, "kind") not in ("Pod", "ReplicaSet"):
        return text(obj, "kind") in ("ControllerRevision", "Event", "EndpointSlice")
    owners = listed(obj, "metadata", "ownerReferences")
    return any(flag(owner, "controller") and text(owner, "kind") in _TEMPLATED for owner in owners)


def _finalized(obj: Object, finalizer: str) -> Object:
    before = obj["metadata"].get("finalizers", [])
    return obj if finalizer in before else {**obj, "metadata": {**obj["metadata"], "finalizers": [*before, finalizer]}}


def _tolerates_loss(toleration: Object, key: str) -> bool:
    return toleration.get("key") in (key, None, "") and toleration.get("effect") in ("NoExecute", None, "")


def _with_limits(container: Object, limits: Object, requests: Object) -> Object:
    own = mapping(container, "resources")
    new_limits = {**limits, **mapping(own, "limits")}
    new_requests = {**requests, **mapping(own, "limits"), **mapping(own, "requests")}
    return {**container, "resources": {**own, "limits": new_limits, "requests": new_requests}}


def _with_addresses(old: Object, new: Object) -> Object:
    """A Service that an update sends keeps the addresses that it leaves out."""
    spec = dict(new["spec"])
    for field in ("clusterIP", "clusterIPs"):
        if not spec.get(field) and field in old["spec"]:
            spec[field] = old["spec"][field]
    ports = {text(port, "name"): integer(port, "nodePort") for port in listed(old, "spec", "ports")}
    if spec.get("type") in ("NodePort", "LoadBalancer"):
        spec["ports"] = [
            {**port, "nodePort": port.get("nodePort") or ports.get(text(port, "name"))} for port in spec["ports"]
        ]
    return {**new, "spec": spec}
