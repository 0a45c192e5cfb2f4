"""What a lab's step waits for: how the objects looked when the recording went on, in words that a cluster can meet.

A look at a state is one line an object: `pod/fortune: Running, ready, RESTARTS 1`. Names that a cluster generates are
cut to what stays the same (`pod/kubia-*`), so lines are counted. A step promises the lines that it changed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from k8sviz.history import History, Snapshot
from k8sviz.rules.fields import JSON, integer, text
from k8sviz.rules.meta import condition_status, controller_of, is_terminating, ref_of
from k8sviz.rules.nodes import ready_status
from k8sviz.rules.pods import is_ready, pod_status, restarts

__all__ = ["MIDWAY", "changed", "goes_on", "is_passing", "look", "unmet"]

MIDWAY: Final = 0.5  # seconds: who goes on sooner, or while things move, wants to see them on their way
_KINDS: Final = (
    "Node",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Pod",
    "Deployment",
    "ReplicaSet",
    "ReplicationController",
    "StatefulSet",
)
_GONE: Final = "gone"
# reasons that a kubelet writes in turn for one state of affairs
_SAME: Final = {
    "ErrImagePull": "ImagePullBackOff",
    "Error": "CrashLoopBackOff",
    "ContainerCreating": "Pending",
    "PodInitializing": "Pending",
}


def look(snapshot: Snapshot) -> Counter[str]:
    """A state, a line an object, each counted."""
    return Counter(f"{_name(obj)}: {', '.join(_words(obj))}" for kind in _KINDS for obj in snapshot.objects(kind))


def _name(obj: JSON) -> str:
    ref, generated = ref_of(obj), text(obj, "metadata", "generateName")
    owner = controller_of(obj)
    if ref.kind == "Pod" and owner is not None and text(owner, "kind") in ("ReplicaSet", "ReplicationController"):
        words = generated.rstrip("-").rpartition("-")[0] if text(owner, "kind") == "ReplicaSet" else generated[:-1]
        return f"pod/{words}-*"
    if ref.kind == "ReplicaSet" and owner is not None:
        return f"replicaset/{text(owner, 'name')}-*"
    if ref.kind == "PersistentVolume" and ref.name.startswith("pvc-"):
        return "persistentvolume/pvc-*"
    return f"{ref.kind.lower()}/{ref.name}"


def _words(obj: JSON) -> Iterator[str]:
    kind = text(obj, "kind")
    if kind == "Pod":
        yield from _pod_words(obj)
    elif kind == "Node":
        yield f"Ready {ready_status(obj)}"
    elif kind in ("PersistentVolume", "PersistentVolumeClaim"):
        yield text(obj, "status", "phase") or "Pending"
    else:
        wanted = integer(obj, "spec", "replicas")
        yield f"replicas {1 if wanted is None else wanted}"
        yield f"ready {integer(obj, 'status', 'readyReplicas') or 0}"
        if kind in ("Deployment", "StatefulSet"):
            yield f"updated {integer(obj, 'status', 'updatedReplicas') or 0}"
        if condition_status(obj, "Progressing") == "False":
            yield "not progressing"
    if kind != "Pod" and is_terminating(obj):
        yield "terminating"


def _pod_words(pod: JSON) -> Iterator[str]:
    status = pod_status(pod)
    yield _SAME.get(status, status)
    if is_ready(pod):
        yield "ready"
    if restarts(pod):
        yield f"RESTARTS {restarts(pod)}"


def changed(history: History, step_id: str) -> tuple[str, ...]:
    """What a step changed by the time the recording went on: each new line with its count, and the names that went.

    >>> from k8sviz.sources.labs import load_lab
    >>> from k8sviz.sources.recording import read
    >>> changed(read(load_lab("ch06-static-binding").recording), "apply-pv")
    ('persistentvolume/demo-pv: Available',)
    """
    step = history.step(step_id)
    before, after = look(history.at(step.t - 1e-6)), look(history.at(history.settled(step_id)))
    lines = [f"{line} ×{after[line]}" if after[line] > 1 else line for line in after if after[line] != before[line]]
    names = {_object(line) for line in after}
    gone = {f"{_object(line)}: {_GONE}" for line in before if _object(line) not in names}
    return (*sorted(lines), *sorted(gone))


def _object(line: str) -> str:
    return line.partition(": ")[0]


def goes_on(history: History, step_id: str) -> float | None:
    """After how many seconds the recording went on while things were still moving; None where it had waited."""
    step = history.step(step_id)
    ended, settled = step.result.t if step.result else step.t, history.settled(step_id)
    moving = settled - ended <= MIDWAY or look(history.at(settled - MIDWAY)) != look(history.at(settled))
    rows = changed(history, step_id)
    moving = moving and (not rows or any(map(_is_on_its_way, rows)))
    following = history.steps.index(step) + 1 < len(history.steps)
    return round(settled - ended, 1) if moving and following else None


def _is_on_its_way(row: str) -> bool:
    words = row.partition(": ")[2]
    numbers = re.match(r"replicas (\d+), ready (\d+)", words)
    return words.startswith(("Pending", "Terminating")) or (numbers is not None and numbers[1] != numbers[2])


def unmet(promise: Iterable[str], now: Snapshot) -> list[str]:
    """The lines of a step's promise that do not hold; a Pod that restarted more often than promised is no worse."""
    there = look(now)
    names = {_object(line) for line in there}
    missing = []
    for row in promise:
        line, _, count = row.partition(" ×")
        if line.endswith(f": {_GONE}"):
            if _object(line) in names:
                missing.append(row)
        elif sum(n for other, n in there.items() if _meets(other, line)) < int(count or 1):
            missing.append(row)
    return missing


def _meets(line: str, promised: str) -> bool:
    head, _, number = promised.partition(", RESTARTS ")
    if not number:
        return line == promised
    here, _, restarted = line.partition(", RESTARTS ")
    return here == head and restarted.isdigit() and int(restarted) >= int(number)


def is_passing(row: str) -> bool:
    """Whether a line of a promise is of a state that lasts a moment only, and may have been missed.

    >>> is_passing("pod/fortune: Pending"), is_passing("pod/fortune: Running, ready")
    (True, False)
    """
    name, words = _object(row), row.partition(": ")[2]
    if name.startswith("pod/"):
        return words.startswith(("Pending", "Terminating"))
    return name.startswith(("deployment/", "replicaset/", "statefulset/", "replicationcontroller/"))
