"""Claims and volumes of others that could mix with a lab's: found before the lab begins, not after a claim is lost.

A claim of another namespace that waits would take a free volume of the lab's, and a claim of the lab's would take a
volume that somebody else has left free: whoever comes first is chance.
"""

from __future__ import annotations

from collections.abc import Iterable

import yaml

from k8sviz.kinds import KINDS
from k8sviz.rules.binding import find_match
from k8sviz.rules.fields import JSON, text
from k8sviz.rules.meta import ref_of
from k8sviz.sources.follow import path_of
from k8sviz.sources.labs import LabSpec
from k8sviz.sources.live import Cluster, RefusedError

__all__ = ["is_free", "strangers"]


def strangers(cluster: Cluster, spec: LabSpec, label: str) -> list[str]:
    """What is on the cluster and could bind with what the lab makes, as `persistentvolumeclaim/NAME (NAMESPACE)`.

    `label` marks what a lab has made itself.
    """
    claims, volumes = _made(spec, "PersistentVolumeClaim"), _made(spec, "PersistentVolume")
    if not claims and not volumes:
        return []
    waiting = [c for c in _listed(cluster, "PersistentVolumeClaim") if is_free(c) and _of_others(c, spec)]
    free = [v for v in _listed(cluster, "PersistentVolume") if is_free(v) and not text(v, "metadata", "labels", label)]
    found = [claim for claim in waiting if find_match(claim, volumes) is not None]
    found += [volume for volume in free if any(find_match(claim, [volume]) is not None for claim in claims)]
    return [str(ref_of(obj)) for obj in found]


def _of_others(claim: JSON, spec: LabSpec) -> bool:
    return text(claim, "metadata", "namespace") != spec.namespace


def is_free(thing: JSON) -> bool:
    """Whether a claim waits without a volume, or a volume is there for anybody."""
    bound = text(thing, "spec", "volumeName") or text(thing, "spec", "claimRef", "name")
    return not bound and text(thing, "status", "phase") in ("Pending", "Available")


def _made(spec: LabSpec, kind: str) -> list[JSON]:
    """The objects of a kind in the lab's manifests; a file that is meant to be refused holds none."""
    found: list[JSON] = []
    for name in {name for step in spec.steps for name in step.files}:
        try:
            found += [d for d in yaml.safe_load_all(spec.text(name)) if isinstance(d, dict) and d.get("kind") == kind]
        except (yaml.YAMLError, ValueError):
            continue
    return found


def _listed(cluster: Cluster, kind: str) -> Iterable[JSON]:
    try:
        items = cluster.get(path_of(KINDS[kind], "")).get("items") or []
    except RefusedError:  # what may not be listed cannot be looked at
        return []
    return [{"kind": kind, **item} for item in items]
