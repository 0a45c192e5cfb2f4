"""What hangs together with a claim or a volume: its Pods, its class, its nodes, what it asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.binding import claim_class, default_storage_class
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.selectors import Requirement, label_selector
from k8sviz.why.case import Case, called, event_fact, fields, join
from k8sviz.why.model import Evidence
from k8sviz.words import say

__all__ = [
    "NO_PROVISIONER",
    "SELECTED_NODE",
    "asked",
    "claim_names",
    "claim_text",
    "class_of",
    "class_of_claim",
    "class_words",
    "consumers",
    "default_classes",
    "is_default_class",
    "names_of_nodes",
    "newest",
    "node_affinity_fact",
    "use_of",
    "volume_nodes",
    "volumes_of",
]

JSON = Mapping[str, Any]


SELECTED_NODE = "volume.kubernetes.io/selected-node"
NO_PROVISIONER = "kubernetes.io/no-provisioner"


def claim_names(pod: JSON) -> list[tuple[str, str]]:
    """The Pod's volumes that are claims: (volume, claim). An ephemeral volume's claim is called POD-VOLUME.

    >>> claim_names({"spec": {"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "demo-pvc"}}]}})
    [('data', 'demo-pvc')]
    """
    found = []
    for volume in listed(pod, "spec", "volumes"):
        name = text(volume, "name")
        if "persistentVolumeClaim" in volume:
            found.append((name, text(volume, "persistentVolumeClaim", "claimName")))
        elif "ephemeral" in volume:
            found.append((name, f"{text(pod, 'metadata', 'name')}-{name}"))
    return found


def consumers(case: Case, claim: JSON) -> list[Object]:
    """The Pods that use a claim, by name."""
    name, namespace = text(claim, "metadata", "name"), text(claim, "metadata", "namespace")
    pods = case.snapshot.objects("Pod", namespace=namespace or None)
    return [pod for pod in pods if name in {claim_name for _, claim_name in claim_names(pod)}]


def volume_nodes(volume: JSON) -> str:
    """The nodes that a volume can be reached from, as its node affinity names them; empty when it has none."""
    values = [value for term in _node_terms(volume) for wanted in term for value in wanted.values]
    return join(dict.fromkeys(values))


def node_affinity_fact(volume: JSON) -> Evidence | None:
    """A volume's node affinity as evidence; None when it has none."""
    terms = [",".join(map(str, term)) for term in _node_terms(volume)]
    if not terms:
        return None
    return Evidence(say("why.text.field", path="spec.nodeAffinity.required", subject=called(volume)), join(terms))


def _node_terms(volume: JSON) -> list[tuple[Requirement, ...]]:
    terms = listed(mapping(volume, "spec", "nodeAffinity", "required"), "nodeSelectorTerms")
    by_field = [{"matchExpressions": term["matchFields"]} for term in terms if listed(term, "matchFields")]
    return [label_selector(term) or () for term in [*terms, *by_field]]


def volumes_of(case: Case) -> list[Object]:
    """All volumes that are known."""
    return case.snapshot.objects("PersistentVolume")


def class_of(case: Case) -> Object | None:
    """The claim's StorageClass; None when it names none, or none that is known."""
    return class_of_claim(case, case.obj)


def class_of_claim(case: Case, claim: JSON) -> Object | None:
    """Another claim's StorageClass; None when it names none, or none that is known."""
    name = claim_class(claim)
    return case.snapshot.get("StorageClass", name) if name else None


def is_default_class(storage_class: JSON | None) -> bool:
    """Whether claims that name no class get this one."""
    return storage_class is not None and default_storage_class([storage_class]) is not None


def default_classes(case: Case) -> list[Object]:
    """All classes that are marked as the default, by name."""
    return [found for found in case.snapshot.objects("StorageClass") if is_default_class(found)]


def names_of_nodes(volume: JSON) -> bool:
    """Whether the volume's node affinity asks for nodes by their names, and not for a zone or the like."""
    keys = {wanted.key for term in _node_terms(volume) for wanted in term}
    return bool(keys) and all(re.search(r"host|node", key.rpartition("/")[2], re.IGNORECASE) for key in keys)


def class_words(name: str | None) -> str:
    """A class, or that there is none, in words."""
    return say("why.volume.class-named", name=name) if name else say("why.volume.class-none")


def asked(case: Case) -> list[Evidence]:
    """What the claim asks for, field by field."""
    return fields(
        case.obj,
        ("spec", "resources", "requests", "storage"),
        ("spec", "accessModes"),
        ("spec", "volumeMode"),
        ("spec", "storageClassName"),
        ("spec", "selector"),
        ("spec", "volumeName"),
    )


def newest(case: Case, *reasons: str) -> Evidence | None:
    """The newest Event of these reasons as evidence."""
    found = case.events_with(*reasons)
    return event_fact(found[0]) if found else None


def use_of(pod: Object, claim: str) -> Evidence:
    """Where a Pod uses a claim, as evidence."""
    volume = next((name for name, found in claim_names(pod) if found == claim), "")
    return Evidence(say("why.text.field", path=f"spec.volumes[{volume}]", subject=called(pod)), claim)


def claim_text(volume: JSON) -> str:
    """The claim that a volume belongs to, as NAMESPACE/NAME."""
    reference = mapping(volume, "spec", "claimRef")
    return "/".join(part for part in (text(reference, "namespace"), text(reference, "name")) if part)
