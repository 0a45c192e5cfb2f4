"""Service → EndpointSlice → Pod, drawn alike in every story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Object, Snapshot, ref_of
from k8sviz.rules.fields import JSON
from k8sviz.rules.services import SERVICE_LABEL, Endpoint, endpoints_of
from k8sviz.words import say

__all__ = ["endpoint_level", "node_of", "published", "slices_of"]


def slices_of(snapshot: Snapshot, service: JSON) -> list[Object]:
    """The EndpointSlices of a Service."""
    ref = ref_of(service)
    selector = {"matchLabels": {SERVICE_LABEL: ref.name}}
    return snapshot.objects("EndpointSlice", namespace=ref.namespace, selector=selector)


def node_of(endpoint: Endpoint, pods: Mapping[str, str]) -> str:
    """The node of the Pod behind an endpoint; `pods` has the nodes by uid, or by name where a Pod has none."""
    return pods.get(endpoint.uid) or pods.get(endpoint.name, "")


def endpoint_level(endpoint: Endpoint) -> Level:
    """How an endpoint feels: it takes requests, is going, or is not ready."""
    return "ending" if endpoint.terminating else "ok" if endpoint.ready else "off"


def published(b: Builder, service: JSON, facts: Iterable[str], pods: Mapping[str, str]) -> str:
    """Draw a Service, its EndpointSlices, and lines from these to the Pods that are drawn. Returns the Service's id."""
    node = b.object(ref_of(service), facts)
    for endpoint_slice in slices_of(b.snapshot, service):
        b.edge(node, _slice(b, endpoint_slice, pods), "published-by", say("rollout.story.published"))
    return node


def _slice(b: Builder, endpoint_slice: JSON, pods: Mapping[str, str]) -> str:
    endpoints = endpoints_of(endpoint_slice)
    ready = sum(e.ready for e in endpoints)
    facts = [say("rollout.story.endpoints", ready=ready, count=len(endpoints))]
    hosts = [e.hostname for e in endpoints if e.hostname]
    if hosts:
        facts.append(say("stateful.story.hosts", names=", ".join(hosts[:4]) + (" …" if len(hosts) > 4 else "")))
    state = say("rollout.story.serves" if ready else "rollout.story.nobody")
    node = b.object(ref_of(endpoint_slice), facts, state=state, level="ok" if ready else "wait")
    best: dict[str, Level] = {}  # several Pods may be drawn as one
    for endpoint in endpoints:
        pod = node_of(endpoint, pods)
        if pod:
            best[pod] = "ok" if best.get(pod) == "ok" else endpoint_level(endpoint)
    for pod, level in best.items():
        b.edge(node, pod, "endpoint", "", level)
    return node
