"""Which PersistentVolume a claim gets, and every reason why it cannot have the others.

The rules are those of the controller manager and the scheduler (Kubernetes v1.36):
pkg/controller/volume/persistentvolume/{index.go,pv_controller.go} and
component-helpers/storage/volume/{pv_helpers.go,helpers.go}. A volume's phase is judged as the controller leaves it:
one without claimRef is, or is about to be, Available.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from k8sviz.rules.fields import JSON, listed, mapped, mapping, string, strings, text
from k8sviz.rules.quantity import Quantity, quantity_or_none
from k8sviz.rules.reasons import Reason
from k8sviz.rules.selectors import label_selector, labels_of, matches, matches_node_terms

__all__ = [
    "ACCESS_MODES",
    "BETA_CLASS_ANNOTATION",
    "BIND_COMPLETED_ANNOTATION",
    "Candidate",
    "access_modes",
    "as_asked",
    "as_offered",
    "bound_by_controller",
    "claim_class",
    "classify",
    "default_storage_class",
    "find_match",
    "find_match_on_node",
    "is_bound_to",
    "is_default_class",
    "rejections",
    "requested_storage",
    "volume_class",
    "volume_fits_node",
    "volume_storage",
    "waits_for_first_consumer",
]


ACCESS_MODES: Mapping[str, str] = {
    "ReadWriteOnce": "RWO",
    "ReadOnlyMany": "ROX",
    "ReadWriteMany": "RWX",
    "ReadWriteOncePod": "RWOP",
}
"""The access modes in the order in which Kubernetes indexes them, with kubectl's short names."""

BETA_CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
BIND_COMPLETED_ANNOTATION = "pv.kubernetes.io/bind-completed"
_DEFAULT_CLASS_ANNOTATIONS = (
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
)
_ZERO = Quantity(0)


class Candidate(NamedTuple):
    """A volume as a claim sees it.

    `rank` is 1 for the one it gets and counts on through those that fit too; None for those it cannot have.
    `reasons` is empty for the chosen one alone.
    """

    volume: JSON
    reasons: tuple[Reason, ...]
    rank: int | None


def access_modes(thing: JSON) -> tuple[str, ...]:
    """The access modes in `spec.accessModes`, each once, in the order of the index (GetAccessModesAsString).

    >>> access_modes({"spec": {"accessModes": ["ReadWriteMany", "ReadWriteOnce", "ReadWriteOnce"]}})
    ('ReadWriteOnce', 'ReadWriteMany')
    """
    written = strings(thing, "spec", "accessModes")
    return tuple(mode for mode in ACCESS_MODES if mode in written)


def claim_class(claim: JSON) -> str | None:
    """The class a claim names: the beta annotation first, then `spec.storageClassName`; None when it names none.

    `""` is a name too: it asks for a volume of no class (GetPersistentVolumeClaimClass, PersistentVolumeClaimHasClass).
    """
    named = string(claim, "metadata", "annotations", BETA_CLASS_ANNOTATION)
    return named if named is not None else string(claim, "spec", "storageClassName")


def volume_class(volume: JSON) -> str:
    """The class of a volume, `""` for none: the beta annotation first (GetPersistentVolumeClass)."""
    return claim_class(volume) or ""


def requested_storage(claim: JSON) -> Quantity:
    """`spec.resources.requests.storage`; zero when there is none."""
    return quantity_or_none(mapping(claim, "spec", "resources", "requests").get("storage")) or _ZERO


def volume_storage(volume: JSON) -> Quantity:
    """`spec.capacity.storage`; zero when there is none."""
    return quantity_or_none(mapping(volume, "spec", "capacity").get("storage")) or _ZERO


def is_bound_to(volume: JSON, claim: JSON) -> bool:
    """Whether the volume's claimRef names this claim; a claimRef with a uid names one claim of that name only.

    >>> claim = {"metadata": {"name": "data", "namespace": "demo", "uid": "2"}}
    >>> is_bound_to({"spec": {"claimRef": {"name": "data", "namespace": "demo"}}}, claim)
    True
    >>> is_bound_to({"spec": {"claimRef": {"name": "data", "namespace": "demo", "uid": "1"}}}, claim)
    False
    """
    reference = mapped(volume, "spec", "claimRef")
    if reference is None or not _names(reference, claim):
        return False
    uid = text(reference, "uid")
    return not uid or uid == text(claim, "metadata", "uid")


def bound_by_controller(thing: JSON) -> bool:
    """Whether the controller wrote a claim's volumeName, or a volume's claimRef, itself (AnnBoundByController)."""
    return "pv.kubernetes.io/bound-by-controller" in mapping(thing, "metadata", "annotations")


def as_asked(claim: JSON) -> JSON:
    """The claim as it was written, before the controller put its answer in.

    >>> note = {"pv.kubernetes.io/bound-by-controller": "yes"}
    >>> as_asked({"metadata": {"annotations": note}, "spec": {"volumeName": "pv-1"}})["spec"]
    {}
    >>> as_asked({"spec": {"volumeName": "pv-1"}})["spec"]
    {'volumeName': 'pv-1'}
    """
    return _without(claim, "volumeName") if bound_by_controller(claim) else claim


def as_offered(volume: JSON, claim: JSON) -> JSON:
    """The volume as it was before the controller gave it to this claim."""
    given = is_bound_to(volume, claim) and bound_by_controller(volume)
    return _without(volume, "claimRef") if given else volume


def waits_for_first_consumer(storage_class: JSON | None) -> bool:
    """Whether claims of this class wait until a Pod that uses them is scheduled (IsDelayBindingMode)."""
    return text(storage_class, "volumeBindingMode") == "WaitForFirstConsumer"


def is_default_class(storage_class: JSON) -> bool:
    """Whether the class is marked as the default one, by the annotation of today or by the beta one."""
    notes = mapping(storage_class, "metadata", "annotations")
    return any(text(notes, name) == "true" for name in _DEFAULT_CLASS_ANNOTATIONS)


def default_storage_class(classes: Iterable[JSON]) -> JSON | None:
    """The class that a claim gets when it names none: of several defaults the newest, then the first by name.

    Rule: pkg/volume/util/storageclass.go, GetDefaultClass.
    """
    defaults = [found for found in classes if is_default_class(found)]
    defaults.sort(key=lambda found: text(found, "metadata", "name"))
    return max(defaults, key=lambda found: text(found, "metadata", "creationTimestamp"), default=None)


def rejections(claim: JSON, volume: JSON) -> list[Reason]:
    """Every reason why the claim cannot have this volume; empty when it can.

    A claim that names its volume (`spec.volumeName`) is judged by checkVolumeSatisfyClaim, which asks for no
    selector. A volume whose claimRef names the claim need not match its class and selector. A volume that names the
    claim and is named by it is bound without any check. Node affinity is not judged here: only the scheduler does.

    >>> claim = {"spec": {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "2Gi"}}}}
    >>> volume = {"spec": {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "1Gi"}}}
    >>> [reason.code for reason in rejections(claim, volume)]
    ['too-small', 'access-mode']
    """
    named, name = text(claim, "spec", "volumeName"), text(volume, "metadata", "name")
    if named and named != name:
        return [Reason("asks-for-another", {"wanted": named, "offered": name})]
    reserved = is_bound_to(volume, claim)
    if named and reserved:
        return []
    found = [*_claimed(claim, volume), *_unfit(claim, volume, by_name=bool(named))]
    if not reserved:
        found += _mismatched(claim, volume, by_name=bool(named))
    return found


def find_match(claim: JSON, volumes: Iterable[JSON], *, delay_binding: bool = False) -> JSON | None:
    """The volume that the controller binds this claim to; None when there is none.

    The volumes of one set of access modes are looked through at a time, the shortest set that suffices first; in a set
    one reserved for the claim comes first, then the smallest. Of equals Kubernetes takes any (Go's maps have no order,
    but mostly begin with what was put in first): here it is the first in the order given. With `delay_binding` (a
    class that waits for its first consumer) only a reserved or a named volume is taken.

    >>> def volume(name, size, *modes):
    ...     spec = {"accessModes": list(modes), "capacity": {"storage": size}}
    ...     return {"metadata": {"name": name}, "spec": spec}
    >>> volumes = [volume("small", "1Gi", "ReadWriteOnce", "ReadOnlyMany"), volume("plain", "9Gi", "ReadWriteOnce")]
    >>> claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}
    >>> find_match(claim, volumes)["metadata"]["name"]
    'plain'
    """
    fitting = _fitting(claim, list(volumes), delay_binding)
    return fitting[0] if fitting else None


def classify(claim: JSON, volumes: Iterable[JSON], *, delay_binding: bool = False) -> list[Candidate]:
    """Every volume, in the order given, with the reasons that keep the claim from it and its rank among those that fit.

    A volume that fits but comes after the chosen one carries one reason whose code begins with `not-chosen`.
    """
    given = list(volumes)
    fitting = _fitting(claim, given, delay_binding)
    ranks = {id(volume): rank for rank, volume in enumerate(fitting, 1)}
    found = []
    for volume in given:
        rank = ranks.get(id(volume))
        if rank is None:
            reasons = rejections(claim, volume) or [Reason("left-to-scheduler", {"volume": _name(volume)})]
        else:
            reasons = [] if rank == 1 else [_not_chosen(claim, fitting[0], volume)]
        found.append(Candidate(volume, tuple(reasons), rank))
    return found


def volume_fits_node(volume: JSON, node: JSON) -> bool:
    """Whether the volume's node affinity allows this node (CheckNodeAffinity).

    >>> term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": ["n1"]}]}
    >>> local = {"spec": {"nodeAffinity": {"required": {"nodeSelectorTerms": [term]}}}}
    >>> volume_fits_node(local, {"metadata": {"labels": {"kubernetes.io/hostname": "n2"}}})
    False
    """
    required = mapped(volume, "spec", "nodeAffinity", "required")
    return required is None or matches_node_terms(listed(required, "nodeSelectorTerms"), labels_of(node))


def find_match_on_node(
    claim: JSON, volumes: Iterable[JSON], node: JSON, *, excluded: Collection[str] = ()
) -> JSON | None:
    """The volume the scheduler takes for a waiting claim on this node: the smallest that fits and the node can reach.

    Unlike the controller, the scheduler does not prefer fewer access modes (FindMatchingVolume with a node).
    `excluded` names the volumes already taken by other claims of the same Pod.
    """
    fitting = [volume for volume in volumes if _name(volume) not in excluded and not rejections(claim, volume)]
    reserved = next((volume for volume in fitting if is_bound_to(volume, claim)), None)
    if reserved is not None:
        return reserved if volume_fits_node(reserved, node) else None
    reachable = [volume for volume in fitting if volume_fits_node(volume, node)]
    return min(reachable, key=volume_storage, default=None)


def _without(thing: JSON, field: str) -> JSON:
    return {**thing, "spec": {name: value for name, value in mapping(thing, "spec").items() if name != field}}


def _name(thing: JSON) -> str:
    return text(thing, "metadata", "name")


def _names(reference: JSON, claim: JSON) -> bool:
    """Whether the reference has this claim's name and namespace."""
    return (text(reference, "name"), text(reference, "namespace")) == (
        _name(claim),
        text(claim, "metadata", "namespace"),
    )


def _claimed(claim: JSON, volume: JSON) -> list[Reason]:
    """The volume belongs to someone else, or to a claim that is gone."""
    reference = mapped(volume, "spec", "claimRef")
    if reference is None or is_bound_to(volume, claim):
        return []
    facts = {"claim": text(reference, "name"), "namespace": text(reference, "namespace")}
    # a claim of that name with another uid is a new one: the volume still holds the data of the old
    gone = _names(reference, claim) or text(volume, "status", "phase") in ("Released", "Failed")
    return [Reason("released" if gone else "claimed-by-another", facts)]


def _unfit(claim: JSON, volume: JSON, *, by_name: bool) -> list[Reason]:
    """What even a reserved volume must meet."""
    found = []
    wanted, offered = requested_storage(claim), volume_storage(volume)
    # a claim that names its volume is compared in whole bytes
    if (offered.value() < wanted.value()) if by_name else (offered < wanted):
        found.append(Reason("too-small", {"wanted": str(wanted), "offered": str(offered)}))
    if mapping(volume, "metadata").get("deletionTimestamp") is not None:
        found.append(Reason("terminating", {"volume": _name(volume)}))
    if _mode(claim) != _mode(volume):
        found.append(Reason("volume-mode", {"wanted": _mode(claim), "offered": _mode(volume)}))
    attributes = [text(thing, "spec", "volumeAttributesClassName") for thing in (claim, volume)]
    if attributes[0] != attributes[1]:
        found.append(Reason("volume-attributes-class", {"wanted": attributes[0], "offered": attributes[1]}))
    asked, granted = strings(claim, "spec", "accessModes"), access_modes(volume)
    if any(mode not in granted for mode in asked):
        found.append(Reason("access-mode", {"wanted": ", ".join(asked), "offered": ", ".join(granted)}))
    return found


def _mismatched(claim: JSON, volume: JSON, *, by_name: bool) -> list[Reason]:
    """What a volume must meet that is not reserved for the claim."""
    found = []
    wanted, offered = claim_class(claim) or "", volume_class(volume)
    if wanted != offered:
        found.append(Reason("class", {"wanted": wanted, "offered": offered}))
    if not by_name and not _selects(claim, volume):
        found.append(Reason("selector", {"wanted": _selector_text(claim), "offered": _labels_text(volume)}))
    return found


def _mode(thing: JSON) -> str:
    return text(thing, "spec", "volumeMode") or "Filesystem"


def _selects(claim: JSON, volume: JSON) -> bool:
    selector = mapped(claim, "spec", "selector")
    return selector is None or matches(selector, labels_of(volume))


def _selector_text(claim: JSON) -> str:
    return ",".join(map(str, label_selector(mapped(claim, "spec", "selector")) or ()))


def _labels_text(volume: JSON) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels_of(volume).items()))


def _fitting(claim: JSON, volumes: Sequence[JSON], delay_binding: bool) -> list[JSON]:
    """The volumes that the claim may have, the one it gets first."""
    fitting = [volume for volume in volumes if not rejections(claim, volume)]
    if delay_binding and not text(claim, "spec", "volumeName"):
        fitting = [volume for volume in fitting if is_bound_to(volume, claim)]
    # findByClaim goes through the index of all volumes by their modes, whether they fit or not
    sets = list(dict.fromkeys(access_modes(volume) for volume in volumes))
    sets.sort(key=len)
    return sorted(fitting, key=lambda volume: (sets.index(access_modes(volume)), *_preference(claim, volume)))


def _preference(claim: JSON, volume: JSON) -> tuple[bool, Quantity]:
    """Which volume of those with the same access modes comes first (FindMatchingVolume)."""
    return not is_bound_to(volume, claim), volume_storage(volume)


def _not_chosen(claim: JSON, chosen: JSON, other: JSON) -> Reason:
    """Why a volume that fits comes after the chosen one."""
    facts = {
        "chosen": _name(chosen),
        "chosen_modes": ", ".join(access_modes(chosen)),
        "modes": ", ".join(access_modes(other)),
        "chosen_size": str(volume_storage(chosen)),
        "size": str(volume_storage(other)),
    }
    if len(access_modes(chosen)) != len(access_modes(other)):
        return Reason("not-chosen-modes", facts)
    if is_bound_to(chosen, claim) and not is_bound_to(other, claim):
        return Reason("not-chosen-reserved", facts)
    # Kubernetes looks through one set of access modes at a time, equally long ones in no fixed order
    same_set = access_modes(chosen) == access_modes(other)
    smaller = volume_storage(chosen) < volume_storage(other)
    return Reason("not-chosen-size" if same_set and smaller else "not-chosen-tie", facts)
