"""The single source of truth: the API server's watch events, and the state that they fold to.

A `History` is an append-only list of (t, type, object), whatever its origin. A `Snapshot` is its fold
at one time: immutable, and cheap, since it only remembers where to look.
"""

import math
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple

from k8sviz.errors import K8svizError, nearest
from k8sviz.kinds import Ref, kind_named, kind_or_none
from k8sviz.rules.fields import listed
from k8sviz.rules.selectors import label_selector, labels_of, matches_all, parse_selector

__all__ = [
    "About",
    "Event",
    "EventType",
    "History",
    "Key",
    "Missing",
    "Object",
    "Result",
    "Snapshot",
    "Step",
    "key_of",
    "ref_of",
]

Object = dict[str, Any]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Missing = Literal["absent", "elsewhere", "unread"]
_TYPES: tuple[EventType, ...] = ("ADDED", "MODIFIED", "DELETED")
_DELETED = _TYPES.index("DELETED")
_MOST_DECODED = 8192  # objects kept parsed; the rest stays as the bytes it came in


class Key(NamedTuple):
    """What makes two events speak of the same object (RECORDING-FORMAT: the fold's key)."""

    api_version: str
    kind: str
    namespace: str
    name: str


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def key_of(obj: Object) -> Key:
    """The key of an object as the API sends it; missing fields count as ''."""
    meta = _dict(obj.get("metadata"))
    return Key(
        _text(obj.get("apiVersion")), _text(obj.get("kind")), _text(meta.get("namespace")), _text(meta.get("name"))
    )


def ref_of(obj: Object) -> Ref:
    """The object's kind, name and namespace."""
    meta = _dict(obj.get("metadata"))
    return Ref(_text(obj.get("kind")), _text(meta.get("name")), _text(meta.get("namespace")))


class Event(NamedTuple):
    """One watch event: `t` in seconds since the History began."""

    t: float
    type: EventType
    object: Object


class Result(NamedTuple):
    """How a step's command ended: `t` in seconds since the History began."""

    t: float
    exit_code: int
    stdout: str = ""
    stderr: str = ""


class Step(NamedTuple):
    """One command of a lab. `t` is when it began; `result` is None while it runs or where a recording was cut."""

    t: float
    id: str
    command: str
    files: Mapping[str, str] = {}
    about: str = ""
    result: Result | None = None


class About(NamedTuple):
    """What a History is a history of, and where it came from (a recording's header)."""

    name: str = ""
    title: str = ""
    namespace: str = ""
    started_at: str = ""
    server: Mapping[str, str] = {}
    secret_values: str = "kept"  # noqa: S105 - whether they were, not one of them


class _Versions:
    """All versions of one object: their times, and where each event stands, in the order of the fold."""

    __slots__ = ("seqs", "times")

    def __init__(self) -> None:
        self.times = array("d")
        self.seqs = array("L")

    def add(self, t: float, seq: int) -> None:
        _insert(self.times, self.seqs, t, seq)

    def forget(self, before: float, deleted: Callable[[int], bool]) -> list[int]:
        """Drop, and return, the versions that no time from `before` on can see."""
        first = bisect_right(self.times, before) - 1
        if first >= 0 and deleted(self.seqs[first]):
            first += 1
        dropped = list(self.seqs[:first]) if first > 0 else []
        del self.times[: len(dropped)], self.seqs[: len(dropped)]
        return dropped

    def current(self, t: float, limit: int) -> int:
        """The place of the version in force at `t` among the first `limit` events, or -1."""
        i = bisect_right(self.times, t) - 1
        while i >= 0 and self.seqs[i] >= limit:
            i -= 1
        return self.seqs[i] if i >= 0 else -1


def _insert(times: "array[float]", seqs: "array[int]", t: float, seq: int) -> None:
    if not times or t >= times[-1]:
        times.append(t)
        seqs.append(seq)
    else:  # a watch thread was late: RECORDING-FORMAT sorts by (t, line number)
        i = bisect_right(times, t)
        times.insert(i, t)
        seqs.insert(i, seq)


class History:
    """An append-only list of watch events and steps, answering what was true at any time.

    Events may be appended as objects or as bytes still to be parsed, with their key known: opening a
    long recording then costs no more than reading it. One thread may append while others read.
    """

    def __init__(self, about: About | None = None) -> None:
        self.about = about or About()
        self.notes: list[str] = []
        self.complete = True
        self.partial = False  # True for a set of manifests: what is not among them may still exist
        self.unread: dict[str, str] = {}  # kinds that could not be read, and why
        self.end: float = 0.0
        self._lock = threading.RLock()
        self._steps: list[Step] = []
        self._next = 0  # events are numbered as they come; a number is never used again
        self._payloads: dict[int, Object | bytes] = {}
        self._kinds_of_change: dict[int, int] = {}
        self._times = array("d")
        self._seqs = array("L")
        self._keys: dict[Key, _Versions] = {}
        self._by_kind: dict[str, dict[Key, _Versions]] = {}
        self._sorted: dict[str | None, list[tuple[Key, _Versions]]] = {}  # by kind, made when first asked for
        self._by_name: dict[tuple[str, str], list[Key]] = {}
        self._by_uid: dict[str, Key] = {}
        self._decoded: dict[int, Object] = {}
        self._decode: Callable[[bytes], Object] | None = None

    @classmethod
    def of(cls, objects: Iterable[Object], about: About | None = None) -> "History":
        """A History that begins, and stays, with these objects: what a folder of manifests holds."""
        history = cls(about)
        for obj in objects:
            history.append(0.0, "ADDED", obj)
        return history

    # -- writing ---------------------------------------------------------------------------------

    def append(self, t: float, type: EventType, obj: Object) -> None:  # noqa: A002 - the watch's own word
        """Add one event at `t` seconds. The object is kept as it is: do not change it afterwards."""
        self._append(t, _TYPES.index(type), key_of(obj), _text(_dict(obj.get("metadata")).get("uid")), obj)

    def append_raw(self, t: float, type: EventType, key: Key, uid: str, raw: bytes) -> None:  # noqa: A002
        """Add one event whose object stays bytes until it is needed; `use_decoder` says how to parse them."""
        self._append(t, _TYPES.index(type), key, uid, raw)

    def use_decoder(self, decode: Callable[[bytes], Object]) -> None:
        """How to turn bytes given to `append_raw` into an object."""
        self._decode = decode

    def _append(self, t: float, change: int, key: Key, uid: str, payload: Object | bytes) -> None:
        if not math.isfinite(t):
            raise K8svizError(f"an event about {key.kind.lower()}/{key.name} without a time (its t is {t})")
        with self._lock:
            self._put(t, change, key, uid, payload)

    def _put(self, t: float, change: int, key: Key, uid: str, payload: Object | bytes) -> None:
        seq = self._next
        self._next += 1
        self._payloads[seq] = payload
        self._kinds_of_change[seq] = change
        _insert(self._times, self._seqs, t, seq)
        versions = self._keys.get(key)
        if versions is None:
            versions = self._keys[key] = _Versions()
            self._by_kind.setdefault(key.kind, {})[key] = versions
            self._by_name.setdefault((key.kind, key.name), []).append(key)
            self._sorted.pop(key.kind, None)
            self._sorted.pop(None, None)
        versions.add(t, seq)
        if uid:
            self._by_uid[uid] = key
        self.end = max(self.end, t)

    def forget(self, before: float) -> int:
        """Give back the memory of what only times before `before` (seconds) can see; returns how many events went.

        Every question about `before` and later gets the same answer as it did. For following a cluster for hours.
        """
        with self._lock:
            dropped: set[int] = set()
            for key, versions in list(self._keys.items()):
                dropped.update(versions.forget(before, self._was_deletion))
                if not versions.times:
                    self._forget_key(key)
            kept = [(t, seq) for t, seq in zip(self._times, self._seqs, strict=True) if seq not in dropped]
            self._times, self._seqs = array("d", (t for t, _ in kept)), array("L", (seq for _, seq in kept))
            gone = {self._uid_at(seq) for seq in dropped}
            for seq in dropped:
                del self._payloads[seq], self._kinds_of_change[seq]
                self._decoded.pop(seq, None)
            for uid in gone.difference(map(self._uid_at, self._payloads if gone else ())):
                self._by_uid.pop(uid, None)
            return len(dropped)

    def _uid_at(self, seq: int) -> str:
        return _text(_dict(self._object(seq).get("metadata")).get("uid"))

    def _was_deletion(self, seq: int) -> bool:
        return self._kinds_of_change[seq] == _DELETED

    def _forget_key(self, key: Key) -> None:
        del self._keys[key], self._by_kind[key.kind][key]
        self._by_name[key.kind, key.name].remove(key)
        if not self._by_name[key.kind, key.name]:
            del self._by_name[key.kind, key.name]
        self._sorted.pop(key.kind, None)
        self._sorted.pop(None, None)

    def begin_step(self, step: Step) -> None:
        """Note that a step's command is about to run."""
        self._steps.insert(bisect_right(self._steps, step.t, key=_step_time), step)
        self.end = max(self.end, step.t)

    def end_step(self, step_id: str, result: Result) -> None:
        """Note how the newest step of that id ended. Raises K8svizError when no such step began."""
        for i in range(len(self._steps) - 1, -1, -1):
            if self._steps[i].id == step_id:
                self._steps[i] = self._steps[i]._replace(result=result)
                self.end = max(self.end, result.t)
                return
        raise K8svizError(f"a result for step {step_id!r}, which never began")

    # -- reading ---------------------------------------------------------------------------------

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps in the order in which they began."""
        return tuple(self._steps)

    def __len__(self) -> int:
        return len(self._payloads)

    def __iter__(self) -> Iterator[Event]:
        with self._lock:
            rows = list(zip(self._times, self._seqs, strict=True))
        for t, seq in rows:
            with self._lock:
                event = self._event(t, seq) if seq in self._payloads else None
            if event is not None:  # else forgotten since
                yield event

    def __repr__(self) -> str:
        name = f" {self.about.name}" if self.about.name else ""
        return f"<History{name}: {len(self)} events, {len(self._steps)} steps, {self.end:.1f} s>"

    def _event(self, t: float, seq: int) -> Event:
        return Event(t, _TYPES[self._kinds_of_change[seq]], self._object(seq))

    def _object(self, seq: int) -> Object:
        payload = self._payloads[seq]
        if not isinstance(payload, bytes):
            return payload
        obj = self._decoded.get(seq)
        if obj is None:
            if self._decode is None:
                raise K8svizError("this History holds bytes and no decoder; call use_decoder first")
            obj = self._decode(payload)
            if len(self._decoded) >= _MOST_DECODED:
                for old in list(self._decoded)[: _MOST_DECODED // 2]:
                    del self._decoded[old]
            self._decoded[seq] = obj
        return obj

    def at(self, t: float | None = None) -> "Snapshot":
        """The state at `t` seconds (None: the newest). Costs nothing until something is looked up."""
        return Snapshot(self, math.inf if t is None else t, self._next)

    def _places(self, kind: str | None) -> list[tuple[Key, _Versions]]:
        """The objects of a kind (None: all) that ever were, sorted."""
        with self._lock:
            found = self._sorted.get(kind)
            if found is None:
                known = self._keys if kind is None else self._by_kind.get(kind, {})
                found = self._sorted[kind] = sorted(known.items(), key=_first)
            return found

    def _kind(self, word: str) -> str:
        """The kind that a word means, as far as anybody knows it: `pvc` is PersistentVolumeClaim."""
        kind = None if word in self._by_kind else kind_or_none(word)
        return kind.name if kind else word

    def between(self, after: float, until: float) -> list[Event]:
        """Events with after < t <= until, in order."""
        with self._lock:
            lo, hi = bisect_right(self._times, after), bisect_right(self._times, until)
            return [self._event(self._times[i], self._seqs[i]) for i in range(lo, hi)]

    def versions(self, kind: str, name: str, namespace: str | None = None) -> list[Event]:
        """Every event about one object, in order; namespace None means any."""
        with self._lock:
            known = self._by_name.get((self._kind(kind), name), ())
            found = [k for k in known if namespace is None or k.namespace == namespace]
            rows = [pair for k in found for pair in zip(self._keys[k].times, self._keys[k].seqs, strict=True)]
            return [self._event(t, seq) for t, seq in sorted(rows)]

    def times(self, kinds: Iterable[str] | None = None) -> list[float]:
        """The distinct times, in seconds, at which an object of these kinds (None: any) changed."""
        with self._lock:
            if kinds is None:
                return sorted(set(self._times))
            wanted = [self._by_kind.get(self._kind(kind), {}) for kind in kinds]
            return sorted({t for known in wanted for versions in known.values() for t in versions.times})

    def refs(self, kind: str | None = None) -> list[Ref]:
        """Every object that ever was, of one kind or of all."""
        with self._lock:
            keys = list(self._by_kind.get(self._kind(kind), {}) if kind else self._keys)
        return sorted({Ref(k.kind, k.name, k.namespace) for k in keys})

    def step(self, step_id: str) -> Step:
        """The step of that id. Raises K8svizError that names the nearest."""
        for step in self._steps:
            if step.id == step_id:
                return step
        raise K8svizError(
            f"no step {step_id!r}{' in ' + self.about.name if self.about.name else ''}; "
            + nearest(step_id, (s.id for s in self._steps))
        )

    def settled(self, step_id: str) -> float:
        """When a step's consequences are in: just before the next step begins, or at the end (seconds)."""
        following = self._steps.index(self.step(step_id)) + 1
        return math.nextafter(self._steps[following].t, -math.inf) if following < len(self._steps) else self.end

    def time(self, at: str | float | None) -> float:
        """A moment as people give it: None (the end), seconds, or a step's id (its settled state).

        Raises K8svizError for an unknown step or a time that is no number.
        """
        if at is None:
            return self.end
        if isinstance(at, str):
            if at in {s.id for s in self._steps}:
                return self.settled(at)
            try:
                seconds = float(at.removesuffix("s"))
            except ValueError:
                return self.settled(at)  # raises, naming the nearest step
            at = seconds
        if math.isnan(at):
            raise K8svizError("a time is a number of seconds or a step's id")
        return at

    def step_at(self, t: float) -> Step | None:
        """The newest step that had begun at `t`."""
        i = bisect_right(self._steps, t, key=_step_time) - 1
        return self._steps[i] if i >= 0 else None


def _step_time(step: Step) -> float:
    return step.t


def _first(pair: tuple[Key, _Versions]) -> Key:
    return pair[0]


class Snapshot:
    """What the cluster held at one time: a fold of a History that never changes."""

    def __init__(self, history: History, t: float, limit: int) -> None:
        self._history = history
        self._limit = limit
        self.t = t

    @property
    def about(self) -> About:
        """What the History is a history of."""
        return self._history.about

    @property
    def history(self) -> History:
        """The History that this is a moment of."""
        return self._history

    @property
    def notes(self) -> list[str]:
        """What is known to be missing from this picture (a truncated recording, a kind that may not be read)."""
        return list(self._history.notes)

    def missing(self, kind: str) -> Missing:
        """What it means that an object of this kind is not here: it does not exist, or nobody can tell."""
        if kind in self._history.unread:
            return "unread"
        return "elsewhere" if self._history.partial else "absent"

    def _current(self, versions: _Versions) -> Object | None:
        with self._history._lock:
            seq = versions.current(self.t, self._limit)
            if seq < 0 or self._history._kinds_of_change[seq] == _DELETED:
                return None
            return self._history._object(seq)

    def __iter__(self) -> Iterator[Object]:
        return iter(self.objects())

    def __len__(self) -> int:
        return len(self.objects())

    def __repr__(self) -> str:
        at = "now" if math.isinf(self.t) else f"{self.t:.1f} s"
        counts = sorted((kind, len(self.objects(kind))) for kind in list(self._history._by_kind))
        return f"<Snapshot at {at}: " + ", ".join(f"{n} {kind}" for kind, n in counts if n) + ">"

    def objects(
        self, kind: str | None = None, *, namespace: str | None = None, selector: str | Mapping[str, Any] | None = None
    ) -> list[Object]:
        """Objects by kind (any of kubectl's names), namespace and label selector, sorted by namespace and name.

        `selector` is what `kubectl -l` takes, or a LabelSelector object. Cluster-scoped objects stay when a
        namespace is chosen.
        """
        if kind and kind not in self._history._by_kind:
            kind = kind_named(kind).name
        wanted = parse_selector(selector) if isinstance(selector, str) else label_selector(selector)
        found = []
        for key, versions in self._history._places(kind or None):
            if namespace is not None and key.namespace not in ("", namespace):
                continue
            obj = self._current(versions)
            if obj is None:
                continue
            if selector is not None and (wanted is None or not matches_all(wanted, labels_of(obj))):
                continue
            found.append(obj)
        return found

    def get(self, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object by kind (any of kubectl's names) and name, or None. No namespace: the History's own, then any."""
        keys = list(self._history._by_name.get((self._history._kind(kind), name), ()))
        if namespace is not None:
            keys = [k for k in keys if k.namespace in ("", namespace)]
        else:
            keys = sorted(keys, key=lambda k: k.namespace != self.about.namespace)
        for key in keys:
            versions = self._history._keys.get(key)
            obj = self._current(versions) if versions else None
            if obj is not None:
                return obj
        return None

    def find(self, ref: Ref) -> Object | None:
        """One object by its Ref, or None."""
        return self.get(ref.kind, ref.name, ref.namespace or None)

    def require(self, ref: Ref) -> Object:
        """One object by its Ref. Raises K8svizError that says when it was there, or names the nearest."""
        obj = self.find(ref)
        if obj is not None:
            return obj
        events = self._history.versions(ref.kind, ref.name, ref.namespace or None)
        if events:
            gone = [e.t for e in events if e.type == "DELETED"]
            until = f" to {gone[-1]:.1f} s" if gone else ""
            when = "now" if math.isinf(self.t) else f"at {self.t:.1f} s"
            raise K8svizError(f"{ref} is not there {when}; it was from {events[0].t:.1f} s{until}")
        names = [r.name for r in self._history.refs(ref.kind)]
        raise K8svizError(f"no {ref} here; {nearest(ref.name, names)}")

    def by_uid(self, uid: str) -> Object | None:
        """The object with that uid, or None (also when another of the same name has replaced it)."""
        key = self._history._by_uid.get(uid)
        versions = self._history._keys.get(key) if key else None
        obj = self._current(versions) if versions else None
        return obj if obj is not None and _dict(obj.get("metadata")).get("uid") == uid else None

    def owner(self, obj: Object) -> Object | None:
        """The controller that owns this object, or its first owner, if it is known."""
        for owner in sorted(listed(obj, "metadata", "ownerReferences"), key=lambda o: not o.get("controller")):
            found = self.by_uid(_text(owner.get("uid")))
            if found is None and not owner.get("uid"):  # a manifest has no uids: names must do
                namespace = _text(_dict(obj.get("metadata")).get("namespace"))
                found = self.get(_text(owner.get("kind")), _text(owner.get("name")), namespace)
            if found is not None:
                return found
        return None

    @cached_property
    def _children(self) -> dict[str, list[Object]]:
        children: dict[str, list[Object]] = {}
        for obj in self.objects():
            for uid in {_text(owner.get("uid")) for owner in listed(obj, "metadata", "ownerReferences")} - {""}:
                children.setdefault(uid, []).append(obj)
        return children

    def owned(self, obj: Object, kind: str | None = None) -> list[Object]:
        """The objects that name this one as an owner."""
        found = self._children.get(_text(_dict(obj.get("metadata")).get("uid")), [])
        wanted = kind and self._history._kind(kind)
        return [o for o in found if kind is None or o.get("kind") == wanted]

    @cached_property
    def _events(self) -> dict[tuple[str, str, str], list[Object]]:
        found: dict[tuple[str, str, str], list[Object]] = {}
        for event in self.objects("Event"):
            it = _about(event)
            key = (_text(it.get("kind")), _text(it.get("namespace")), _text(it.get("name")))
            found.setdefault(key, []).append(event)
        return found

    def events(self, obj: Object) -> list[Object]:
        """The Events about an object, newest first; those about an earlier object of the same name left out."""
        meta = _dict(obj.get("metadata"))
        found = self._events.get((_text(obj.get("kind")), _text(meta.get("namespace")), _text(meta.get("name"))), [])
        uid = meta.get("uid")
        mine = [e for e in found if not uid or _about(e).get("uid") in (None, "", uid)]
        return sorted(mine, key=_event_time, reverse=True)


def _about(event: Object) -> dict[str, Any]:
    return _dict(event.get("involvedObject") or event.get("regarding"))


def _event_time(event: Object) -> str:
    """Its newest time; without the Z, since a second and its fractions then sort as they should."""
    series = _dict(event.get("series"))
    time = _text(
        series.get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
        or event.get("firstTimestamp")
        or _dict(event.get("metadata")).get("creationTimestamp")
    )
    return time.removesuffix("Z")
