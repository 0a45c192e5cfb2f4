"""The single source of truth: the API server's watch events, and the state that they fold to.

A `History` is an append-only list of (t, type, object), whatever its origin. A `Snapshot` is its fold
at one time: immutable, and cheap, since it only remembers where to look.
"""

import math
import threading
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from k8sviz.errors import K8svizError, nearest
from k8sviz.kinds import Ref, kind_or_none
from k8sviz.rules.fields import Object
from k8sviz.rules.meta import Key, key_of, ref_of, uid_of
from k8sviz.snapshot import Missing, Snapshot

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

EventType = Literal["ADDED", "MODIFIED", "DELETED"]
_TYPES: tuple[EventType, ...] = ("ADDED", "MODIFIED", "DELETED")
_DELETED = _TYPES.index("DELETED")
_MOST_DECODED = 8192  # objects kept parsed; the rest stays as the bytes it came in


class Event(NamedTuple):
    """One watch event: `t` in seconds since the History began."""

    t: float
    type: EventType
    object: Object

    def __repr__(self) -> str:
        """Without what the object holds, which may be a Secret's."""
        return f"<Event {self.t:.1f} s: {self.type} {ref_of(self.object)}>"


class Result(NamedTuple):
    """How a step's command ended: `t` in seconds since the History began."""

    t: float
    exit_code: int
    stdout: str = ""
    stderr: str = ""

    def __repr__(self) -> str:
        """Without what was printed, which may be a Secret's."""
        return f"<Result at {self.t:.1f} s: exit code {self.exit_code}>"


class Step(NamedTuple):
    """One command of a lab. `t` is when it began; `result` is None while it runs or where a recording was cut."""

    t: float
    id: str
    command: str
    files: Mapping[str, str] = {}
    about: str = ""
    result: Result | None = None

    def __repr__(self) -> str:
        """Without its command, files and outputs, which may hold a Secret's values."""
        return f"<Step {self.id} at {self.t:.1f} s: {self.result!r}>"


class About(NamedTuple):
    """What a History is a history of, and where it came from (a recording's header)."""

    name: str = ""
    title: str = ""
    namespace: str = ""
    started_at: str = ""
    server: Mapping[str, str] = {}
    secret_values: str = "kept"  # noqa: S105 - whether they were, not one of them
    values: str = "kept"  # all others: kept, or replaced by `tokens`


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
        self.faults = 0  # files that should have been in it and could not be read
        self.predicted_from: float | None = None  # seconds from which on a simulated cluster tells what would happen
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
        self._sorted: dict[str | None, list[Key]] = {}  # by kind, made when first asked for
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
        self._append(t, _TYPES.index(type), key_of(obj), uid_of(obj), obj)

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
        return uid_of(self._object(seq))

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

    def at(self, t: float | None = None) -> Snapshot:
        """The state at `t` seconds (None: the newest). Costs nothing until something is looked up."""
        return Snapshot(self, math.inf if t is None else t, self._next)

    # -- what a Snapshot asks -----------------------------------------------------------------------

    def state_of(self, key: Key, t: float, limit: int) -> Object | None:
        """One object at `t`, of the first `limit` events; None while it is not there."""
        with self._lock:
            versions = self._keys.get(key)
            seq = versions.current(t, limit) if versions is not None else -1
            return None if seq < 0 or self._was_deletion(seq) else self._object(seq)

    def keys_of(self, kind: str | None = None) -> list[Key]:
        """The objects of a kind (None: all) that ever were, sorted."""
        with self._lock:
            found = self._sorted.get(kind)
            if found is None:
                found = self._sorted[kind] = sorted(self._keys if kind is None else self._by_kind.get(kind, ()))
            return found

    def keys_named(self, kind: str, name: str) -> list[Key]:
        """The objects of a kind (any of kubectl's names) and name that ever were, in the order in which they came."""
        return list(self._by_name.get((self.kind(kind), name), ()))

    def key_of_uid(self, uid: str) -> Key | None:
        """The object that has or had this uid."""
        return self._by_uid.get(uid)

    def kinds(self) -> list[str]:
        """The kinds of which there ever was an object."""
        return list(self._by_kind)

    def kind(self, word: str) -> str:
        """The kind that a word means, as far as anybody knows it: `pvc` is PersistentVolumeClaim."""
        kind = None if word in self._by_kind else kind_or_none(word)
        return kind.name if kind else word

    # -- over time ----------------------------------------------------------------------------------

    def between(self, after: float, until: float) -> list[Event]:
        """Events with after < t <= until, in order."""
        with self._lock:
            lo, hi = bisect_right(self._times, after), bisect_right(self._times, until)
            return [self._event(self._times[i], self._seqs[i]) for i in range(lo, hi)]

    def versions(self, kind: str, name: str, namespace: str | None = None) -> list[Event]:
        """Every event about one object, in order; namespace None means any."""
        with self._lock:
            known = self._by_name.get((self.kind(kind), name), ())
            found = [k for k in known if namespace is None or k.namespace == namespace]
            rows = [pair for k in found for pair in zip(self._keys[k].times, self._keys[k].seqs, strict=True)]
            return [self._event(t, seq) for t, seq in sorted(rows)]

    def times(self, kinds: Iterable[str] | None = None) -> list[float]:
        """The distinct times, in seconds, at which an object of these kinds (None: any) changed."""
        with self._lock:
            if kinds is None:
                return sorted(set(self._times))
            wanted = [self._by_kind.get(self.kind(kind), {}) for kind in kinds]
            return sorted({t for known in wanted for versions in known.values() for t in versions.times})

    def refs(self, kind: str | None = None) -> list[Ref]:
        """Every object that ever was, of one kind or of all."""
        with self._lock:
            keys = list(self._by_kind.get(self.kind(kind), {}) if kind else self._keys)
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
