"""How does one reach a Pod: by the API server's proxy, an ordinary Service, or a headless one?"""

from __future__ import annotations

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.limits import MOST_REPLICAS
from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.kit.published import slices_of
from k8sviz.diagrams.kit.stages import now_of, stage_of
from k8sviz.errors import K8svizError
from k8sviz.history import Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.dns import pod_dns_name, service_dns_name
from k8sviz.rules.fields import text
from k8sviz.rules.services import endpoints_of, is_headless
from k8sviz.rules.statefulset import ordinal_of
from k8sviz.words import say

__all__ = ["reaching"]


def reaching(snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None) -> Diagram:
    """The ways to reach a StatefulSet's Pods: the API server's proxy, an ordinary Service, a headless one.

    `focus` is the StatefulSet (None: the first one). Raises K8svizError when there is none.
    """
    sets = snapshot.objects("StatefulSet", namespace=namespace)
    found = snapshot.require(focus) if focus is not None else next(iter(sets), None)
    if found is None:
        raise K8svizError("no StatefulSet here; its Pods are what there is to reach")
    b = Builder(snapshot, namespace)
    name, home = key_of(found).name, key_of(found).namespace
    pods = {
        key_of(p).name: p
        for p in snapshot.objects("Pod", namespace=home)
        if ordinal_of(key_of(p).name, name) is not None
    }
    shown = dict(list(pods.items())[:MOST_REPLICAS])
    for pod_name, pod in shown.items():
        _, word, level = stage_of(pod, min_ready_seconds(found), now_of(snapshot))
        governing = text(found, "spec", "serviceName")
        own = pod_dns_name(pod_name, governing, home).partition(".svc.")[0]
        b.object(ref_of(pod), [own] if governing else [], state=word, level=level)
    _proxy(b, shown, home)
    for service in snapshot.objects("Service", namespace=home):
        _service(b, snapshot, service, shown)
    return b.told("reaching")


def _proxy(b: Builder, pods: dict[str, Object], namespace: str) -> None:
    facts = [say("stateful.figure.api-fact"), say("stateful.figure.api-path", namespace=namespace)]
    node = b.node("APIServer", say("stateful.figure.api"), "api-server", facts)
    for pod in pods.values():
        b.edge(node, b.id_of(ref_of(pod)), "proxies")


def _service(b: Builder, snapshot: Snapshot, service: Object, pods: dict[str, Object]) -> None:
    ends = [e for s in slices_of(snapshot, service) for e in endpoints_of(s) if e.name in pods]
    if not ends:
        return
    headless = is_headless(service)
    facts = [say("stateful.figure.all-fact" if headless else "stateful.figure.any-fact")]
    if not headless:
        facts.append(say("rollout.story.address", address=text(service, "spec", "clusterIP")))
    node = b.object(ref_of(service), facts)
    name = service_dns_name(service).partition(".svc.")[0]
    source = node
    if headless:
        source = b.node("DNS", name, f"dns/{node}", [say("stateful.story.records")])
        b.edge(node, source, "dns")
    for end in ends:
        label = (end.hostname if headless else say("stateful.figure.any")) if end.ready else ""
        b.edge(source, b.id_of(ref_of(pods[end.name])), "reaches", label, "ok" if end.ready else "off")
