"""The Pods of each owner, counted as they change: a look at a thousand of them costs what a look at ten does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from k8sviz.cluster.controllers.kit import Key, key_of
from k8sviz.rules.availability import available_from, deletion_rank, is_active
from k8sviz.rules.fields import listed, text
from k8sviz.rules.meta import controller_of, is_terminating
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of

if TYPE_CHECKING:
    from k8sviz.history import Object

__all__ = ["Counts", "Members", "PodIndex", "claims_used"]


class Counts(NamedTuple):
    """How many Pods of an owner there are: what a ReplicaSet's status says."""

    active: int = 0
    labelled: int = 0  # of them, with all labels of the template
    ready: int = 0
    available: int = 0
    terminating: int = 0


class _Facts(NamedTuple):
    """What of a Pod is counted."""

    labels: tuple[tuple[str, str], ...]
    active: bool
    terminating: bool
    ready: float | None  # since when, in seconds since 1970
    node: str


def _facts(pod: Object) -> _Facts:
    active = is_active(pod)
    over = text(pod, "status", "phase") in ("Succeeded", "Failed")
    ready = available_from(pod, 0) if active and is_ready(pod) else None
    labels = tuple(sorted(labels_of(pod).items()))
    return _Facts(labels, active, is_terminating(pod) and not over, ready, text(pod, "spec", "nodeName"))


class _Alike:
    """Counts of the Pods that have the same labels."""

    def __init__(self, labels: Iterable[tuple[str, str]]) -> None:
        self.labels = dict(labels)
        self.active = 0
        self.terminating = 0
        self.ready: Counter[float] = Counter()

    def ready_since(self, time: float) -> int:
        """How many have been Ready from that time on."""
        return sum(count for since, count in self.ready.items() if since <= time)


class Members:
    """The Pods of one owner."""

    def __init__(self) -> None:
        self.pods: dict[str, Object] = {}  # by name, the terminating ones too
        self.nodes: Counter[str] = Counter()  # active Pods by node
        self._facts: dict[str, _Facts] = {}
        self._alike: dict[tuple[tuple[str, str], ...], _Alike] = {}
        self._ranks: dict[str, tuple[str, tuple[Any, ...]]] = {}

    def put(self, pod: Object) -> None:
        """A Pod came or changed."""
        name = pod["metadata"]["name"]
        self.take(name)
        self.pods[name] = pod
        self._facts[name] = facts = _facts(pod)
        self._count(facts, 1)

    def take(self, name: str) -> None:
        """A Pod is no longer one of them."""
        if self.pods.pop(name, None) is not None:
            self._count(self._facts.pop(name), -1)

    def forget(self, name: str) -> None:
        """A Pod is gone."""
        self.take(name)
        self._ranks.pop(name, None)

    def _count(self, facts: _Facts, by: int) -> None:
        alike = self._alike.get(facts.labels)
        if alike is None:
            alike = self._alike[facts.labels] = _Alike(facts.labels)
        alike.terminating += by * facts.terminating
        if facts.active:
            alike.active += by
            self.nodes[facts.node] += by
        if facts.ready is not None:
            alike.ready[facts.ready] += by
            if not alike.ready[facts.ready]:
                del alike.ready[facts.ready]

    def kinds_of_labels(self) -> Iterator[Mapping[str, str]]:
        """The different sets of labels that the Pods have."""
        yield from (alike.labels for alike in self._alike.values() if alike.active or alike.terminating)

    def counts(self, template_labels: Mapping[str, str], min_ready_seconds: int, now: float) -> Counts:
        """The counts at `now`, in seconds since 1970."""
        groups = self._alike.values()
        ready = sum(sum(alike.ready.values()) for alike in groups)
        return Counts(
            sum(alike.active for alike in groups),
            sum(alike.active for alike in groups if template_labels.items() <= alike.labels.items()),
            ready,
            sum(alike.ready_since(now - min_ready_seconds) for alike in groups) if min_ready_seconds > 0 else ready,
            sum(alike.terminating for alike in groups),
        )

    def next_available(self, min_ready_seconds: int, now: float) -> float | None:
        """When the next Pod becomes available, in seconds since 1970; None when none will by waiting alone."""
        times = (since + min_ready_seconds for alike in self._alike.values() for since in alike.ready)
        return min((time for time in times if time > now), default=None)

    def active(self) -> list[Object]:
        """The Pods that count: neither over nor about to go."""
        return [self.pods[name] for name, facts in self._facts.items() if facts.active]

    def to_delete(self, count: int, related: Mapping[str, int]) -> list[Object]:
        """The Pods that go first when there are too many; `related` says how many related Pods each node has."""
        import heapq

        names = [name for name, facts in self._facts.items() if facts.active]
        chosen = heapq.nsmallest(count, names, key=lambda name: self._rank(name, related))
        return [self.pods[name] for name in chosen]

    def _rank(self, name: str, related: Mapping[str, int]) -> tuple[Any, ...]:
        pod = self.pods[name]
        version = pod["metadata"].get("resourceVersion", "")
        kept = self._ranks.get(name)
        if kept is None or kept[0] != version:
            kept = self._ranks[name] = version, deletion_rank(pod)
        before, after = kept[1][:4], kept[1][4:]
        return *before, -related.get(self._facts[name].node, 0), *after


def claims_used(pod: Object) -> list[str]:
    """The names of the claims that a Pod uses, those of its ephemeral volumes too."""
    name = text(pod, "metadata", "name")
    found = []
    for volume in listed(pod, "spec", "volumes"):
        if text(volume, "persistentVolumeClaim", "claimName"):
            found.append(text(volume, "persistentVolumeClaim", "claimName"))
        elif "ephemeral" in volume:
            found.append(f"{name}-{text(volume, 'name')}")
    return found


class PodIndex:
    """All Pods by their controller; those without one by namespace; and by the claims that they use."""

    def __init__(self) -> None:
        self._members: dict[str, Members] = {}
        self.orphans: dict[str, dict[str, Object]] = {}
        self._owner: dict[Key, str] = {}
        self._users: dict[Key, dict[str, Object]] = {}  # by claim: Pods by name

    def seen(self, change: str, obj: Object) -> None:
        """A change of any object; only Pods count."""
        if obj.get("kind") != "Pod":
            return
        key = key_of(obj)
        ref = controller_of(obj)
        owner = text(ref, "uid") if ref is not None else ""
        before = self._owner.get(key)
        if before is not None and (before != owner or change == "DELETED"):
            self._remove(before, key)
        self._note_claims(change, key, obj)
        if change == "DELETED":
            self._owner.pop(key, None)
            return
        self._owner[key] = owner
        if owner:
            self.of(owner).put(obj)
        else:
            self.orphans.setdefault(key[0], {})[key[1]] = obj

    def _note_claims(self, change: str, key: Key, pod: Object) -> None:
        for claim in claims_used(pod):
            users = self._users.setdefault((key[0], claim), {})
            if change == "DELETED":
                users.pop(key[1], None)
            else:
                users[key[1]] = pod

    def users(self, claim: Key) -> list[Object]:
        """The Pods that use a claim."""
        return list(self._users.get(claim, {}).values())

    def _remove(self, owner: str, key: Key) -> None:
        if owner:
            self.of(owner).forget(key[1])
        else:
            self.orphans.get(key[0], {}).pop(key[1], None)

    def of(self, uid: str) -> Members:
        """The Pods whose controller has this uid."""
        found = self._members.get(uid)
        if found is None:
            found = self._members[uid] = Members()
        return found

    def adoptable(self, namespace: str, wanted: Callable[[Mapping[str, str]], bool]) -> list[Object]:
        """The Pods without a controller whose labels are wanted, and that are to stay."""
        found = self.orphans.get(namespace, {})
        return [pod for pod in list(found.values()) if is_active(pod) and wanted(labels_of(pod))]
