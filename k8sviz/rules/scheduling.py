"""May a Pod run on a node? Each of the scheduler's filters as a rule, with the words of its refusal.

Rules: pkg/scheduler/framework/plugins/* (v1.36), in the order in which the scheduler asks them: the first that refuses
a node is the one that counts. What depends on other Pods' labels is in `scheduling_pods`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from k8sviz.rules.fields import JSON, flag, integer, listed, mapping, text
from k8sviz.rules.node_health import tolerates
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.rules.selectors import node_allows_pod

__all__ = ["NodeRoom", "Refused", "failed_scheduling", "node_refusal", "pod_ports", "pod_requests", "untolerated"]


_PODS: Final = "pods"
_ONE: Final = 10**9  # amounts are in billionths
_UNSCHEDULABLE: Final = "node.kubernetes.io/unschedulable"


class Refused(NamedTuple):
    """Why one node cannot take a Pod. `helpless`: no Pod that made way would change that."""

    words: str
    helpless: bool = True


class NodeRoom:
    """What a node has and what of it is taken: amounts by resource in billionths, the number of Pods, host ports."""

    __slots__ = ("has", "pods", "ports", "used")

    def __init__(self, node: JSON | None = None) -> None:
        self.has: dict[str, int] = {}
        self.used: dict[str, int] = {}
        self.pods = 0
        self.ports: dict[tuple[str, str, int], int] = {}

        self.look_at(node)

    def look_at(self, node: JSON | None) -> None:
        """Note what the node has to give (`status.allocatable`)."""
        self.has = _amounts(mapping(node, "status", "allocatable"))

    def add(self, pod: JSON, sign: int = 1) -> None:
        """A Pod came (1) or went (-1)."""
        for name, amount in pod_requests(pod).items():
            self.used[name] = self.used.get(name, 0) + sign * amount
        for port in pod_ports(pod):
            self.ports[port] = self.ports.get(port, 0) + sign
        self.pods += sign


def pod_requests(pod: JSON) -> dict[str, int]:
    """What a Pod asks for, in billionths: its containers together, or its largest init container (PodRequests).

    >>> request = {"resources": {"requests": {"cpu": "500m"}}}
    >>> pod_requests({"spec": {"containers": [request, request], "initContainers": [request]}})
    {'cpu': 1000000000}
    """
    total: dict[str, int] = {}
    largest: dict[str, int] = {}
    for container in listed(pod, "spec", "containers"):
        _add(total, _requests(container))
    sidecars: dict[str, int] = {}
    for container in listed(pod, "spec", "initContainers"):
        own = _requests(container)
        if text(container, "restartPolicy") == "Always":
            _add(sidecars, own)
            own = dict(sidecars)
        else:
            _add(own, sidecars)
        for name, amount in own.items():
            largest[name] = max(largest.get(name, 0), amount)
    _add(total, sidecars)
    for name, amount in largest.items():
        total[name] = max(total.get(name, 0), amount)
    total |= _requests(mapping(pod, "spec"))
    _add(total, _amounts(mapping(pod, "spec", "overhead")))
    return total


def _requests(part: JSON) -> dict[str, int]:
    resources = mapping(part, "resources")
    return {**_amounts(mapping(resources, "limits")), **_amounts(mapping(resources, "requests"))}


def _amounts(resources: JSON) -> dict[str, int]:
    return {name: found.nano for name, value in resources.items() if (found := quantity_or_none(value)) is not None}


def _add(total: dict[str, int], more: Mapping[str, int]) -> None:
    for name, amount in more.items():
        total[name] = total.get(name, 0) + amount


def pod_ports(pod: JSON) -> list[tuple[str, str, int]]:
    """The host ports that a Pod wants, with address and protocol."""
    return [
        (text(port, "hostIP") or "0.0.0.0", text(port, "protocol") or "TCP", number)  # noqa: S104 - any address
        for container in listed(pod, "spec", "containers")
        for port in listed(container, "ports")
        if (number := integer(port, "hostPort"))
    ]


def untolerated(pod: JSON, node: JSON, effects: Sequence[str] = ("NoSchedule", "NoExecute")) -> JSON | None:
    """The first taint of a node with one of these effects that the Pod does not tolerate."""
    known = listed(pod, "spec", "tolerations")
    for taint in listed(node, "spec", "taints"):
        if text(taint, "effect") in effects and not any(tolerates(each, taint) for each in known):
            return taint
    return None


def node_refusal(pod: JSON, node: JSON, room: NodeRoom, requests: Mapping[str, int] | None = None) -> list[Refused]:
    """What a node has against a Pod, of all that the two alone decide; empty when nothing.

    `requests` are the Pod's, where they are known already.

    >>> node = {"metadata": {"name": "n"}, "spec": {"unschedulable": True}}
    >>> [each.words for each in node_refusal({"spec": {}}, node, NodeRoom())]
    ['node(s) were unschedulable']
    """
    taint = {"key": _UNSCHEDULABLE, "effect": "NoSchedule"}
    if flag(node, "spec", "unschedulable") and not any(
        tolerates(each, taint) for each in listed(pod, "spec", "tolerations")
    ):
        return [Refused("node(s) were unschedulable")]
    wanted = text(pod, "spec", "nodeName")
    if wanted and wanted != text(node, "metadata", "name"):
        return [Refused("node(s) didn't match the requested node name")]
    if untolerated(pod, node) is not None:
        return [Refused("node(s) had untolerated taint(s)")]
    if not node_allows_pod(pod, node):
        return [Refused("node(s) didn't match Pod's node affinity/selector")]
    if any(_in_use(port, room) for port in pod_ports(pod)):
        return [Refused("node(s) didn't have free ports for the requested pod ports", helpless=False)]
    return _resources(pod_requests(pod) if requests is None else requests, room)


def _in_use(port: tuple[str, str, int], room: NodeRoom) -> bool:
    address, protocol, number = port
    return any(
        count > 0 and (protocol, number) == other[1:] and (address == other[0] or "0.0.0.0" in (address, other[0]))  # noqa: S104
        for other, count in room.ports.items()
    )


def _resources(requests: Mapping[str, int], room: NodeRoom) -> list[Refused]:
    """NodeResourcesFit: one refusal for each resource that is short."""
    has = room.has
    found = []
    if _PODS in has and room.pods + 1 > has[_PODS] // _ONE:
        found.append(Refused("Too many pods", helpless=False))
    for name, amount in requests.items():
        if amount and amount > has.get(name, 0) - room.used.get(name, 0):
            found.append(Refused(f"Insufficient {name}", helpless=amount > has.get(name, 0)))
    return found


# -- the scheduler's sentence --------------------------------------------------------------------------


def failed_scheduling(nodes: int, refusals: Iterable[Sequence[Refused]], whole: str = "") -> str:
    """The message of FailedScheduling: what the nodes have against a Pod, and what preemption would help.

    `refusals` has one entry for each node; `whole` is what keeps the Pod from every node before one is looked at.
    Rule: framework.FitError.Error, preemption.Evaluator.

    >>> print(failed_scheduling(2, [[Refused("node(s) were unschedulable")], [Refused("Insufficient cpu", False)]]))
    0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable. no new claims to deallocate, preemption:
    0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for
    scheduling.
    >>> failed_scheduling(2, [], "pod has unbound immediate PersistentVolumeClaims")
    '0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found'
    """
    if whole:
        return f"0/{nodes} nodes are available: {whole}. not found"
    every = list(refusals)
    if not every:
        return "no nodes available to schedule pods"
    helpless = sum(any(each.helpless for each in found) for found in every)
    after = {"Preemption is not helpful for scheduling": helpless}
    after["No preemption victims found for incoming pod"] = nodes - helpless
    said = _counted(words for found in every for words in dict.fromkeys(each.words for each in found))
    preemption = ", ".join(sorted(f"{count} {words}" for words, count in after.items() if count))
    return (
        f"0/{nodes} nodes are available: {said}. no new claims to deallocate, "
        f"preemption: 0/{nodes} nodes are available: {preemption}."
    )


def _counted(words: Iterable[str]) -> str:
    counts: dict[str, int] = {}
    for each in words:
        counts[each] = counts.get(each, 0) + 1
    return ", ".join(sorted(f"{count} {each}" for each, count in counts.items()))
