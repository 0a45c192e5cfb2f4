"""The storage story: container → volume → claim → PersistentVolume → class → provisioner.

Each function below draws one kind of object and says which fields it reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import container_level, pod_level
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Edge, Level
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.history import Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.binding import (
    ACCESS_MODES,
    Candidate,
    access_modes,
    as_asked,
    as_offered,
    bound_by_controller,
    claim_class,
    classify,
    is_bound_to,
    is_default_class,
    requested_storage,
    volume_class,
    volume_fits_node,
    volume_storage,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import flag, listed, mapped, mapping, string, strings, text
from k8sviz.rules.pods import container_state, containers, pod_status
from k8sviz.rules.reasons import Reason
from k8sviz.rules.selectors import label_selector
from k8sviz.words import say

__all__ = ["claim_among_volumes", "claim_card", "class_card", "storage", "volume_card"]

_PHASES: Final[dict[str, Level]] = {
    "Bound": "ok",
    "Available": "",
    "Pending": "wait",
    "Released": "off",
    "Failed": "bad",
    "Lost": "bad",
}


def storage(
    snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None, token: bool = True
) -> Diagram:
    """The storage story of a Snapshot: all of it, or what hangs together with one object.

    A claim as `focus` is drawn among all PersistentVolumes, each that it cannot have with the reason. `namespace`
    keeps cluster-scoped objects. `token=False` leaves out the volume that Kubernetes adds to each Pod for its
    API token. Raises K8svizError when the object in focus is not there.
    """
    if focus is not None:
        snapshot.require(focus)
    if focus is not None and focus.kind == "PersistentVolumeClaim":
        return claim_among_volumes(snapshot, focus)
    b = Builder(snapshot, namespace)
    for storage_class in snapshot.objects("StorageClass"):
        class_card(b, storage_class)
    for pod in snapshot.objects("Pod", namespace=namespace):
        _pod(b, pod, token)
    for claim in snapshot.objects("PersistentVolumeClaim", namespace=namespace):
        claim_card(b, claim)
    for volume in snapshot.objects("PersistentVolume"):
        volume_card(b, volume)
    diagram = b.diagram("storage", _title(snapshot, namespace, focus))
    if focus is not None:
        diagram = diagram.around(*_ids_of(diagram, focus))
    if not diagram.nodes and not diagram.groups:
        return diagram._replace(notes=(*diagram.notes, say("diagrams.storage.nothing")))
    return sum_up(diagram, LIMIT)


def _title(snapshot: Snapshot, namespace: str | None, focus: Ref | None) -> str:
    if focus is not None:
        return say("diagrams.storage.title-one", what=focus)
    name = namespace or snapshot.about.namespace
    return say("diagrams.storage.title", namespace=name) if name else say("diagrams.storage.title-all")


def _ids_of(diagram: Diagram, ref: Ref) -> list[str]:
    """The nodes of an object: its own, or everything in its frame."""
    groups = {g.id for g in diagram.groups if g.ref == ref}
    return [n.id for n in diagram.nodes if n.ref == ref or n.group in groups]


# -- Pods, their containers and volumes ------------------------------------------------------------


def _pod(b: Builder, pod: Object, token: bool) -> None:
    """Reads spec.containers[*].volumeMounts and volumeDevices, spec.volumes, spec.nodeName, status."""
    ref = ref_of(pod)
    status = pod_status(pod) if "status" in pod else ""  # a manifest says nothing of how it goes
    node = text(pod, "spec", "nodeName")
    alike = f"{b.owner_of(pod) or _build(pod)} {status}"
    frame = b.group(
        ref,
        facts=(say("diagrams.storage.on", node=node),) if node else (),
        state=status,
        level=pod_level(status),
        alike=alike,
    )
    volumes = {text(v, "name"): v for v in listed(pod, "spec", "volumes")}
    hidden = set() if token else {name for name in volumes if _is_token(name, volumes[name])}
    for part, container in containers(pod):
        _container(b, pod, container, part, frame, alike, hidden)
        for use in (*listed(container, "volumeMounts"), *listed(container, "volumeDevices")):
            if text(use, "name") not in volumes:  # only a manifest can hold this: the API server refuses it
                b.node(
                    "Volume",
                    text(use, "name"),
                    _in_pod("volume", pod, text(use, "name")),
                    group=frame,
                    state=say("diagrams.storage.absent"),
                    level="bad",
                )
    for name, volume in volumes.items():
        if name not in hidden:
            _volume(b, pod, name, volume, frame, alike)


def _build(pod: Object) -> str:
    """What makes Pods without a controller alike: their containers' names and images, and their volumes' names."""
    parts = [f"{part} {text(c, 'name')} {text(c, 'image')}" for part, c in containers(pod)]
    return "; ".join([*parts, *(text(v, "name") for v in listed(pod, "spec", "volumes") if "projected" not in v)])


def _is_token(name: str, volume: Any) -> bool:
    """The volume that the API server adds to each Pod: pkg/admission/serviceaccount."""
    return name.startswith("kube-api-access-") and "projected" in volume


def _container(b: Builder, pod: Object, container: Any, part: str, frame: str, alike: str, hidden: set[str]) -> None:
    name = text(container, "name")
    state = container_state(pod, name)
    word = state.word
    if word and state.exit_code is not None:
        word += f" ({state.exit_code})"
    facts = [say("diagrams.storage.image", image=text(container, "image"))] if text(container, "image") else []
    if state.restarts:
        facts.append(say("diagrams.storage.restarted", count=state.restarts))
    kinds = {"initContainers": "InitContainer", "ephemeralContainers": "EphemeralContainer"}
    node = b.node(
        kinds.get(part, "Container"),
        name,
        _in_pod("container", pod, name),
        facts,
        state=word,
        level=container_level(pod, state),
        group=frame,
        alike=f"{alike} {name}",
    )
    for mount in listed(container, "volumeMounts"):
        if text(mount, "name") in hidden:
            continue
        path = text(mount, "mountPath")
        more = [say("diagrams.storage.read-only")] if flag(mount, "readOnly") else []
        sub_path = text(mount, "subPath") or text(mount, "subPathExpr")
        if sub_path:
            more.append(say("diagrams.storage.sub-path", path=sub_path))
        label = say("diagrams.storage.mounts", path=path) + ("\n" + " · ".join(more) if more else "")
        b.edge(node, _in_pod("volume", pod, text(mount, "name")), "mounts", label, key=path)
    for device in listed(container, "volumeDevices"):
        label = say("diagrams.storage.device", path=text(device, "devicePath"))
        b.edge(node, _in_pod("volume", pod, text(device, "name")), "device", label, key=text(device, "devicePath"))


def _in_pod(what: str, pod: Object, name: str) -> str:
    ref = ref_of(pod)
    return f"{what}/{ref.namespace}/{ref.name}/{name}"


def _volume(b: Builder, pod: Object, name: str, volume: Any, frame: str, alike: str) -> None:
    """One of the Pod's volumes, of any type: the type is the key beside `name`."""
    kind = next((k for k in volume if k != "name" and volume[k] is not None), "emptyDir")
    source = mapping(volume, kind)
    facts = _volume_facts(kind, source)
    off = kind == "gitRepo"
    if off:
        facts.append(say("diagrams.storage.off"))
    if _is_token(name, volume):
        facts.append(say("diagrams.storage.automatic"))
        alike_name = "kube-api-access"
    else:
        alike_name = name
    node = b.node(
        "Volume",
        name,
        _in_pod("volume", pod, name),
        [kind, *facts],
        group=frame,
        level="off" if off else "",
        alike=f"{alike} volume {alike_name}",
    )
    namespace = ref_of(pod).namespace
    if kind == "persistentVolumeClaim":
        claim = Ref("PersistentVolumeClaim", text(source, "claimName"), namespace)
        b.link(node, claim, "claim", say("diagrams.storage.claim"))
    elif kind == "ephemeral":
        claim = Ref("PersistentVolumeClaim", f"{ref_of(pod).name}-{name}", namespace)
        b.link(node, claim, "claim", say("diagrams.storage.makes"))
    elif kind == "hostPath":
        if text(pod, "spec", "nodeName"):
            b.link(node, Ref("Node", text(pod, "spec", "nodeName")), "on-node", say("diagrams.storage.on-node"))
    else:
        for target, optional in _sources(kind, source):
            words = say("diagrams.storage.from-optional" if optional else "diagrams.storage.from")
            b.link(node, Ref(target[0], target[1], namespace), "from", words, optional=optional)


def _sources(kind: str, source: Any) -> list[tuple[tuple[str, str], bool]]:
    """The ConfigMaps and Secrets that a volume is filled from, and whether it can do without them."""
    if kind == "configMap":
        return [(("ConfigMap", text(source, "name")), bool(flag(source, "optional")))]
    if kind == "secret":
        return [(("Secret", text(source, "secretName")), bool(flag(source, "optional")))]
    if kind == "projected":
        found = []
        for part in listed(source, "sources"):
            for key, target in (("configMap", "ConfigMap"), ("secret", "Secret")):
                inner = mapped(part, key)
                if inner is not None:
                    found.append(((target, text(inner, "name")), bool(flag(inner, "optional"))))
        return found
    reference = mapped(source, "nodePublishSecretRef") if kind == "csi" else mapped(source, "secretRef")
    return [(("Secret", text(reference, "name")), False)] if reference is not None and text(reference, "name") else []


def _volume_facts(kind: str, source: Any) -> list[str]:
    """What a person should know of a volume's source, by type; an unknown type is named as itself."""
    words = "diagrams.volume."
    if kind == "emptyDir":
        facts = [say(words + ("emptyDir-memory" if text(source, "medium") == "Memory" else "emptyDir"))]
        limit = source.get("sizeLimit")
        return [*facts, say(words + "size-limit", size=limit)] if limit is not None else facts
    if kind == "hostPath":
        facts = [say(words + "hostPath", path=text(source, "path"))]
        return [*facts, say(words + "hostPath-type", type=text(source, "type"))] if text(source, "type") else facts
    if kind == "gitRepo":
        facts = [say(words + "gitRepo", repository=text(source, "repository"))]
        more = [key for key in ("revision", "directory") if text(source, key)]
        return facts + [say(words + key, **{key: text(source, key)}) for key in more]
    if kind == "projected":
        facts = [say(words + "projected")]
        for part in listed(source, "sources"):
            token = mapped(part, "serviceAccountToken")
            if token is not None:
                facts.append(say(words + "token", seconds=token.get("expirationSeconds", 3600)))
            bundle = mapped(part, "clusterTrustBundle")
            if bundle is not None:
                facts.append(say(words + "bundle", name=text(bundle, "name") or text(bundle, "signerName")))
        return facts
    if kind == "csi":
        return [say(words + "csi", driver=text(source, "driver"))]
    if kind == "nfs":
        return [say(words + "nfs", server=text(source, "server"), path=text(source, "path"))]
    if kind == "image":
        return [say(words + "image", reference=text(source, "reference"))]
    if kind in ("configMap", "secret", "downwardAPI", "persistentVolumeClaim", "ephemeral"):
        return []
    plain = [f"{key} {_written(value)}" for key, value in source.items() if isinstance(value, str | int)]
    return plain[:3]


def _written(value: str | int) -> str:
    """A field's value as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- claims and PersistentVolumes --------------------------------------------------------------------


def _modes(modes: Iterable[str]) -> str:
    return ",".join(ACCESS_MODES.get(mode, mode) for mode in modes)


def _held(obj: Object) -> list[str]:
    """`metadata.finalizers`, by their last part: what must let go before the object can be deleted."""
    names = [name.rpartition("/")[2] for name in strings(obj, "metadata", "finalizers")]
    return [say("diagrams.storage.held", names=", ".join(names))] if names else []


def _phase(obj: Object) -> tuple[str, Level]:
    """`status.phase`, or Terminating once `metadata.deletionTimestamp` is set, as kubectl prints it."""
    if mapping(obj, "metadata").get("deletionTimestamp") is not None:
        return "Terminating", "ending"
    phase = text(obj, "status", "phase")
    return phase, _PHASES.get(phase, "")


def _claim_facts(claim: Object) -> list[str]:
    """Reads spec.resources, accessModes, storageClassName, volumeMode, volumeName, selector; status; finalizers."""
    words = "diagrams.storage."
    facts = [say(words + "asks", size=requested_storage(claim), modes=_modes(strings(claim, "spec", "accessModes")))]
    if text(claim, "status", "phase") == "Bound":
        size = text(claim, "status", "capacity", "storage")
        facts.append(say(words + "has", size=size, modes=_modes(strings(claim, "status", "accessModes"))))
    if text(claim, "spec", "volumeMode") == "Block":
        facts.append(say(words + "block"))
    wanted = claim_class(claim)
    if not wanted:
        facts.append(say(words + ("class-nil" if wanted is None else "class-none")))
    selector = mapped(claim, "spec", "selector")
    if selector is not None:
        labels = ", ".join(map(str, label_selector(selector) or ()))
        if labels:
            facts.append(say(words + "selector", labels=labels))
    return facts + _held(claim)


def claim_card(b: Builder, claim: Object) -> str:
    """A claim, and its relations to a PersistentVolume and to a class."""
    ref = ref_of(claim)
    state, level = _phase(claim)
    facts = _claim_facts(claim)
    alike = f"{b.template_of(ref.namespace, ref.name)} {' '.join(facts)}"
    node = b.object(ref, facts, state=state, level=level, alike=alike)
    wanted = text(claim, "spec", "volumeName")
    for volume in b.volumes_naming(ref):
        if text(volume, "metadata", "name") != wanted:
            own = is_bound_to(volume, claim)
            words = say("diagrams.storage." + ("reserved" if own else "remembers"))
            b.link(node, ref_of(volume), "reserved" if own else "remembers", words, level="wait" if own else "off")
    if wanted:
        _wanted(b, claim, node, wanted)
    if claim_class(claim):
        b.link(
            node,
            Ref("StorageClass", claim_class(claim) or ""),
            "class",
            say("diagrams.storage.class"),
            name_only=bool(wanted),
        )
    return node


def _wanted(b: Builder, claim: Object, node: str, name: str) -> None:
    """The claim's spec.volumeName: bound when the volume's claimRef answers it, only asked for otherwise."""
    target = Ref("PersistentVolume", name)
    volume = b.snapshot.find(target)
    if volume is None or not is_bound_to(volume, claim):
        b.link(node, target, "asks-by-name", say("diagrams.storage.asks-by-name"), level="wait")
    elif not text(claim, "status", "phase") and not text(volume, "status", "phase"):
        b.link(node, target, "bound", say("diagrams.storage.pre-bound"))  # manifests: both name each other
    elif text(claim, "status", "phase") == text(volume, "status", "phase") == "Bound":
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
    words = "diagrams.storage."
    state, level = _phase(volume)
    facts = [say(words + "offers", size=volume_storage(volume), modes=_modes(access_modes(volume)))]
    if text(volume, "spec", "volumeMode") == "Block":
        facts.append(say(words + "block"))
    kind, where = _source_of(volume)
    if kind:
        facts.append(say(words + "source", kind=kind, what=where))
    policy = say(words + "reclaim", policy=text(volume, "spec", "persistentVolumeReclaimPolicy") or "Retain")
    facts.append(" · ".join([policy, *_held(volume)]))
    labels = [f"{k}={v}" for k, v in mapping(volume, "metadata", "labels").items()]
    facts += labels[:2]
    claim = mapped(volume, "spec", "claimRef")
    if claim is not None:
        facts.append(say(words + "claim-ref", name=f"{text(claim, 'namespace')}/{text(claim, 'name')}"))
    template = b.template_of(text(claim, "namespace"), text(claim, "name"))
    alike = f"{facts[0]} {volume_class(volume)} {kind} {template}"
    node = b.object(ref_of(volume), facts, state=state, level=level, alike=alike)
    if claim is not None and b.shows(text(claim, "namespace")):
        _claimed(b, volume, node, Ref("PersistentVolumeClaim", text(claim, "name"), text(claim, "namespace")))
    if volume_class(volume):
        b.link(node, Ref("StorageClass", volume_class(volume)), "class", say(words + "class"), name_only=True)
    if mapped(volume, "spec", "nodeAffinity", "required") is not None:
        for machine in b.snapshot.objects("Node"):
            if volume_fits_node(volume, machine):
                b.link(node, ref_of(machine), "reaches", say(words + "reaches"))
    return node


def _claimed(b: Builder, volume: Object, node: str, claim: Ref) -> None:
    """A claimRef whose claim is gone: the claim is drawn as what it is, deleted."""
    if b.snapshot.find(claim) is None:
        word = "gone" if text(volume, "spec", "claimRef", "uid") else b.snapshot.missing(claim.kind)
        gone = b.ghost(claim, say(f"diagrams.storage.{word}"))
        b.edge(gone, node, "remembers", say("diagrams.storage.remembers"), level="off")


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


# -- one claim among all volumes ---------------------------------------------------------------------


def claim_among_volumes(snapshot: Snapshot, focus: Ref) -> Diagram:
    """One claim and every PersistentVolume: the one it has or would get, and why it cannot have the others.

    Raises K8svizError when there is no such claim.
    """
    claim = snapshot.require(focus)
    b = Builder(snapshot, focus.namespace)
    for pod in snapshot.objects("Pod", namespace=focus.namespace):
        _pod(b, pod, token=False)
    name = claim_class(claim)
    storage_class = snapshot.get("StorageClass", name) if name else None
    for known in snapshot.objects("StorageClass"):
        class_card(b, known)
    node = claim_card(b, claim)
    volumes = snapshot.objects("PersistentVolume")
    for volume in volumes:
        volume_card(b, volume)
    own = {e.target for e in b.edges_from(node)}
    asked, bound = as_asked(claim), bool(text(claim, "spec", "volumeName")) and bound_by_controller(claim)
    offered = [as_offered(volume, claim) for volume in volumes] if bound else volumes
    for candidate in classify(asked, offered, delay_binding=waits_for_first_consumer(storage_class)):
        target = b.id_of(ref_of(dict(candidate.volume)))
        b.drop_edges(target)
        if target in own and (bound or not candidate.reasons):
            continue
        b.edge(node, target, *_verdict(candidate, bound=bound))
    diagram = b.diagram("storage", say("diagrams.storage.title-claim", what=focus))
    kept = diagram.around(node)
    return kept._replace(edges=tuple(_once(kept.edges)))


def _verdict(candidate: Candidate, *, bound: bool = False) -> tuple[str, str, Level]:
    """The relation, words and level of the line from a claim to a volume it could or could not have.

    `bound`: the claim has another one already, which may have been there alone at that time.
    """
    if not candidate.reasons and bound:
        return "fits", say("diagrams.refused.not-chosen-tie"), "off"
    if not candidate.reasons:
        return "fits", say("diagrams.storage.chosen"), "ok"
    words = [_short(reason) for reason in candidate.reasons]
    fits = candidate.rank is not None
    return "fits" if fits else "refused", ",\n".join(words), "off" if fits else "bad"


def _short(reason: Reason) -> str:
    """A reason in the few words that a line has room for."""
    facts = dict(reason.facts)
    if reason.code == "access-mode":
        facts["offered"] = _modes(facts["offered"].split(", "))
    return say(f"diagrams.refused.{reason.code}", **facts)


def _once(edges: Iterable[Edge]) -> list[Edge]:
    return list({edge.id: edge for edge in edges}.values())
