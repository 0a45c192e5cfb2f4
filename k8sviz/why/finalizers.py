"""What holds an object that is marked for deletion: its finalizers, and who is behind each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8sviz.rules.fields import text
from k8sviz.why.case import Case, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["behind", "data_goes", "held_by"]

# finalizers of Kubernetes and of kubernetes-csi, by the code of their words
_KNOWN = {
    "kubernetes.io/pvc-protection": "pvc-protection",
    "kubernetes.io/pv-protection": "pv-protection",
    "external-provisioner.volume.kubernetes.io/finalizer": "external-provisioner",
    "kubernetes.io/pv-controller": "pv-controller",
    "snapshot.storage.kubernetes.io/pvc-as-source-protection": "snapshot",
    "foregroundDeletion": "foreground",
    "orphan": "orphan",
    "batch.kubernetes.io/job-tracking": "job-tracking",
}


def behind(finalizer: str) -> str:
    """Who takes a finalizer off, in words: a part of Kubernetes, or a controller of its domain."""
    code = _KNOWN.get(finalizer, "")
    domain, slash, driver = finalizer.partition("/")
    if code:
        return say(f"why.finalizer.{code}", finalizer=finalizer)
    if domain == "external-attacher":
        return say("why.finalizer.external-attacher", finalizer=finalizer, driver=driver)
    return say("why.finalizer.foreign" if slash else "why.finalizer.unknown", finalizer=finalizer, domain=domain)


def held_by(
    case: Case,
    finalizers: Sequence[str],
    proof: Iterable[Evidence | None],
    state: str,
    also: Sequence[Explanation | None] = (),
) -> Explanation:
    """The object is marked for deletion: who holds it, or that nobody does."""
    if not finalizers:
        return case.tell("object.going", state, "waiting", evidence=proof)
    who = join([behind(finalizer) for finalizer in finalizers], most=12)
    return case.tell(
        "object.finalizers",
        state,
        "waiting",
        evidence=proof,
        also=also,
        finalizers=join(finalizers),
        who=who,
        data=data_goes(case),
    )


def data_goes(case: Case) -> str:
    """A warning where the data goes with the object: a volume of the reclaim policy Delete, or a claim that has one."""
    volume = case.obj
    if case.ref.kind == "PersistentVolumeClaim":
        volume = case.snapshot.get("PersistentVolume", text(case.obj, "spec", "volumeName")) or {}
    elif case.ref.kind != "PersistentVolume":
        return ""
    name, policy = text(volume, "metadata", "name"), text(volume, "spec", "persistentVolumeReclaimPolicy")
    return say("why.finalizer.data-goes", volume=f"pv/{name}") if policy == "Delete" else ""
