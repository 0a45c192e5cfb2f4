"""What several stories say of an object in the same words."""

from __future__ import annotations

from typing import Final

from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Object, Snapshot
from k8sviz.rules.fields import JSON, integer, listed, mapping, text
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.nodes import ready_status
from k8sviz.rules.pods import ContainerState
from k8sviz.rules.rollout import is_paused
from k8sviz.rules.statefulset import replicas_of
from k8sviz.words import say

__all__ = ["container_level", "deployment_state", "node_state", "pod_level", "service_facts", "stored_level", "where"]

# Pods' STATUS words by what they mean for a person; any other word is an error or a wait that nobody has named yet
_POD_LEVELS: Final[dict[str, Level]] = {
    "Running": "ok",
    "Completed": "off",
    "Succeeded": "off",
    "Pending": "wait",
    "ContainerCreating": "wait",
    "PodInitializing": "wait",
    "Terminating": "ending",
    "Unknown": "unknown",
    "Waiting": "wait",
    "": "",
}

_STORED_LEVELS: Final[dict[str, Level]] = {
    "Bound": "ok",
    "Pending": "wait",
    "Released": "off",
    "Failed": "bad",
    "Lost": "bad",
    "Terminating": "ending",
}


def stored_level(word: str) -> Level:
    """How a claim's or a PersistentVolume's STATUS word feels."""
    return _STORED_LEVELS.get(word, "")


def pod_level(word: str) -> Level:
    """How a Pod's or container's STATUS word feels."""
    if word.startswith("Init:") and "/" in word:
        return "wait"
    return _POD_LEVELS.get(word, "bad")


def container_level(pod: JSON, state: ContainerState) -> Level:
    """How a container's state feels: one that ended well is over, and one that is stopped with its Pod is no error."""
    if state.exit_code == 0:
        return "off"
    return "ending" if state.exit_code is not None and is_terminating(pod) else pod_level(state.word)


def node_state(node: JSON) -> tuple[str, Level]:
    """Reads the Ready condition: a node whose status is Unknown or False does not answer, or says that it is unwell."""
    ready = ready_status(node)
    if ready == "True":
        return say("node.story.ready"), "ok"
    return (say("node.story.silent", status=ready), "unknown") if ready else ("", "")


def where(snapshot: Snapshot, node: str) -> list[str]:
    """On which node a Pod is, and whether that one does not answer."""
    if not node:
        return []
    lost = node_state(snapshot.get("Node", node) or {})[1] == "unknown"
    return [say("diagrams.storage.on-silent" if lost else "diagrams.storage.on", node=node)]


def deployment_state(deployment: Object) -> tuple[str, Level]:
    """Reads metadata.deletionTimestamp, spec.paused, status counts and the Progressing condition."""
    words = "rollout.story."
    wanted = replicas_of(deployment)
    updated = integer(deployment, "status", "updatedReplicas") or 0
    available = integer(deployment, "status", "availableReplicas") or 0
    total = integer(deployment, "status", "replicas") or 0
    if is_terminating(deployment):
        return say("rollout.stage.terminating"), "ending"
    if is_paused(deployment):
        return say(words + "paused", updated=updated, replicas=wanted), "off"
    for condition in listed(deployment, "status", "conditions"):
        if text(condition, "type") == "Progressing" and text(condition, "status") == "False":
            return say(words + "stuck", reason=text(condition, "reason")), "bad"
    seen = integer(deployment, "metadata", "generation") == integer(deployment, "status", "observedGeneration")
    if seen and updated == available == total == wanted:
        return say(words + "complete", count=wanted), "ok"
    if not seen:
        return say(words + "unseen"), "wait"
    return say(words + "rolling", updated=updated, replicas=wanted, available=available), "wait"


def service_facts(service: Object) -> list[str]:
    """Reads spec.selector and spec.clusterIP."""
    labels = ", ".join(f"{k}={v}" for k, v in mapping(service, "spec", "selector").items())
    address = text(service, "spec", "clusterIP")
    facts = [say("diagrams.storage.selector", labels=labels)]
    if address:
        facts.append(say("rollout.story.headless" if address == "None" else "rollout.story.address", address=address))
    return facts
