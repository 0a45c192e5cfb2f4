"""Why a claim that was asked to grow has not its new size: its class, its driver, its volume, its file system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.binding import requested_storage, volume_storage
from k8sviz.rules.fields import flag, mapping, text
from k8sviz.rules.quantity import quantity_or_none
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
_INFEASIBLE = ("ControllerResizeInfeasible", "ControllerResizeFailed", "NodeResizeInfeasible", "NodeResizeFailed")


def _resize_status(case: Case) -> str:
    """Where the resize stands, as `status.allocatedResourceStatuses` says; empty when it says nothing."""
    return text(case.obj, "status", "allocatedResourceStatuses", "storage")


def _has(case: Case) -> str:
    return str(mapping(case.obj, "status", "capacity").get("storage", ""))


def _grows(case: Case) -> bool:
    has = quantity_or_none(mapping(case.obj, "status", "capacity").get("storage"))
    on = any(text(condition(case.obj, kind), "status") == "True" for kind in _CONDITIONS)
    return on or bool(_resize_status(case)) or (has is not None and requested_storage(case.obj) > has)


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


def _told(case: Case) -> dict[str, Any]:
    volume = _volume(case)
    return {
        "asked": str(requested_storage(case.obj)),
        "has": _has(case),
        "volume": f"pv/{text(case.obj, 'spec', 'volumeName')}",
        "size": str(volume_storage(volume)) if volume else "?",
        "driver": text(volume, "spec", "csi", "driver") or text(class_of(case), "provisioner") or "?",
        "name": case.name,
    }


def _node_events(case: Case, pods: Sequence[Object]) -> list[Object]:
    """What the kubelet said: its Events are about the Pod, or about the claim."""
    about = [event for pod in pods for event in case.snapshot.events(pod)]
    return [event for event in [*about, *case.events] if text(event, "reason") in _FAILED_ON_NODE]


def growing(case: Case) -> Explanation | None:
    """The claim asks for more than it has, or a resize of it is under way."""
    if text(case.obj, "status", "phase") != "Bound" or not _grows(case):
        return None
    return _modifying(case) or _failed(case) or _on_node(case) or _in_controller(case)


def _modifying(case: Case) -> Explanation | None:
    """The claim changes its VolumeAttributesClass, not its size."""
    failed = condition(case.obj, "ModifyVolumeError")
    if text(failed, "status") == "True":
        message = text(failed, "message") or say("why.text.no-message")
        return case.tell(
            "storage.modify-failed", "Bound", "error", evidence=_proof(case), message=message, **_told(case)
        )
    if text(condition(case.obj, "ModifyingVolume"), "status") == "True":
        return case.tell("storage.modifying", "Bound", "waiting", evidence=_proof(case), **_told(case))
    return None


def _failed(case: Case) -> Explanation | None:
    pods = claim_users(case, case.obj)
    of_node, of_controller = condition(case.obj, "NodeResizeError"), condition(case.obj, "ControllerResizeError")
    status, proof, told = _resize_status(case), _proof(case), _told(case)
    events = case.events_with(*_FAILED)
    on_node = _node_events(case, pods)
    state = say("why.state.resizing")
    if text(of_node, "status") == "True" or status in ("NodeResizeInfeasible", "NodeResizeFailed"):
        proof += map(event_fact, on_node[:1])
        message = text(of_node, "message") or (event_message(on_node[0]) if on_node else say("why.text.no-message"))
        return case.tell(
            "storage.grow-failed-on-node", state, "error", evidence=proof, message=message, pods=_pods(pods), **told
        )
    if text(of_controller, "status") == "True" or status in _INFEASIBLE or (events and not _pending(case)):
        proof += map(event_fact, events[:1])
        message = text(of_controller, "message") or (event_message(events[0]) if events else "")
        told["message"] = message or say("why.text.no-message")
        return case.tell("storage.grow-failed", state, "error", evidence=proof, **told)
    if on_node and _pending(case):
        proof += map(event_fact, on_node[:1])
        message = event_message(on_node[0])
        return case.tell(
            "storage.grow-failed-on-node", state, "error", evidence=proof, message=message, pods=_pods(pods), **told
        )
    return None


def _pods(pods: Sequence[Object]) -> str:
    return join(map(called, pods)) or say("why.text.none")


def _pending(case: Case) -> bool:
    """Whether only the file system has still to grow."""
    status = _resize_status(case)
    return text(condition(case.obj, "FileSystemResizePending"), "status") == "True" or status in (
        "NodeResizePending",
        "NodeResizeInProgress",
    )


def _on_node(case: Case) -> Explanation | None:
    """The volume has grown; the file system on it grows on a node."""
    if not _pending(case):
        return None
    pods = claim_users(case, case.obj)
    proof = [*_proof(case), *map(event_fact, case.events_with("FileSystemResizeRequired", "Resizing")[:2])]
    state = say("why.state.resizing")
    if not pods:
        return case.tell("storage.grow-waits-for-pod", state, "waiting", evidence=proof, **_told(case))
    proof += [fact(pod, "spec", "nodeName") for pod in pods]
    return case.tell("storage.grow-on-node", state, "waiting", evidence=proof, pods=_pods(pods), **_told(case))


def _in_controller(case: Case) -> Explanation:
    """The volume itself has not grown yet."""
    storage_class, told = class_of(case), _told(case)
    proof = [*_proof(case), *map(event_fact, case.events_with(*_TAKEN_UP, "ExternalExpanding")[:2])]
    state = say("why.state.resizing")
    if storage_class is not None and not flag(storage_class, "allowVolumeExpansion"):
        klass = text(storage_class, "metadata", "name")
        return case.tell("storage.grow-forbidden", state, "error", evidence=proof, klass=klass, **told)
    taken_up = text(condition(case.obj, "Resizing"), "status") == "True" or case.events_with(*_TAKEN_UP)
    if taken_up or _resize_status(case):
        return case.tell("storage.growing", state, "waiting", evidence=proof, **told)
    return case.tell("storage.grow-not-taken-up", state, "waiting", evidence=proof, **told)
