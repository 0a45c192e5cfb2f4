"""Why a claim's volume is not made yet: its first consumer, its provisioner, its class."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.rules.binding import claim_class, default_storage_class, rejections, waits_for_first_consumer
from k8sviz.rules.fields import text
from k8sviz.why.case import Case, called, event_fact, event_message, fact, fields, join
from k8sviz.why.model import Explanation
from k8sviz.why.storage.reading import NO_PROVISIONER, SELECTED_NODE, class_of, consumers, newest, use_of, volumes_of

__all__ = ["default_class", "provisioning", "waits_for_consumer"]

JSON = Mapping[str, Any]


_NEEDS_NODE = re.compile(r"no node was specified|node.*(not|un)\s*(specified|selected)", re.IGNORECASE)


def waits_for_consumer(case: Case) -> Explanation | None:
    """The class binds only when a Pod that uses the claim is scheduled."""
    storage_class = class_of(case)
    if storage_class is None or not waits_for_first_consumer(storage_class):
        return None
    if text(case.obj, "metadata", "annotations", SELECTED_NODE):
        return None
    pods = [pod for pod in consumers(case, case.obj) if not text(pod, "spec", "nodeName")]
    if pods and text(storage_class, "provisioner") == NO_PROVISIONER and not _any_fits(case):
        return None
    proof = [
        case.fact("spec", "storageClassName"),
        fact(storage_class, "volumeBindingMode"),
        newest(case, "WaitForFirstConsumer", "WaitForPodScheduled"),
    ]
    told: dict[str, Any] = {"klass": text(storage_class, "metadata", "name")}
    if not pods:
        return case.tell("storage.wait-for-first-consumer", "Pending", "waiting", evidence=proof, **told)
    proof += [use_of(pod, case.name) for pod in pods]
    causes = [found for pod in pods if (found := case.ask(pod)) and found.error]
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


def provisioning(case: Case) -> Explanation | None:
    """A provisioner is asked for a volume."""
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
        message = event_message(failed[0])
        told["message"] = message
        immediate = not waits_for_first_consumer(storage_class)
        code = "provisioning-needs-node" if immediate and _NEEDS_NODE.search(message) else "provisioning-failed"
        proof.append(event_fact(failed[0]))
        if code == "provisioning-needs-node":
            return case.tell("storage.provisioning-needs-node", "Pending", "error", evidence=proof, **told)
        return case.tell("storage.provisioning-failed", "Pending", "error", evidence=proof, **told)
    proof += [event_fact(event) for event in case.events_with("Provisioning", "ExternalProvisioning")[:2]]
    return case.tell("storage.provisioning", "Pending", "waiting", evidence=proof, **told)


def _stale(event: JSON, klass: str) -> bool:
    """Whether the event complains of a missing class that has come since."""
    return f'"{klass}" not found' in event_message(event)


def default_class(case: Case) -> Explanation | None:
    """No class named, and one that is to be the default: the controller puts it in."""
    if claim_class(case.obj) is not None:
        return None
    found = default_storage_class(case.snapshot.objects("StorageClass"))
    if found is None:
        return None
    name = text(found, "metadata", "name")
    proof = [fact(found, "metadata", "annotations", "storageclass.kubernetes.io/is-default-class")]
    return case.tell("storage.default-class", "Pending", "waiting", evidence=proof, klass=name)
