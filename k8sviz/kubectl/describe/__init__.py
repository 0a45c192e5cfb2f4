"""`kubectl describe`: an object in sentences, as kubectl 1.36 lays them out (k8s.io/kubectl/pkg/describe)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from k8sviz.cluster.refused import Refused
from k8sviz.history import Object
from k8sviz.kubectl.describe import others, storage, workloads
from k8sviz.kubectl.describe.pod import pod
from k8sviz.kubectl.describe.writer import Writer
from k8sviz.kubectl.failed import Failed, explained
from k8sviz.kubectl.flags import Call
from k8sviz.kubectl.manifests import named_in_files
from k8sviz.kubectl.naming import wanted
from k8sviz.kubectl.resources import Resource
from k8sviz.kubectl.session import Session, Wanted
from k8sviz.rules.fields import text

__all__ = ["DESCRIBE_FLAGS", "describe"]

DESCRIBE_FLAGS: Final = "selector,l= all-namespaces,A show-events=true filename,f= recursive,R chunk-size="
Events = Sequence[Object] | None


def describe(session: Session, call: Call) -> None:
    """Print descriptions, two empty lines between them. Raises Failed, Refused."""
    asked = named_in_files(session, call) if call.has("filename") else wanted(session, call.words)
    if not asked:
        raise Failed(
            'You must specify the type of resource to describe. Use "kubectl api-resources" for a complete list of '
            "supported resources.\n"
        )
    namespace = None if call.on("all-namespaces") else session.namespace(call)
    found: list[tuple[Resource, Object]] = []
    for one in asked:
        try:
            found += _found(session, call, one, namespace)
        except Refused as refused:
            session.fail(explained(refused))
    with_events = call.on("show-events", default=True)
    session.out.append("\n\n".join(_described(session, resource, obj, with_events) for resource, obj in found))
    if not found and not session.code:
        session.warn(f"No resources found in {namespace} namespace." if namespace else "No resources found")


def _found(session: Session, call: Call, one: Wanted, namespace: str | None) -> list[tuple[Resource, Object]]:
    if not one.name:
        return [(one.resource, obj) for obj in session.list(one.resource, namespace, labels=call.flag("selector"))]
    try:
        return [(one.resource, session.get(one, namespace or ""))]
    except Refused as refused:  # a prefix of a name is enough
        near = [
            obj
            for obj in session.list(one.resource, namespace)
            if text(obj, "metadata", "name").startswith(one.name) and refused.reason == "NotFound"
        ]
        if not near:
            raise
        return [(one.resource, obj) for obj in near]


def _described(session: Session, resource: Resource, obj: Object, with_events: bool) -> str:
    w = Writer(session.target.now)
    events = _events(session, obj) if with_events else None
    namespace = text(obj, "metadata", "namespace")

    def of(*kinds: str) -> dict[str, Sequence[Object]]:
        return {kind: session.api.list(kind, namespace) for kind in kinds}

    plain: dict[str, Callable[[], None]] = {
        "Pod": lambda: pod(w, obj, events),
        "Deployment": lambda: workloads.deployment(w, obj, of("ReplicaSet"), events),
        "ReplicaSet": lambda: workloads.replica_set(w, obj, of("Pod"), events),
        "ReplicationController": lambda: workloads.replication_controller(w, obj, of("Pod"), events),
        "StatefulSet": lambda: workloads.stateful_set(w, obj, of("Pod"), events),
        "Service": lambda: workloads.service(w, obj, of("EndpointSlice"), events),
        "PersistentVolume": lambda: storage.volume(w, obj, events),
        "PersistentVolumeClaim": lambda: storage.claim(w, obj, of("Pod")["Pod"], events),
        "StorageClass": lambda: storage.storage_class(w, obj, events),
        "ConfigMap": lambda: storage.config_map(w, obj, events),
        "Secret": lambda: storage.secret(w, obj),
        "Node": lambda: others.node(w, obj, session.api.list("Pod"), events),
        "ServiceAccount": lambda: others.account(w, obj, events),
        "Role": lambda: others.role(w, obj),
        "ClusterRole": lambda: others.role(w, obj),
        "RoleBinding": lambda: others.binding(w, obj),
        "ClusterRoleBinding": lambda: others.binding(w, obj),
        "Namespace": lambda: others.namespace(w, obj),
        "EndpointSlice": lambda: others.endpoint_slice(w, obj, events),
        "PodDisruptionBudget": lambda: others.budget(w, obj, events),
    }
    make = plain.get(resource.kind)
    if make is None:
        others.anything(w, obj, events)
    else:
        make()
    return w.text()


def _events(session: Session, obj: Object) -> list[Object]:
    name, uid = text(obj, "metadata", "name"), text(obj, "metadata", "uid")
    fields = f"involvedObject.name={name},involvedObject.kind={text(obj, 'kind')}"
    found = session.api.list("Event", text(obj, "metadata", "namespace") or None, fields=fields)
    return [one for one in found if not uid or text(one, "involvedObject", "uid") in ("", uid)]
