"""Why a claim that was asked to grow has not its new size: its class, its driver, its volume, its file system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import flag, text
from k8sviz.rules.growth import Growth, growth_of
from k8sviz.why.case import Case, called, condition, condition_fact, event_fact, event_message, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.storage.holding import claim_users
from k8sviz.why.storage.reading import class_of
from k8sviz.words import say

__all__ = ["growing"]

JSON = Mapping[str, Any]

# conditions and Events of the resize controller (external-resizer) and the kubelet, Kubernetes v1.36
_CONDITIONS = (
    "Resizing",
    "FileSystemResizePending",
    "ControllerResizeError",
    "NodeResizeError",
    "ModifyingVolume",
    "ModifyVolumeError",
)
_FAILED = ("VolumeResizeFailed", "VolumeModifyFailed")
_FAILED_ON_NODE = ("FileSystemResizeFailed", "VolumeResizeFailed")
_TAKEN_UP = ("Resizing", "FileSystemResizeRequired", "VolumeResizeFailed", "VolumeResizeSuccessful")


def _volume(case: Case) -> Object:
    return case.snapshot.get("PersistentVolume", text(case.obj, "spec", "volumeName")) or {}


def _proof(case: Case) -> list[Evidence | None]:
    volume, storage_class = _volume(case), class_of(case) or {}
    return [
        *fields(
            case.obj,
            ("spec", "resources", "requests", "storage"),
            ("status", "capacity", "storage"),
            ("status", "allocatedResources", "storage"),
            ("status", "allocatedResourceStatuses", "storage"),
        ),
        *fields(volume, ("spec", "capacity", "storage")),
        *(condition_fact(case.obj, kind) for kind in _CONDITIONS),
        fact(storage_class, "allowVolumeExpansion"),
    ]


def _told(case: Case, growth: Growth) -> dict[str, Any]:
    volume = _volume(case)
    unknown = say("why.text.unknown")
    return {
        "asked": str(growth.asked or unknown),
        "has": str(growth.usable or unknown),
        "volume": f"pv/{text(case.obj, 'spec', 'volumeName')}",
        "size": str(growth.volume or unknown),
        "driver": text(volume, "spec", "csi", "driver") or text(class_of(case), "provisioner") or unknown,
        "name": case.name,
    }


def _node_events(case: Case, pods: Sequence[Object]) -> list[Object]:
    """What the kubelet said: its Events are about the Pod, or about the claim."""
    about = [event for pod in pods for event in case.snapshot.events(pod)]
    return [event for event in [*about, *case.events] if text(event, "reason") in _FAILED_ON_NODE]


def growing(case: Case) -> Explanation | None:
    """The claim asks for more than it has, or a resize of it is under way."""
    if text(case.obj, "status", "phase") != "Bound":
        return None
    growth = growth_of(case.obj, _volume(case))
    told = _told(case, growth)
    modified = _modifying(case, told)
    if modified is not None or not growth.growing:
        return modified
    pods = claim_users(case, case.obj)
    on_node = _node_events(case, pods)
    if growth.stage == "node-failed" or (growth.stage == "node" and on_node):
        return _failed_on_node(case, pods, on_node, told)
    if growth.stage == "node":
        return _on_node(case, pods, told)
    if growth.stage == "controller-failed" or case.events_with(*_FAILED):
        return _failed(case, told)
    return _in_controller(case, growth, told)


def _modifying(case: Case, told: dict[str, Any]) -> Explanation | None:
    """The claim changes its VolumeAttributesClass, not its size."""
    failed = condition(case.obj, "ModifyVolumeError")
    if text(failed, "status") == "True":
        message = text(failed, "message") or say("why.text.no-message")
        return case.tell("storage.modify-failed", "Bound", "error", evidence=_proof(case), message=message, **told)
    if text(condition(case.obj, "ModifyingVolume"), "status") == "True":
        return case.tell("storage.modifying", "Bound", "waiting", evidence=_proof(case), **told)
    return None


def _failed(case: Case, told: dict[str, Any]) -> Explanation:
    """The driver could not make the volume larger."""
    events = case.events_with(*_FAILED)
    said = text(condition(case.obj, "ControllerResizeError"), "message")
    message = said or (event_message(events[0]) if events else say("why.text.no-message"))
    proof = [*_proof(case), *map(event_fact, events[:1])]
    return case.tell("storage.grow-failed", say("why.state.resizing"), "error", evidence=proof, message=message, **told)


def _failed_on_node(case: Case, pods: Sequence[Object], events: Sequence[Object], told: dict[str, Any]) -> Explanation:
    """The volume has grown, and the kubelet could not make the file system larger."""
    said = text(condition(case.obj, "NodeResizeError"), "message")
    message = said or (event_message(events[0]) if events else say("why.text.no-message"))
    proof = [*_proof(case), *map(event_fact, events[:1])]
    told = {**told, "message": message, "pods": _pods(pods)}
    return case.tell("storage.grow-failed-on-node", say("why.state.resizing"), "error", evidence=proof, **told)


def _pods(pods: Sequence[Object]) -> str:
    return join(map(called, pods)) or say("why.text.none")


def _on_node(case: Case, pods: Sequence[Object], told: dict[str, Any]) -> Explanation:
    """The volume has grown; the file system on it grows on a node."""
    proof = [*_proof(case), *map(event_fact, case.events_with("FileSystemResizeRequired", "Resizing")[:2])]
    state = say("why.state.resizing")
    if not pods:
        return case.tell("storage.grow-waits-for-pod", state, "waiting", evidence=proof, **told)
    proof += [fact(pod, "spec", "nodeName") for pod in pods]
    return case.tell("storage.grow-on-node", state, "waiting", evidence=proof, pods=_pods(pods), **told)


def _in_controller(case: Case, growth: Growth, told: dict[str, Any]) -> Explanation:
    """The volume itself has not grown yet."""
    storage_class = class_of(case)
    proof = [*_proof(case), *map(event_fact, case.events_with(*_TAKEN_UP, "ExternalExpanding")[:2])]
    state = say("why.state.resizing")
    if storage_class is not None and not flag(storage_class, "allowVolumeExpansion"):
        klass = text(storage_class, "metadata", "name")
        return case.tell("storage.grow-forbidden", state, "error", evidence=proof, klass=klass, **told)
    if growth.stage == "controller" or case.events_with(*_TAKEN_UP):
        return case.tell("storage.growing", state, "waiting", evidence=proof, **told)
    return case.tell("storage.grow-not-taken-up", state, "waiting", evidence=proof, **told)
