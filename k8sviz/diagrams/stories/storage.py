"""The storage story: container → volume → claim → PersistentVolume → class → provisioner.

Each function below draws one kind of object and says which fields it reads.
"""

from __future__ import annotations

from typing import Any

from k8sviz.diagrams.kit.builder import Builder, Looks
from k8sviz.diagrams.kit.facts import container_level, where
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.pods import PodFrame, container_kind
from k8sviz.diagrams.kit.stores import CARDS, claim_card, class_card, modes_text, volume_card
from k8sviz.history import Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.binding import (
    Candidate,
    as_asked,
    as_offered,
    bound_by_controller,
    claim_class,
    classify,
    waits_for_first_consumer,
)
from k8sviz.rules.fields import JSON, flag, listed, mapped, text
from k8sviz.rules.pods import container_state, containers
from k8sviz.rules.reasons import Reason
from k8sviz.rules.views import Mount, Pod, PodVolume, mounts_of
from k8sviz.words import say

__all__ = ["claim_among_volumes", "storage"]


def storage(
    snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None, token: bool = True
) -> Diagram:
    """The storage story of a Snapshot: all of it, or what hangs together with one object.

    A claim as `focus` is drawn among all PersistentVolumes, each that it cannot have with the reason. `namespace`
    keeps cluster-scoped objects. `token=False` leaves out the volume that Kubernetes adds to each Pod for its
    API token. Raises K8svizError when the object in focus is not there.
    """
    b = Builder(snapshot, namespace, focus)
    if focus is not None and focus.kind == "PersistentVolumeClaim":
        return claim_among_volumes(snapshot, focus)
    for storage_class in b.objects("StorageClass"):
        class_card(b, storage_class)
    for pod in b.pods():
        _pod(b, pod, token)
    for kind, card in CARDS.items():
        for obj in b.objects(kind):
            card(b, obj)
    return b.told("storage")


# -- Pods, their containers and volumes ------------------------------------------------------------


def _pod(b: Builder, pod: Object, token: bool) -> None:
    """Reads spec.containers[*].volumeMounts and volumeDevices, spec.volumes, spec.nodeName, status."""
    it = Pod(pod)
    frame = PodFrame(b, pod, where(b.snapshot, it.node), alike=b.owner_of(pod) or _build(it))
    volumes = it.volumes
    names = {volume.name for volume in volumes}
    hidden = {volume.name for volume in volumes if volume.is_token and not token}
    for container, role in in_start_order(pod):
        for mount in _container(frame, container, role, hidden):
            if mount.volume not in names:  # only a manifest can hold this: the API server refuses it
                frame.put("Volume", mount.volume, state=say("diagrams.storage.absent"), level="bad", alike="")
    for volume in volumes:
        if volume.name not in hidden:
            _volume(frame, volume)


def _build(pod: Pod) -> str:
    """What makes Pods without a controller alike: their containers' names and images, and their volumes' names."""
    parts = [f"{part} {text(c, 'name')} {text(c, 'image')}" for part, c in containers(pod.json)]
    return "; ".join([*parts, *(volume.name for volume in pod.volumes if volume.type != "projected")])


def _container(frame: PodFrame, container: JSON, role: str, hidden: set[str]) -> list[Mount]:
    name = text(container, "name")
    state = container_state(frame.pod.json, name)
    word = state.word
    if word and state.exit_code is not None:
        word += f" ({state.exit_code})"
    facts = [say("diagrams.storage.image", image=text(container, "image"))] if text(container, "image") else []
    if state.restarts:
        facts.append(say("diagrams.storage.restarted", count=state.restarts))
    level = container_level(frame.pod.json, state)
    looks = Looks(state=word, level=level, alike=f"{frame.alike(frame.pod.status)} {name}")
    node = frame.b.node(container_kind(role), name, frame.at("container", name), facts, group=frame.id, **looks)
    mounts = [mount for mount in mounts_of(container) if mount.volume not in hidden]
    for mount in mounts:
        if mount.device:
            relation, label = "device", say("diagrams.storage.device", path=mount.path)
        else:
            more = [say("diagrams.storage.read-only")] if mount.read_only else []
            more += [say("diagrams.storage.sub-path", path=mount.sub_path)] if mount.sub_path else []
            relation = "mounts"
            label = say("diagrams.storage.mounts", path=mount.path) + ("\n" + " · ".join(more) if more else "")
        frame.b.edge(node, frame.at("volume", mount.volume), relation, label, key=mount.path)
    return mounts


def _volume(frame: PodFrame, volume: PodVolume) -> None:
    """One of the Pod's volumes, of any type: the type is the key beside `name`."""
    b, kind, source = frame.b, volume.type, volume.source
    facts = _volume_facts(kind, source)
    off = kind == "gitRepo"
    if off:
        facts.append(say("diagrams.storage.off"))
    if volume.is_token:
        facts.append(say("diagrams.storage.automatic"))
    alike = frame.alike(frame.pod.status, "volume", "kube-api-access" if volume.is_token else volume.name)
    node = frame.put("Volume", volume.name, [kind, *facts], level="off" if off else "", alike=alike)
    if volume.claim:
        claim = Ref("PersistentVolumeClaim", volume.claim, frame.ref.namespace)
        b.link(node, claim, "claim", say("diagrams.storage." + ("makes" if kind == "ephemeral" else "claim")))
    elif kind == "hostPath":
        if frame.pod.node:
            b.link(node, Ref("Node", frame.pod.node), "on-node", say("diagrams.storage.on-node"))
    else:
        for target, optional in _sources(kind, source):
            words = say("diagrams.storage.from-optional" if optional else "diagrams.storage.from")
            b.link(node, Ref(target[0], target[1], frame.ref.namespace), "from", words, optional=optional)


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
    return b.diagram("storage", say("diagrams.storage.title-claim", what=focus)).around(node)


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
        facts["offered"] = modes_text(facts["offered"].split(", "))
    return say(f"diagrams.refused.{reason.code}", **facts)
