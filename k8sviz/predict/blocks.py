"""What could keep a workload's Pods from all running, or a rollout from its end, beside the Pods themselves.

Shared claims (ReadWriteOnce and ReadWriteOncePod), nodes that are given or that anti-affinity and host ports need, and
quotas. Rules: pkg/scheduler/framework/plugins, pkg/volume/util (multi-attach), pkg/quota/v1/evaluator/core/pods.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from k8sviz.kinds import Ref
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.objects import Objects
from k8sviz.rules.quantity import Quantity, quantity_or_none
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.scheduling import NodeRoom, Refused, failed_scheduling, node_refusal, pod_ports, pod_requests
from k8sviz.rules.scheduling_pods import pod_refusals
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.rules.statefulset import replicas_of
from k8sviz.words import say

__all__ = ["Block", "blocks"]

JSON = Mapping[str, Any]
_ONE: Final = 10**9
_HOSTNAME: Final = "kubernetes.io/hostname"
_REQUIRED: Final = "requiredDuringSchedulingIgnoredDuringExecution"
_ONCE_POD: Final = "ReadWriteOncePod"
_MOST_PLACED: Final = 200


class Block(NamedTuple):
    """One thing that could block: the code of its words `predict.block.<code>`, and the facts for them."""

    code: str
    facts: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What could block, and what to write."""
        return say(f"predict.block.{self.code}", **self.facts)

    def to_json(self) -> dict[str, Any]:
        """The code, its facts, and the words."""
        return {"code": self.code, **self.facts, "message": self.words}


class _Plan(NamedTuple):
    """A workload's Pods: how many it keeps, how many there are at most meanwhile, and whether an old one may go first.

    `told` says where the last comes from.
    """

    ref: str
    pod: JSON
    replicas: int
    most: int
    frees: bool
    told: str


def blocks(workload: JSON, manifests: Iterable[object], *, changes: bool = True) -> tuple[Block, ...]:
    """What could block a Deployment or StatefulSet among other manifests: claims, nodes, quotas.

    `changes`: it rolls out, so that old and new Pods meet. What is not among the manifests (a claim, the nodes) is not
    judged, but for a demand that each Pod has a node of its own.
    """
    objects = Objects(manifests)
    plan = _plan(workload, objects, changes)
    return (*_claims(plan, objects), *_places(plan, objects), *_quotas(plan, objects))


def _plan(workload: JSON, objects: Objects, changes: bool) -> _Plan:
    template, home = mapping(workload, "spec", "template"), objects.namespace_of(workload)
    pod = {**template, "kind": "Pod", "metadata": {**mapping(template, "metadata"), "namespace": home}}
    replicas = replicas_of(workload)
    most, frees, told = replicas, True, ""
    if text(workload, "kind") == "Deployment" and text(workload, "spec", "strategy", "type") != "Recreate" and changes:
        bounds = rollout_bounds(dict(workload))
        most, frees = bounds.max_total, bounds.max_unavailable > 0
        given = mapping(workload, "spec", "strategy", "rollingUpdate").get("maxUnavailable", "25%")
        told = say("predict.block.told.kept", given=given, replicas=replicas)
    ref = str(Ref(text(workload, "kind"), text(workload, "metadata", "name")))
    return _Plan(ref, pod, replicas, most, frees, told)


# -- claims ----------------------------------------------------------------------------------------


def _claims(plan: _Plan, objects: Objects) -> Iterator[Block]:
    home = text(plan.pod, "metadata", "namespace")
    one_node = len(objects.of_kind("Node")) == 1
    for volume in listed(plan.pod, "spec", "volumes"):
        name = text(volume, "persistentVolumeClaim", "claimName")
        claim = objects.find("PersistentVolumeClaim", home, name) if name else None
        modes = set(strings(claim, "spec", "accessModes")) if claim is not None else set()
        alone = modes == {_ONCE_POD}
        if not alone and (modes != {"ReadWriteOnce"} or one_node or _on_one_node(claim, objects)):
            continue
        facts = {"what": plan.ref, "claim": name, "mode": ", ".join(modes), "replicas": plan.replicas}
        if plan.replicas > 1:
            yield Block("claim-shared-pod" if alone else "claim-shared", facts)
        elif plan.most > plan.replicas and not plan.frees:
            yield Block("claim-kept-pod" if alone else "claim-kept", {**facts, "told": plan.told})


def _on_one_node(claim: JSON | None, objects: Objects) -> bool:
    """Whether the claim's volume is known and can be reached from one node only: then all its Pods are there."""
    volume = objects.find("PersistentVolume", "", text(claim, "spec", "volumeName"))
    terms = listed(volume, "spec", "nodeAffinity", "required", "nodeSelectorTerms")
    wanted = [e for term in terms for e in listed(term, "matchExpressions") if text(e, "key") == _HOSTNAME]
    return bool(wanted) and all(len(strings(each, "values")) == 1 for each in wanted)


# -- nodes -----------------------------------------------------------------------------------------


def _places(plan: _Plan, objects: Objects) -> Iterator[Block]:
    nodes = objects.of_kind("Node")
    wanted = min(plan.most, _MOST_PLACED)
    if not nodes:
        why = _alone(plan.pod)
        if why and wanted > 1:
            code = "node-each-kept" if plan.most > plan.replicas and not plan.frees else "node-each"
            yield Block(code, {"what": plan.ref, "why": why, "count": plan.most, "told": plan.told})
        return
    placed, refusals = _placed(plan.pod, wanted, nodes, objects.of_kind("Pod"))
    facts: dict[str, Any] = {"what": plan.ref, "placed": placed, "count": wanted, "told": plan.told}
    facts["sentence"] = failed_scheduling(len(nodes), refusals)
    if placed < min(plan.replicas, wanted):
        yield Block("nodes", facts)
    elif placed < wanted and not plan.frees:
        yield Block("nodes-kept", facts)


def _placed(
    pod: JSON, wanted: int, nodes: Sequence[JSON], others: Iterable[JSON]
) -> tuple[int, list[Sequence[Refused]]]:
    """How many such Pods find a node, the emptiest first; and what each node has against the next one."""
    rooms = {text(node, "metadata", "name"): NodeRoom(node) for node in nodes}
    there = [(each, text(each, "spec", "nodeName")) for each in others]
    for each, node in there:
        if node in rooms:
            rooms[node].add(each)
    for count in range(wanted):
        because = pod_refusals(pod, nodes, there)
        found = {
            name: node_refusal(pod, node, rooms[name]) or ([because[name]] if name in because else [])
            for node in nodes
            for name in (text(node, "metadata", "name"),)
        }
        free = [name for name, refused in found.items() if not refused]
        if not free:
            return count, list(found.values())
        chosen = min(free, key=lambda name: rooms[name].pods)
        rooms[chosen].add(pod)
        there.append((pod, chosen))
    return wanted, []


def _alone(pod: JSON) -> str:
    """Why no two of a workload's Pods can be on one node; '' if they can."""
    for term in listed(pod, "spec", "affinity", "podAntiAffinity", _REQUIRED):
        if text(term, "topologyKey") == _HOSTNAME and matches(mapping(term, "labelSelector"), labels_of(pod)):
            return say("predict.block.told.anti-affinity")
    ports = pod_ports(pod)
    return say("predict.block.told.host-port", port=ports[0][2]) if ports else ""


# -- quotas ----------------------------------------------------------------------------------------


def _quotas(plan: _Plan, objects: Objects) -> Iterator[Block]:
    home = text(plan.pod, "metadata", "namespace")
    for quota in objects.of_kind("ResourceQuota"):
        if objects.namespace_of(quota) != home or listed(quota, "spec", "scopeSelector", "matchExpressions"):
            continue
        if strings(quota, "spec", "scopes"):
            continue
        for name, hard in mapping(quota, "spec", "hard").items():
            yield from _quota(plan, text(quota, "metadata", "name"), name, quantity_or_none(hard), objects)


def _quota(plan: _Plan, quota: str, name: str, hard: Quantity | None, objects: Objects) -> Iterator[Block]:
    each = _charged(plan.pod, name)
    if hard is None or each is None:
        return
    facts = {"what": plan.ref, "quota": quota, "resource": name, "hard": str(hard)}
    resource = name.removeprefix("requests.").removeprefix("limits.")
    ranges = objects.of_kind("LimitRange")
    if not each and resource in ("cpu", "memory") and not ranges:
        yield Block("quota-unsaid", facts)
    elif each * plan.most > hard.nano:
        fits = hard.nano // each
        known = {**facts, "count": plan.most, "fits": fits, "told": plan.told}
        if fits < plan.replicas:
            yield Block("quota", known)
        elif not plan.frees:
            yield Block("quota-kept", known)


def _charged(pod: JSON, name: str) -> int | None:
    """What a quota counts for one Pod, in billionths; None for what it counts of other things."""
    if name in ("pods", "count/pods"):
        return _ONE
    if name.startswith("limits."):
        resource = name.removeprefix("limits.")
        amounts = [
            mapping(container, "resources", "limits").get(resource) for container in listed(pod, "spec", "containers")
        ]
        found = [quantity_or_none(amount) for amount in amounts]
        return sum(amount.nano for amount in found if amount) if all(found) else 0
    resource = name.removeprefix("requests.")
    if resource in ("cpu", "memory", "ephemeral-storage") or "/" in resource:
        return None if name.startswith("count/") else pod_requests(pod).get(resource, 0)
    return None
