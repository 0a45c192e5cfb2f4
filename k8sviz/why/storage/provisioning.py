"""Why a claim's volume is not made yet: its first consumer, its provisioner, its class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.availability import epoch
from k8sviz.rules.binding import claim_class, default_storage_class, rejections, waits_for_first_consumer
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.why.case import Case, called, event_fact, event_message, event_times, fact, fields, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.storage.choice import default_class_near, near_words
from k8sviz.why.storage.reading import (
    NO_PROVISIONER,
    SELECTED_NODE,
    class_of,
    consumers,
    default_classes,
    newest,
    use_of,
    volumes_of,
)
from k8sviz.words import say

__all__ = ["bypassed", "default_class", "provisioning", "selected_node_gone", "waits_for_consumer"]

JSON = Mapping[str, Any]

_NEEDS_NODE = re.compile(r"no node was specified|node.*(not|un)\s*(specified|selected)", re.IGNORECASE)
_FULL = re.compile(
    r"ResourceExhausted|insufficient free space|not enough (?:free )?space|no space|OutOfCapacity|quota|exhausted",
    re.IGNORECASE,
)
# what a provisioner says once it has taken up a claim (sig-storage-lib-external-provisioner, volume events)
_ANSWERS = ("Provisioning", "ProvisioningFailed", "ProvisioningSucceeded", "ProvisioningCleanupFailed")
_PATIENCE = 60  # seconds in which a provisioner that runs takes up a claim


# -- the first consumer -------------------------------------------------------------------------------------------


def _delayed(case: Case) -> Object | None:
    """The class, where it waits for a consumer and no node has been selected yet."""
    storage_class = class_of(case)
    if storage_class is None or not waits_for_first_consumer(storage_class):
        return None
    return None if text(case.obj, "metadata", "annotations", SELECTED_NODE) else storage_class


def bypassed(case: Case) -> Explanation | None:
    """All Pods that use the claim name their node themselves, so that nobody selects one for it."""
    storage_class = _delayed(case)
    pods = consumers(case, case.obj)
    if storage_class is None or not pods or not all(text(pod, "spec", "nodeName") for pod in pods):
        return None
    if all(text(pod, "status", "phase") in ("Succeeded", "Failed") for pod in pods):
        return None
    proof = [
        fact(storage_class, "volumeBindingMode"),
        *(use_of(pod, case.name) for pod in pods),
        *(fact(pod, "spec", "nodeName") for pod in pods),
        newest(case, "WaitForFirstConsumer", "WaitForPodScheduled"),
    ]
    causes = [found for pod in pods if (found := case.ask(pod)) and found.error]
    told: dict[str, Any] = {"klass": text(storage_class, "metadata", "name"), "pods": join(map(called, pods))}
    return case.tell("storage.consumer-bypassed", "Pending", "error", evidence=proof, also=causes, **told)


def waits_for_consumer(case: Case) -> Explanation | None:
    """The class binds only when a Pod that uses the claim is scheduled."""
    storage_class = _delayed(case)
    if storage_class is None:
        return None
    pods = [pod for pod in consumers(case, case.obj) if not text(pod, "spec", "nodeName")]
    if pods and text(storage_class, "provisioner") == NO_PROVISIONER and not _any_fits(case):
        return None
    proof = [
        case.fact("spec", "storageClassName"),
        fact(storage_class, "volumeBindingMode"),
        newest(case, "WaitForFirstConsumer", "WaitForPodScheduled"),
    ]
    told: dict[str, Any] = {"klass": text(storage_class, "metadata", "name"), "near": ""}
    by_default = default_class_near(case)
    if by_default is not None:
        told["near"], near_proof = near_words(case)
        proof += near_proof
    if not pods:
        return case.tell("storage.wait-for-first-consumer", "Pending", "waiting", evidence=proof, **told)
    proof += [use_of(pod, case.name) for pod in pods]
    causes = [found for pod in pods if (found := case.ask(pod)) and not found.fine]
    return case.tell(
        "storage.wait-for-pod-scheduled",
        "Pending",
        "waiting",
        evidence=proof,
        also=causes,
        pods=join(called(pod) for pod in pods),
        **told,
    )


def _any_fits(case: Case) -> bool:
    return any(not rejections(case.obj, volume) for volume in volumes_of(case))


# -- the provisioner ----------------------------------------------------------------------------------------------


def selected_node_gone(case: Case) -> Explanation | None:
    """A node was selected for the claim and is there no longer: its provisioner waits for that node."""
    node = text(case.obj, "metadata", "annotations", SELECTED_NODE)
    if not node or not case.snapshot.objects("Node") or case.snapshot.get("Node", node) is not None:
        return None
    names = sorted(text(found, "metadata", "name") for found in case.snapshot.objects("Node"))
    proof = [
        case.fact("metadata", "annotations", SELECTED_NODE),
        Evidence(say("why.text.nodes"), join(names, most=12)),
        newest(case, *_ANSWERS),
        newest(case, "ExternalProvisioning"),
    ]
    told: dict[str, Any] = {"node": node, "name": case.name, "annotation": SELECTED_NODE}
    return case.tell("storage.selected-node-gone", "Pending", "error", evidence=proof, **told)


def provisioning(case: Case) -> Explanation | None:
    """A provisioner is asked for a volume: it works, fails, or does not answer."""
    storage_class = class_of(case)
    provisioner = text(storage_class, "provisioner")
    if storage_class is None or not provisioner or provisioner == NO_PROVISIONER:
        return None
    name = text(storage_class, "metadata", "name")
    told: dict[str, Any] = {"klass": name, "provisioner": provisioner}
    proof = [
        *fields(case.obj, ("spec", "storageClassName"), ("metadata", "annotations", SELECTED_NODE)),
        *fields(storage_class, ("provisioner",), ("volumeBindingMode",)),
    ]
    failed = [event for event in case.events_with("ProvisioningFailed") if not _stale(event, name)]
    if failed:
        return _failed(case, storage_class, failed[0], proof, told)
    if any(case.events_with(reason) for reason in _ANSWERS):
        proof += [event_fact(event) for event in case.events_with("Provisioning", "ExternalProvisioning")[:2]]
        return case.tell("storage.provisioning", "Pending", "waiting", evidence=proof, **told)
    return _unanswered(case, proof, told)


def _failed(
    case: Case, storage_class: Object, event: Object, proof: list[Evidence], told: dict[str, Any]
) -> Explanation:
    message = event_message(event)
    told["message"] = message
    proof.append(event_fact(event))
    if not waits_for_first_consumer(storage_class) and _NEEDS_NODE.search(message):
        return case.tell("storage.provisioning-needs-node", "Pending", "error", evidence=proof, **told)
    by_default = default_class_near(case)
    if by_default is not None:
        return by_default
    node = text(case.obj, "metadata", "annotations", SELECTED_NODE)
    if node and _FULL.search(message):
        return case.tell("storage.node-is-full", "Pending", "error", evidence=proof, node=node, **told)
    near, near_proof = near_words(case)
    return case.tell(
        "storage.provisioning-failed", "Pending", "error", evidence=[*proof, *near_proof], near=near, **told
    )


def _unanswered(case: Case, proof: list[Evidence], told: dict[str, Any]) -> Explanation:
    """Nobody has taken up the claim: normal for a moment, and else a provisioner that does not run."""
    asked = case.events_with("ExternalProvisioning")
    seconds = _span(case, asked)
    proof += [event_fact(event) for event in asked[:1]]
    drivers = [text(driver, "metadata", "name") for driver in case.snapshot.objects("CSIDriver")]
    known = told["provisioner"] in drivers
    if drivers and not known:
        proof.append(Evidence(say("why.text.drivers"), join(sorted(drivers), most=12)))
    missing = _lacks_driver(case, told["provisioner"])
    proof += missing
    if seconds is None or seconds < _PATIENCE:
        return case.tell("storage.provisioning-asked", "Pending", "waiting", evidence=proof, **told)
    by_default = default_class_near(case)
    if by_default is not None:
        return by_default
    driver = say("why.provisioner.no-driver", **told, hint=nearest(told["provisioner"], drivers))
    told |= {"minutes": max(1, round(seconds / 60)), "driver": "" if known or not drivers else driver}
    return case.tell("storage.provisioner-silent", "Pending", "error", evidence=proof, **told)


def _span(case: Case, asked: list[Object]) -> float | None:
    """For how many seconds the provisioner has been asked, as far as is known."""
    firsts = [first for event in asked if (first := epoch(event_times(event)[0])) is not None]
    lasts = [last for event in asked if (last := epoch(event_times(event)[1])) is not None]
    if case.now is not None:
        lasts.append(case.now)
    since = min(firsts, default=epoch(text(case.obj, "metadata", "creationTimestamp")) if not asked else None)
    return max(lasts) - since if since is not None and lasts else None


def _lacks_driver(case: Case, driver: str) -> list[Evidence]:
    """The selected node's CSINode, where it does not list the driver."""
    node = case.snapshot.get("CSINode", text(case.obj, "metadata", "annotations", SELECTED_NODE))
    drivers = [text(entry, "name") for entry in listed(node, "spec", "drivers")]
    if node is None or driver in drivers:
        return []
    path = say("why.text.field", path="spec.drivers", subject=called(node))
    return [Evidence(path, join(drivers) or say("why.text.none"))]


def _stale(event: JSON, klass: str) -> bool:
    """Whether the event complains of a missing class that has come since."""
    return f'"{klass}" not found' in event_message(event)


# -- the default class ----------------------------------------------------------------------------------------------


def default_class(case: Case) -> Explanation | None:
    """No class named, and one that is to be the default: the controller puts it in."""
    if claim_class(case.obj) is not None:
        return None
    found = default_storage_class(case.snapshot.objects("StorageClass"))
    if found is None:
        return None
    name = text(found, "metadata", "name")
    defaults = default_classes(case)
    proof = [
        Evidence(
            say("why.text.field", path="metadata.annotations[is-default-class]", subject=called(each)),
            text(each, "metadata", "creationTimestamp") or "true",
        )
        for each in defaults
    ]
    told: dict[str, Any] = {"klass": name, "defaults": join(map(called, defaults))}
    if len(defaults) > 1:
        return case.tell("storage.default-classes", "Pending", "waiting", evidence=proof, **told)
    proof = [
        found_fact
        for key in mapping(found, "metadata", "annotations")
        if key.endswith("is-default-class") and (found_fact := fact(found, "metadata", "annotations", key))
    ]
    return case.tell("storage.default-class", "Pending", "waiting", evidence=proof, **told)
