"""What fails and what waits, without anybody naming an object: each root once, with all that it holds up."""

from __future__ import annotations

from collections.abc import Iterator

from k8sviz.history import Snapshot
from k8sviz.rules.fields import listed, text
from k8sviz.why.dispatch import explain_snapshot
from k8sviz.why.model import Explanation, Trouble

__all__ = ["troubles"]

_ORDER = ("error", "waiting", "warning")
# of what one root holds up, this is told in full: what people made, before what was made for them
_FIRST = ("Deployment", "StatefulSet", "DaemonSet", "ReplicationController", "ReplicaSet", "Service", "Pod")


def troubles(snapshot: Snapshot, *, namespace: str | None = None) -> tuple[Trouble, ...]:
    """What does not work and what waits at this moment: errors first, each root once, with those that it holds up.

    Pods of one controller with the same cause are one Trouble. `namespace` leaves out the others', but nothing that is
    in none.
    """
    groups: dict[tuple[object, ...], list[Explanation]] = {}
    for ref, one in explain_snapshot(snapshot).items():
        if ref.namespace in ("", namespace or ref.namespace):
            groups.setdefault(_key(snapshot, one.root), []).append(one)
    told = [_trouble(group) for group in groups.values()]
    return tuple(sorted(told, key=lambda trouble: _ORDER.index(trouble.explanation.level)))


def _key(snapshot: Snapshot, root: Explanation) -> tuple[object, ...]:
    """What makes two roots one: the object and its cause, or Pods of one controller with the same cause."""
    if root.subject is None:
        return (root.code,)
    owners = listed(snapshot.find(root.subject) or {}, "metadata", "ownerReferences")
    owner = text(owners[0], "uid") if owners else ""
    return (root.subject.kind, root.code, owner or root.subject)


def _trouble(group: list[Explanation]) -> Trouble:
    head = min(group, key=_place)
    beneath = {cause.subject for cause in _beneath(head)}
    others = [one for one in group if one is not head and one.subject not in beneath]
    alike = [one for one in others if _same(one, head)]
    return Trouble(
        head,
        tuple(one.subject for one in alike if one.subject is not None),
        tuple(one for one in others if one not in alike),
    )


def _same(one: Explanation, head: Explanation) -> bool:
    return one.code == head.code and _kind(one) == _kind(head)


def _kind(one: Explanation) -> str:
    return one.subject.kind if one.subject is not None else ""


def _place(one: Explanation) -> tuple[int, int, int]:
    kind = _kind(one)
    rank = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return _ORDER.index(one.level), rank, -len(one.chain)


def _beneath(explanation: Explanation) -> Iterator[Explanation]:
    for cause in explanation.also:
        yield cause
        yield from _beneath(cause)
