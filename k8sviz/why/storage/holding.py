"""Who holds a volume: the Pods that use its claim, the node it is attached to, and what both say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from k8sviz.history import Object
from k8sviz.rules.fields import flag, mapping, text
from k8sviz.why.case import Case, Level, Matcher, called, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.node import node_is_lost
from k8sviz.why.storage.reading import claim_names
from k8sviz.words import say

__all__ = ["ATTACHMENT", "Hold", "claim_users", "hold_of"]

JSON = Mapping[str, Any]


class Hold(NamedTuple):
    """Who holds a volume besides one Pod: other Pods on nodes, and attachments to nodes other than its own."""

    pods: list[Object]
    attachments: list[Object]

    @property
    def nodes(self) -> list[str]:
        """The nodes that have it, each once."""
        of_pods = [text(pod, "spec", "nodeName") for pod in self.pods]
        found = [*of_pods, *(text(each, "spec", "nodeName") for each in self.attachments)]
        return [node for node in dict.fromkeys(found) if node]

    @property
    def words(self) -> str:
        """Who holds it, in a few words; empty when nobody is known."""
        if self.pods:
            return join(
                say("why.holding.pod-on", pod=called(pod), node=text(pod, "spec", "nodeName")) for pod in self.pods
            )
        return join(
            say("why.holding.attached-to", node=text(each, "spec", "nodeName"), attachment=called(each))
            for each in self.attachments
        )

    @property
    def evidence(self) -> list[Evidence | None]:
        """What shows it."""
        pods = [fact(pod, "spec", "nodeName") for pod in self.pods[:3]]
        going = [fact(pod, "metadata", "deletionTimestamp") for pod in self.pods[:3]]
        return [*pods, *going, *(fact(each, "spec", "nodeName") for each in self.attachments[:3])]


def claim_users(case: Case, claim: JSON) -> list[Object]:
    """The Pods on nodes that use a claim and are not over; those on their way out still hold it."""
    name, namespace = text(claim, "metadata", "name"), text(claim, "metadata", "namespace")
    return [
        pod
        for pod in case.snapshot.objects("Pod", namespace=namespace or None)
        if text(pod, "spec", "nodeName")
        and text(pod, "status", "phase") not in ("Succeeded", "Failed")
        and name in {claim_name for _, claim_name in claim_names(pod)}
    ]


def hold_of(case: Case, volume: str) -> Hold:
    """Who holds the volume of that name besides the case's Pod."""
    node = text(case.obj, "spec", "nodeName")
    found = case.snapshot.get("PersistentVolume", volume)
    reference = mapping(found, "spec", "claimRef")
    claim = {"metadata": {"name": text(reference, "name"), "namespace": text(reference, "namespace")}}
    users = claim_users(case, claim) if text(reference, "name") else []
    pods = [pod for pod in users if pod is not case.obj and text(pod, "spec", "nodeName") != node]
    attached = [
        each
        for each in case.snapshot.objects("VolumeAttachment")
        if text(each, "spec", "source", "persistentVolumeName") == volume and text(each, "spec", "nodeName") != node
    ]
    return Hold(pods, attached)


# -- attachments ----------------------------------------------------------------------------------------------


def _attachment_facts(case: Case) -> dict[str, Any]:
    volume = text(case.obj, "spec", "source", "persistentVolumeName")
    return {
        "volume": f"pv/{volume}" if volume else say("why.pod-words.a-volume"),
        "node": text(case.obj, "spec", "nodeName"),
        "driver": text(case.obj, "spec", "attacher"),
    }


def _proof(case: Case) -> list[Evidence]:
    return fields(
        case.obj,
        ("spec", "source", "persistentVolumeName"),
        ("spec", "nodeName"),
        ("status", "attached"),
        ("metadata", "deletionTimestamp"),
        ("status", "attachError", "message"),
        ("status", "detachError", "message"),
    )


def _detaching(case: Case) -> Explanation | None:
    if not case.deleting:
        return None
    told, node = _attachment_facts(case), text(case.obj, "spec", "nodeName")
    message = text(case.obj, "status", "detachError", "message")
    state = say("why.state.detaching")
    if message:
        return case.tell("attachment.detach-failed", state, "error", evidence=_proof(case), message=message, **told)
    found = case.snapshot.get("Node", node)
    lost = [case.ask(found)] if found is not None and node_is_lost(found) else []
    level: Level = "error" if lost else "waiting"
    return case.tell("attachment.detaching", state, level, evidence=_proof(case), also=lost, **told)


def _attaching(case: Case) -> Explanation | None:
    if flag(case.obj, "status", "attached"):
        return None
    told = _attachment_facts(case)
    message = text(case.obj, "status", "attachError", "message")
    state = say("why.state.attaching")
    if message:
        return case.tell("attachment.attach-failed", state, "error", evidence=_proof(case), message=message, **told)
    return case.tell("attachment.attaching", state, "waiting", evidence=_proof(case), **told)


def _attached(case: Case) -> Explanation:
    return case.tell("attachment.attached", say("why.state.attached"), evidence=_proof(case), **_attachment_facts(case))


ATTACHMENT: tuple[Matcher, ...] = (_detaching, _attaching, _attached)
