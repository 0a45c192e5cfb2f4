"""A volume that another node still has: who holds it, and why it is not let go."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.availability import is_terminating
from k8sviz.rules.fields import text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, called, condition_fact, event_fact, event_message, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.pods.reading import pod_volume, volume_fact
from k8sviz.why.storage.holding import Hold, hold_of
from k8sviz.why.workloads.shared import controller_of
from k8sviz.words import say

__all__ = ["volume_held"]

JSON = Mapping[str, Any]

_USED_BY = re.compile(r"used by pod\(s\) (?P<pods>.+?)(?: and \d+ pod\(s\)|$)")


def volume_held(case: Case, event: JSON, volume: str) -> Explanation:
    """The volume is attached to another node: by whom, and whether that ends by itself."""
    hold = _hold(case, event, volume)
    state = pod_status(case.obj)
    proof = [event_fact(event), volume_fact(case, pod_volume(case, volume)), case.fact("spec", "nodeName")]
    proof += hold.evidence
    told: dict[str, Any] = {
        "volume": f"pv/{volume}" if volume else say("why.pod-words.a-volume"),
        "node": text(case.obj, "spec", "nodeName"),
        "holder": hold.words or say("why.holding.unknown"),
        "nodes": join(hold.nodes) or say("why.holding.unknown"),
        "pods": join(map(called, hold.pods)) or say("why.text.none"),
    }
    known = [case.snapshot.get("Node", name) for name in hold.nodes]
    lost = [node for node in known if node is not None and node_is_lost(node)]
    gone = [node for node in hold.nodes if case.snapshot.objects("Node") and case.snapshot.get("Node", node) is None]
    if lost or gone:
        causes = [case.ask(pod) for pod in hold.pods[:1]] or [case.ask(node) for node in lost]
        proof += [condition_fact(node, "Ready") for node in lost]
        told["lost"] = join([*map(called, lost), *(f"node/{node}" for node in gone)])
        also = [cause for cause in causes if cause is not None and not cause.fine]
        return case.tell("pod.volume-on-lost-node", state, "error", evidence=proof, also=also, **told)
    if hold.pods and all(is_terminating(pod) for pod in hold.pods):
        causes = [case.ask(pod) for pod in hold.pods[:1]]
        return case.tell("pod.volume-being-freed", state, "waiting", evidence=proof, also=causes, **told)
    if hold.pods:
        return _held_by_living(case, hold, proof, told)
    code = "pod.volume-attached-elsewhere" if hold.attachments else "pod.multi-attach"
    causes = [case.ask(each) for each in hold.attachments[:1]]
    return case.tell(code, state, "error", evidence=proof, also=[c for c in causes if c and not c.fine], **told)


def _hold(case: Case, event: JSON, volume: str) -> Hold:
    """Who holds it, by the claim and the attachments; the Pods that the Event names where those are not known."""
    hold = hold_of(case, volume)
    named = _USED_BY.search(event_message(event))
    if hold.pods or named is None:
        return hold
    pods = [pod for name in named["pods"].split(", ") if (pod := case.find("Pod", name.strip())) is not None]
    return Hold(pods, hold.attachments)


def _held_by_living(case: Case, hold: Hold, proof: list[Evidence | None], told: dict[str, Any]) -> Explanation:
    """The holder runs: an older Pod of the same controller, or somebody else's."""
    mine = controller_of(case.snapshot, case.obj)
    same: list[Object] = [pod for pod in hold.pods if mine is not None and _is(controller_of(case.snapshot, pod), mine)]
    state = pod_status(case.obj)
    if mine is not None and same and mine.get("kind") == "Deployment":
        return case.tell("pod.volume-held-by-old", state, "error", evidence=proof, controller=called(mine), **told)
    return case.tell("pod.volume-held", state, "error", evidence=proof, **told)


def _is(one: Object | None, other: Object) -> bool:
    return one is not None and text(one, "metadata", "uid") == text(other, "metadata", "uid")
