"""Claims, PersistentVolumes, classes and attachments as cards, with their relations: alike in every story."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import stored_level
from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Object, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.binding import (
    ACCESS_MODES,
    access_modes,
    is_bound_to,
    is_default_class,
    requested_storage,
    volume_fits_node,
    volume_storage,
)
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, string, strings, text
from k8sviz.rules.growth import Growth, growth_of
from k8sviz.rules.meta import is_terminating
from k8sviz.rules.selectors import label_selector
from k8sviz.rules.views import Claim, Volume
from k8sviz.words import say

__all__ = ["CARDS", "claim_card", "class_card", "modes_text", "volume_card"]

_ATTACHED: Final[dict[str, Level]] = {"attached": "ok", "attaching": "wait", "detaching": "ending"}


def _growth_level(growth: Growth) -> Level:
    return "bad" if growth.stage.endswith("failed") else "wait"


def modes_text(modes: Iterable[str]) -> str:
    """Access modes as kubectl prints them: RWO,ROX."""
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in modes)


def _held(obj: JSON) -> list[str]:
    """`metadata.finalizers`, by their last part: what must let go before the object can be deleted."""
    names = [name.rpartition("/")[2] for name in strings(obj, "metadata", "finalizers")]
    return [say("diagrams.storage.held", names=", ".join(names))] if names else []


def _claim_facts(claim: Claim, growth: Growth) -> list[str]:
    """Reads spec.resources, accessModes, storageClassName, volumeMode, volumeName, selector; status; finalizers."""
    words = "diagrams.storage."
    facts = [say(words + "asks", size=requested_storage(claim.json), modes=modes_text(claim.asked_modes))]
    if growth.growing and growth.volume is not None:
        facts.append(say(words + "volume-has", size=growth.volume))
        facts.append(say(words + ("device-has" if claim.block else "file-system-has"), size=claim.size))
    elif claim.phase == "Bound":
        facts.append(say(words + "has", size=claim.size, modes=modes_text(claim.modes)))
    if claim.block:
        facts.append(say(words + "block"))
    if not claim.class_name:
        facts.append(say(words + ("class-nil" if claim.class_name is None else "class-none")))
    labels = ", ".join(map(str, label_selector(mapped(claim.json, "spec", "selector")) or ()))
    if labels:
        facts.append(say(words + "selector", labels=labels))
    return facts + _held(claim.json)


def claim_card(b: Builder, claim: Object) -> str:
    """A claim, and its relations to a PersistentVolume and to a class."""
    it = Claim(claim)
    growth = growth_of(claim, b.snapshot.get("PersistentVolume", it.volume) if it.volume else None)
    facts = _claim_facts(it, growth)
    state, level = it.status, stored_level(it.status)
    if growth.growing and not it.terminating:
        state, level = say(f"diagrams.growth.{growth.stage}", phase=it.phase), _growth_level(growth)
    alike = f"{b.template_of(it.namespace, it.name)} {' '.join(facts)}"
    node = b.object(it.ref, facts, state=state, level=level, alike=alike)
    for volume in b.volumes_naming(it.ref):
        if ref_of(volume).name != it.volume:
            own = is_bound_to(volume, claim)
            words = say("diagrams.storage." + ("reserved" if own else "remembers"))
            b.link(node, ref_of(volume), "reserved" if own else "remembers", words, level="wait" if own else "off")
    if it.volume:
        _wanted(b, it, node)
    if it.class_name:
        ref, named = Ref("StorageClass", it.class_name), bool(it.volume)
        b.link(node, ref, "class", say("diagrams.storage.class"), name_only=named)
    return node


def _wanted(b: Builder, claim: Claim, node: str) -> None:
    """The claim's spec.volumeName: bound when the volume's claimRef answers it, only asked for otherwise."""
    target = Ref("PersistentVolume", claim.volume)
    volume = b.snapshot.find(target)
    phases = claim.phase, Volume(volume).phase
    if volume is None or not is_bound_to(volume, claim.json):
        b.link(node, target, "asks-by-name", say("diagrams.storage.asks-by-name"), level="wait")
    elif phases == ("", ""):
        b.link(node, target, "bound", say("diagrams.storage.pre-bound"))  # manifests: both name each other
    elif phases == ("Bound", "Bound"):
        b.link(node, target, "bound", say("diagrams.storage.bound"), level="ok")
    else:  # a controller writes one field after the other: for some milliseconds only a part is there
        b.link(node, target, "bound", say("diagrams.storage.binding"), level="wait")


def _source_of(volume: Object) -> tuple[str, str]:
    """The type of a PersistentVolume's medium, and where it is."""
    known = {
        "capacity",
        "accessModes",
        "claimRef",
        "persistentVolumeReclaimPolicy",
        "storageClassName",
        "mountOptions",
        "volumeMode",
        "nodeAffinity",
        "volumeAttributesClassName",
    }
    spec = mapping(volume, "spec")
    kind = next((key for key in spec if key not in known and isinstance(spec[key], dict)), "")
    source = mapping(spec, kind) if kind else {}
    where = text(source, "path") or text(source, "volumeHandle") or text(source, "pdName") or text(source, "volumeID")
    return kind, " ".join(part for part in (text(source, "server") or text(source, "driver"), where) if part)


def volume_card(b: Builder, volume: Object) -> str:
    """A PersistentVolume: spec.capacity, accessModes, reclaim policy, source, claimRef, nodeAffinity; status.phase."""
    words, it = "diagrams.storage.", Volume(volume)
    facts = [say(words + "offers", size=volume_storage(volume), modes=modes_text(access_modes(volume)))]
    if it.block:
        facts.append(say(words + "block"))
    kind, where = _source_of(volume)
    if kind:
        facts.append(say(words + "source", kind=kind, what=where))
    facts.append(" · ".join([say(words + "reclaim", policy=it.policy), *_held(volume)]))
    facts += [f"{k}={v}" for k, v in it.labels.items()][:2]
    claim, template = it.claim, ""
    if claim is not None:
        facts.append(say(words + "claim-ref", name=f"{claim.namespace}/{claim.name}"))
        template = b.template_of(claim.namespace, claim.name)
    alike = f"{facts[0]} {it.class_name} {kind} {template}"
    node = b.object(it.ref, facts, state=it.status, level=stored_level(it.status), alike=alike)
    if claim is not None and b.shows(claim.namespace) and b.snapshot.find(claim) is None:
        # the claim is drawn as what it is, deleted
        gone = b.ghost(claim, say(words + ("gone" if it.claim_uid else b.snapshot.missing(claim.kind))))
        b.edge(gone, node, "remembers", say(words + "remembers"), level="off")
    if it.class_name:
        b.link(node, Ref("StorageClass", it.class_name), "class", say(words + "class"), name_only=True)
    if mapped(volume, "spec", "nodeAffinity", "required") is not None:
        for machine in b.snapshot.objects("Node"):
            if volume_fits_node(volume, machine):
                b.link(node, ref_of(machine), "reaches", say(words + "reaches"))
    return node


# -- classes -----------------------------------------------------------------------------------------


def class_card(b: Builder, storage_class: Object) -> str:
    """A StorageClass: provisioner, reclaimPolicy, volumeBindingMode, parameters, the default annotation."""
    words = "diagrams.storage."
    facts = [say(words + "default-class")] if is_default_class(storage_class) else []
    facts.append(say(words + "binding-mode", mode=text(storage_class, "volumeBindingMode") or "Immediate"))
    facts.append(say(words + "reclaim", policy=text(storage_class, "reclaimPolicy") or "Delete"))
    facts += [say(words + "parameters", name=k, value=v) for k, v in mapping(storage_class, "parameters").items()]
    node = b.object(ref_of(storage_class), facts)
    provisioner = string(storage_class, "provisioner")
    if provisioner:
        target = b.node("Provisioner", provisioner, f"provisioner/{provisioner}")
        b.edge(node, target, "provisioner", say(words + "provisioner"))
    return node


# -- attached to nodes -------------------------------------------------------------------------------


def attachment_card(b: Builder, attachment: Object) -> str:
    """A VolumeAttachment: spec.attacher, nodeName and source; whether it is attached, or what keeps it from it."""
    words = "diagrams.attachment."
    driver, machine = text(attachment, "spec", "attacher"), text(attachment, "spec", "nodeName")
    failed = text(attachment, "status", "attachError", "message") or text(
        attachment, "status", "detachError", "message"
    )
    attached = bool(flag(attachment, "status", "attached"))
    code = "detaching" if is_terminating(attachment) else "attached" if attached else "attaching"
    level: Level = "bad" if failed else _ATTACHED[code]
    facts = [say(words + "driver", name=driver), *([failed] if failed else [])]
    node = b.object(ref_of(attachment), facts, state=say(words + code), level=level, alike=f"{driver} {machine}")
    volume = text(attachment, "spec", "source", "persistentVolumeName")
    if volume:
        source, missing = b.place(Ref("PersistentVolume", volume))
        b.edge(source, node, "attached", say(words + "by"), missing)
    if machine:
        lacks = _lacks(b, machine, driver)
        label = say(words + ("no-driver" if lacks else "to"))
        b.link(node, Ref("Node", machine), "attached-to", label, "bad" if lacks else "")
    return node


def csi_node_card(b: Builder, csi_node: Object) -> str:
    """A CSINode: spec.drivers with how many volumes each can attach to the node (allocatable.count)."""
    facts = []
    for driver in listed(csi_node, "spec", "drivers"):
        most = integer(driver, "allocatable", "count")
        code = "csi-driver" if most is None else "csi-driver-most"
        facts.append(say(f"diagrams.attachment.{code}", name=text(driver, "name"), count=most))
    ref = ref_of(csi_node)
    node = b.object(ref, facts or [say("diagrams.attachment.no-drivers")], alike=" ".join(facts) or "none")
    source, missing = b.place(Ref("Node", ref.name))
    b.edge(source, node, "drivers", say("diagrams.attachment.drivers"), missing)
    return node


def _lacks(b: Builder, machine: str, driver: str) -> bool:
    """Whether the node's CSINode says that it has no such driver; without a CSINode nobody can tell."""
    known = b.snapshot.get("CSINode", machine)
    return known is not None and driver not in {text(d, "name") for d in listed(known, "spec", "drivers")}


CARDS: Final[dict[str, Callable[[Builder, Object], str]]] = {
    "PersistentVolumeClaim": claim_card,
    "PersistentVolume": volume_card,
    "VolumeAttachment": attachment_card,
    "CSINode": csi_node_card,
}
"""What draws an object of these kinds, in the order in which the storage story does."""
