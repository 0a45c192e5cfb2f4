"""The scheduler: chooses a node for each Pod that has none, one Pod after the other, or says why there is none.

What refuses a node is in `rules/scheduling`; here are the queue, what is known of the nodes, and the choice among those
that are left: the least loaded, with Pods of one owner apart (LeastAllocated and PodTopologySpread's default).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from k8sviz.cluster.refused import Refused as Refusal
from k8sviz.cluster.volumes import Placement, look_at_claims, place
from k8sviz.history import EventType, Object
from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.node_health import tolerates
from k8sviz.rules.scheduling import NodeRoom, Refused, failed_scheduling, node_refusal, pod_requests
from k8sviz.rules.scheduling_pods import has_required_terms, pod_refusals
from k8sviz.rules.selectors import labels_of, matches_node_terms

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster

__all__ = ["Scheduler"]

_NAME: Final = "default-scheduler"
_EACH: Final = 0.01  # seconds from one Pod to the next
_AGAIN: Final = 1.0  # back-off of a Pod that found no node (podInitialBackoffDuration)
_SELECTED: Final = "volume.kubernetes.io/selected-node"
_GATED: Final = "gated"
_WAKES: Final = frozenset({"Node", "PersistentVolume", "PersistentVolumeClaim", "StorageClass", "CSINode"})
_AT_LEAST: Final = {"cpu": 100 * 10**6, "memory": 200 * 2**20 * 10**9}  # what a Pod that asks for nothing counts as


class Scheduler:
    """Binds Pods to nodes; one for a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._api = cluster.api
        self._queue: dict[str, None] = {}  # uids of Pods to look at, in order
        self._waiting: dict[str, None] = {}  # uids of Pods for which no node was found
        self._binding: dict[str, tuple[str, frozenset[str]]] = {}  # Pods whose volumes are under way: node and claims
        self._rooms: dict[str, NodeRoom] = {}
        self._looked_at: dict[str, Object] = {}  # each Node as its room was made from it
        self._owners: dict[str, Counter[str]] = {}  # by node: how many Pods of each owner
        self._choosy: dict[str, None] = {}  # uids of placed Pods with anti-affinity
        self._seen: dict[str, Object] = {}  # Pods that count on a node, by uid
        self._said: dict[str, str] = {}
        self._came: dict[tuple[str, str], list[str]] = {}  # uids of the Pods of a name that draw lots
        self._busy = False
        for pod in self._api.list("Pod"):
            self._heard("ADDED", pod)
        if cluster.settings.runs_pods:
            self._api.subscribe(self._heard)

    # -- what is known ---------------------------------------------------------------------------------

    def _heard(self, change: EventType, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "Pod":
            self._heard_of_pod(change, obj)
        elif kind in _WAKES:
            if kind == "PersistentVolumeClaim":
                self._claim_changed(obj)
            if kind != "Node" or change != "MODIFIED" or self._node_matters(obj):
                self._wake()

    def _node_matters(self, node: Object) -> bool:
        """Whether a node changed in what scheduling looks at; its heartbeat wakes nobody."""
        meta, status = node["metadata"], mapping(node, "status")
        now = repr((meta.get("labels"), node.get("spec"), status.get("allocatable")))
        key = f"node/{meta['name']}"
        changed = self._said.get(key) != now
        self._said[key] = now
        return changed

    def _heard_of_pod(self, change: EventType, pod: Object) -> None:
        uid, node = pod["metadata"]["uid"], text(pod, "spec", "nodeName")
        over = change == "DELETED" or text(pod, "status", "phase") in ("Succeeded", "Failed")
        counted = uid in self._seen
        if node and not over and not counted:
            self._count(pod, node, 1)
            self._seen[uid] = pod
        elif counted and over:
            self._count(self._seen.pop(uid), node, -1)
            self._wake()
        if change == "DELETED" or node or over:
            for known in (self._queue, self._waiting, self._binding, self._said):
                known.pop(uid, None)
        elif text(pod, "spec", "schedulerName") in ("", _NAME):
            opened = self._said.get(uid) == _GATED and not listed(pod, "spec", "schedulingGates")
            if change == "ADDED" or opened:
                self._enqueue(uid)

    def _count(self, pod: Object, node: str, sign: int) -> None:
        self._rooms.setdefault(node, NodeRoom()).add(pod, sign)
        owner = _owner(pod)
        if owner:
            self._owners.setdefault(node, Counter())[owner] += sign
        if has_required_terms(pod):
            if sign > 0:
                self._choosy[pod["metadata"]["uid"]] = None
            else:
                self._choosy.pop(pod["metadata"]["uid"], None)

    # -- the queue -------------------------------------------------------------------------------------

    def _enqueue(self, uid: str, delay: float = _EACH) -> None:
        self._waiting.pop(uid, None)
        self._queue[uid] = None
        if not self._busy:
            self._busy = True
            self._cluster.clock.later(delay, self._next)

    def _wake(self) -> None:
        """Something changed that may help: look again at all that wait."""
        for uid in list(self._waiting):
            if self._said.get(uid) != _GATED:
                self._enqueue(uid, _AGAIN / 4)

    def _next(self) -> None:
        if self._queue:
            uid = next(iter(self._queue))
            del self._queue[uid]
            pod = self._api.by_uid(uid)
            if pod is not None and not text(pod, "spec", "nodeName") and "deletionTimestamp" not in pod["metadata"]:
                self._schedule(pod)
        self._busy = bool(self._queue)
        if self._busy:
            self._cluster.clock.later(_EACH, self._next)

    # -- one Pod ---------------------------------------------------------------------------------------

    def _schedule(self, pod: Object) -> None:
        if listed(pod, "spec", "schedulingGates"):
            self._wait(pod, _GATED, "Scheduling is blocked due to non-empty scheduling gates", "SchedulingGated")
            return
        nodes = self._api.list("Node")
        claims = look_at_claims(self._api, pod)
        if claims.whole:
            self._fail(pod, failed_scheduling(len(nodes), [], claims.whole))
            return
        beside = self._beside(pod, nodes)
        requests = pod_requests(pod)
        left: list[tuple[Object, Placement]] = []
        refused: list[list[Refused]] = []
        for node in nodes:
            name = node["metadata"]["name"]
            why = node_refusal(pod, node, self._room(node), requests)
            placement = place(self._api, claims, node) if not why else None
            if isinstance(placement, Refused):
                why = [placement]
            elif not why and name in beside:
                why = [beside[name]]
            if why:
                refused.append(why)
            elif isinstance(placement, Placement):
                left.append((node, placement))
        if not left:
            self._fail(pod, failed_scheduling(len(nodes), refused))
            return
        node, placement = self._best(pod, left, requests)
        self._reserve(pod, node["metadata"]["name"], placement)

    def _beside(self, pod: Object, nodes: list[Object]) -> dict[str, Refused]:
        """What other Pods keep it from, asked only where somebody minds."""
        if not has_required_terms(pod) and not self._choosy:
            return {}
        known = self._seen.values() if has_required_terms(pod) else (self._seen[uid] for uid in self._choosy)
        placed = [(other, text(other, "spec", "nodeName")) for other in known]
        spaces = {text(space, "metadata", "name"): labels_of(space) for space in self._api.list("Namespace")}
        return pod_refusals(pod, nodes, placed, spaces)

    def _room(self, node: Object) -> NodeRoom:
        """What is known of a node's room, with what the node has to give now."""
        name = node["metadata"]["name"]
        room = self._rooms.setdefault(name, NodeRoom())
        if self._looked_at.get(name) is not node:
            self._looked_at[name] = node
            room.look_at(node)
        return room

    def _best(
        self, pod: Object, left: list[tuple[Object, Placement]], requests: Mapping[str, int]
    ) -> tuple[Object, Placement]:
        """The node with the best score; among equals the one with fewer Pods, then the first by name."""
        owner, drawn = _owner(pod), self._drawn(pod)

        def rank(pair: tuple[Object, Placement]) -> tuple[float, ...]:
            node, placement = pair
            name = node["metadata"]["name"]
            room = self._rooms[name]
            same = self._owners[name][owner] if name in self._owners else 0
            return (
                -_preferred(pod, node),
                _soft_taints(pod, node),
                len(placement.make),
                same,
                round(_load(requests, room), 2),
                name != drawn,
                room.pods + (name == self._cluster.settings.busy_node),
            )

        return min(left, key=rank)

    def _drawn(self, pod: Object) -> str:
        """The node that the lot gives to a Pod of this name; '' for any."""
        key = (pod["metadata"]["namespace"], pod["metadata"]["name"])
        nodes = self._cluster.chances.nodes.get(key)
        if nodes is None:
            return ""
        uids = self._came.setdefault(key, [])
        if pod["metadata"]["uid"] not in uids:
            uids.append(pod["metadata"]["uid"])
        return nodes[len(uids) - 1] if len(uids) <= len(nodes) else ""

    def _reserve(self, pod: Object, node: str, placement: Placement) -> None:
        """Take the volumes for the node, have others made, and bind the Pod once its claims are bound."""
        if not placement.take and not placement.make:
            self._bind(pod, node)
            return
        claims = set()
        for claim, volume in placement.take:
            claims.add(claim["metadata"]["name"])
            self._take(claim, volume)
        for claim in placement.make:
            claims.add(claim["metadata"]["name"])
            notes = {**claim["metadata"].get("annotations", {}), _SELECTED: node}
            meta = {**claim["metadata"], "annotations": notes}
            self._try(self._api.replace, {**claim, "metadata": meta})
        self._binding[pod["metadata"]["uid"]] = (node, frozenset(claims))

    def _take(self, claim: Object, volume: Object) -> None:
        """Note on a volume that it is this claim's; the volume controller does the rest."""
        meta = claim["metadata"]
        reference = {"kind": "PersistentVolumeClaim", "namespace": meta["namespace"], "name": meta["name"]}
        reference |= {"uid": meta["uid"], "apiVersion": "v1", "resourceVersion": meta["resourceVersion"]}
        notes = dict(volume["metadata"].get("annotations", {}))
        if "claimRef" not in volume["spec"]:
            notes["pv.kubernetes.io/bound-by-controller"] = "yes"
        spec = {**volume["spec"], "claimRef": reference}
        self._try(self._api.replace, {**volume, "metadata": {**volume["metadata"], "annotations": notes}, "spec": spec})

    def _claim_changed(self, claim: Object) -> None:
        name, namespace = claim["metadata"]["name"], claim["metadata"]["namespace"]
        for uid, (node, names) in list(self._binding.items()):
            pod = self._api.by_uid(uid)
            if name not in names or pod is None or pod["metadata"]["namespace"] != namespace:
                continue
            claims = [self._api.find("PersistentVolumeClaim", each, namespace) for each in names]
            if all(each is not None and text(each, "status", "phase") == "Bound" for each in claims):
                del self._binding[uid]
                self._cluster.clock.later(_EACH, partial(self._bind, pod, node))
            elif any(each is None or (_SELECTED not in _notes(each) and not _bound(each)) for each in claims):
                del self._binding[uid]  # the provisioner gave up this node
                self._enqueue(uid)

    def _bind(self, pod: Object, node: str) -> None:
        now = self._api.by_uid(pod["metadata"]["uid"])
        if now is None or text(now, "spec", "nodeName") or "deletionTimestamp" in now["metadata"]:
            return
        others = [each for each in listed(now, "status", "conditions") if text(each, "type") != "PodScheduled"]
        status = {**now.get("status", {}), "conditions": [*others, self._condition("True")]}
        self._api.write({**now, "spec": {**now["spec"], "nodeName": node}, "status": status})
        where = f"{now['metadata']['namespace']}/{now['metadata']['name']}"
        self._event(now, "Normal", "Scheduled", f"Successfully assigned {where} to {node}", "Binding")

    def _fail(self, pod: Object, message: str) -> None:
        if self._said.get(pod["metadata"]["uid"]) != message:
            self._event(pod, "Warning", "FailedScheduling", message, "Scheduling")
        self._wait(pod, message, message, "Unschedulable")

    def _wait(self, pod: Object, said: str, message: str, reason: str) -> None:
        uid = pod["metadata"]["uid"]
        self._waiting[uid] = None
        self._said[uid] = said
        known = listed(pod, "status", "conditions")
        if any(text(each, "type") == "PodScheduled" and text(each, "message") == message for each in known):
            return
        others = [each for each in known if text(each, "type") != "PodScheduled"]
        condition = self._condition("False") | {"reason": reason, "message": message}
        self._api.write({**pod, "status": {**pod["status"], "conditions": [*others, condition]}})

    def _condition(self, status: str) -> dict[str, Any]:
        stamp = self._cluster.clock.stamp()
        return {"type": "PodScheduled", "status": status, "lastProbeTime": None, "lastTransitionTime": stamp}

    def _event(self, pod: Object, kind: str, reason: str, message: str, action: str) -> None:
        self._cluster.event(pod, kind, reason, message, _NAME, action=action)

    def _try(self, act: Any, obj: Object) -> None:
        try:
            act(obj)
        except Refusal:  # somebody else changed it: the Pod is looked at again when that is heard of
            return


def _owner(pod: Object) -> str:
    owners = listed(pod, "metadata", "ownerReferences")
    return next((text(owner, "uid") for owner in owners if flag(owner, "controller")), "")


def _notes(obj: Object) -> Any:
    return mapping(obj, "metadata", "annotations")


def _bound(claim: Object) -> bool:
    return bool(text(claim, "spec", "volumeName"))


def _load(asked: Mapping[str, int], room: NodeRoom) -> float:
    """How full the node would be, 0 to 1: the mean over cpu and memory."""
    shares = []
    for name, least in _AT_LEAST.items():
        has = room.has.get(name, 0)
        if has > 0:
            used = max(room.used.get(name, 0), room.pods * least if not room.used.get(name) else 0)
            shares.append((used + (asked.get(name) or least)) / has)
    return sum(shares) / len(shares) if shares else 0.0


def _preferred(pod: Object, node: Object) -> int:
    """The weights of the node affinities that the Pod would like and the node meets."""
    path = ("spec", "affinity", "nodeAffinity", "preferredDuringSchedulingIgnoredDuringExecution")
    labels, name = labels_of(node), text(node, "metadata", "name")
    return sum(
        integer(each, "weight") or 0
        for each in listed(pod, *path)
        if matches_node_terms([mapping(each, "preference")], labels, name)
    )


def _soft_taints(pod: Object, node: Object) -> int:
    known = listed(pod, "spec", "tolerations")
    return sum(
        text(taint, "effect") == "PreferNoSchedule" and not any(tolerates(each, taint) for each in known)
        for taint in listed(node, "spec", "taints")
    )
