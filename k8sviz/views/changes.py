"""Watch events in a few words: what each one changed, found by comparing an object with its version before.

It knows the fields that people watch, and names the rest by their paths. Values of free text are never
shown, only those of fields that hold a word of Kubernetes' own, a name or a number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from k8sviz.history import Event, EventType, History, Key, Object, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.fields import integer, strings
from k8sviz.words import say

__all__ = ["Change", "changes", "describe"]

_MOST: Final = 4  # phrases in one line
_COUNTS: Final = {
    "replicas": "replicas",
    "readyReplicas": "ready",
    "availableReplicas": "available",
    "updatedReplicas": "updated",
    "unavailableReplicas": "unavailable",
    "currentReplicas": "current",
    "terminatingReplicas": "terminating",
}
_QUIET: Final = {
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.managedFields",
    "metadata.uid",
    "metadata.creationTimestamp",
    "status.observedGeneration",
    "status.conditions",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One watch event as a line: `t` in seconds, the watch's verb, the object, what changed, and if it warns."""

    t: float
    verb: EventType
    kind: str
    name: str
    what: str
    warns: bool = False


def changes(history: History) -> list[Change]:
    """Every watch event of a History as a line; what was there before the first step is one line together."""
    last: dict[Key, Object] = {}
    there: Counter[str] = Counter()
    rows: list[Change] = []
    first = history.steps[0].t if history.steps else float("inf")
    for event in history:
        key = key_of(event.object)
        if event.t == 0.0 < first and event.type == "ADDED":
            there[key.kind] += 1
        else:
            rows.append(_change(event, last.get(key)))
        if event.type == "DELETED":
            last.pop(key, None)
        else:
            last[key] = event.object
    if there:
        what = ", ".join(say("views.change.counted", n=n, kind=kind) for kind, n in sorted(there.items()))
        rows.insert(0, Change(0.0, "ADDED", "", "", say("views.change.start", what=what)))
    return rows


def _change(event: Event, before: Object | None) -> Change:
    obj, ref = event.object, ref_of(event.object)
    if ref.kind == "Event":
        about = _map(obj.get("involvedObject") or obj.get("regarding"))
        name = str(Ref(_word(about.get("kind")), _word(about.get("name"))))
        return Change(event.t, event.type, "Event", name, _reported(event), obj.get("type") == "Warning")
    return Change(event.t, event.type, ref.kind, ref.name, describe(event.type, obj, before))


def _reported(event: Event) -> str:
    if event.type == "DELETED":
        return say("views.change.expired")
    obj = event.object
    count = _map(obj.get("series")).get("count") or obj.get("count") or 1
    message = " ".join(_word(obj.get("message") or obj.get("note")).split())
    code = "event_count" if isinstance(count, int) and count > 1 else "event"
    return say(f"views.change.{code}", reason=_word(obj.get("reason")), message=message, n=count)


def describe(verb: EventType, obj: Object, before: Object | None) -> str:
    """What one event changed, in at most four phrases; `before` is the version that it replaces, if any."""
    if verb == "DELETED":
        return say("views.change.gone")
    if before is None:
        return ", ".join(_newcomer(obj))
    phrases = list(dict.fromkeys(p for find in _FINDERS for p in find(before, obj)))
    if not phrases:
        paths = sorted(set(_paths(before, obj)) - _QUIET)
        return say("views.change.fields", names=_names(paths)) if paths else say("views.change.quiet")
    return "; ".join(phrases[:_MOST]) + ("; …" if len(phrases) > _MOST else "")


# -- one function for each thing that people watch ------------------------------------------------


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _names(found: Sequence[object]) -> str:
    names = [name for name in found if isinstance(name, str)]
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _parts(obj: Object) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    return _map(obj.get("metadata")), _map(obj.get("spec")), _map(obj.get("status"))


def _newcomer(obj: Object) -> Iterator[str]:
    _, spec, status = _parts(obj)
    if _word(status.get("phase")):
        yield say("views.change.phase_new", new=status["phase"])
    if isinstance(spec.get("replicas"), int):
        yield say("views.change.wanted", n=spec["replicas"])


def _ending(old: Object, new: Object) -> Iterator[str]:
    before, after = _parts(old)[0], _parts(new)[0]
    if after.get("deletionTimestamp") and not before.get("deletionTimestamp"):
        yield say("views.change.ending")
    a, b = strings(before, "finalizers"), strings(after, "finalizers")
    gone, come = [f for f in a if f not in b], [f for f in b if f not in a]
    if gone:
        yield say("views.change.finalizer_off", names=_names(gone))
    if come:
        yield say("views.change.finalizer_on", names=_names(come))


def _phase(old: Object, new: Object) -> Iterator[str]:
    before, after = _word(_parts(old)[2].get("phase")), _word(_parts(new)[2].get("phase"))
    if after and after != before:
        yield say("views.change.phase", old=before, new=after) if before else say("views.change.phase_new", new=after)


def _places(old: Object, new: Object) -> Iterator[str]:
    before, after = _parts(old)[1], _parts(new)[1]
    if _word(after.get("nodeName")) and not before.get("nodeName"):
        yield say("views.change.node", node=after["nodeName"])
    if _word(after.get("volumeName")) and not before.get("volumeName"):
        yield say("views.change.volume", volume=after["volumeName"])
    a, b = _map(before.get("claimRef")), _map(after.get("claimRef"))
    if b and (a.get("name"), a.get("uid")) != (b.get("name"), b.get("uid")):
        yield say("views.change.claim", claim=f"pvc/{b.get('name')}")
    if a and not b:
        yield say("views.change.claim_off")


def _wishes(old: Object, new: Object) -> Iterator[str]:
    before, after = _parts(old)[1], _parts(new)[1]
    if isinstance(after.get("replicas"), int) and after["replicas"] != before.get("replicas"):
        yield say("views.change.wanted_change", old=before.get("replicas", 1), new=after["replicas"])
    if bool(before.get("paused")) != bool(after.get("paused")):
        yield say("views.change.paused" if after.get("paused") else "views.change.resumed")
    if before.get("template") != after.get("template"):
        a, b = _images(before), _images(after)
        yield say("views.change.image", old=a, new=b) if a != b else say("views.change.template")


def _images(spec: Mapping[str, Any]) -> str:
    pod = _map(_map(spec.get("template")).get("spec"))
    return ", ".join(_word(c.get("image")) for c in _rows(pod.get("containers")))


def _containers(old: Object, new: Object) -> Iterator[str]:
    before = {_word(c.get("name")): c for c in _statuses(old)}
    for container in _statuses(new):
        earlier = before.get(_word(container.get("name")), {})
        name, a, b = _word(container.get("name")), _state(earlier), _state(container)
        restarts = integer(container, "restartCount") or 0
        if restarts > (integer(earlier, "restartCount") or 0):
            yield say("views.change.restarted", name=name, n=restarts)
        if b and a != b:
            yield (
                say("views.change.container", name=name, old=a, new=b)
                if a
                else say("views.change.container_new", name=name, new=b)
            )


def _statuses(obj: Object) -> list[Mapping[str, Any]]:
    status = _parts(obj)[2]
    return _rows(status.get("initContainerStatuses")) + _rows(status.get("containerStatuses"))


def _state(container: Mapping[str, Any]) -> str:
    for name, state in _map(container.get("state")).items():
        return _word(_map(state).get("reason")) or name
    return ""


def _conditions(old: Object, new: Object) -> Iterator[str]:
    before = {_word(c.get("type")): c for c in _rows(_parts(old)[2].get("conditions"))}
    for c in _rows(_parts(new)[2].get("conditions")):
        a, b = _word(before.get(_word(c.get("type")), {}).get("status")), _word(c.get("status"))
        if a == b or (not a and b == "True"):
            continue
        reason = _word(c.get("reason"))
        code = ("condition" if a else "condition_new") + ("_why" if reason and b != "True" else "")
        yield say(f"views.change.{code}", type=_word(c.get("type")), old=a, new=b, reason=reason)


def _counts(old: Object, new: Object) -> Iterator[str]:
    before, after = _parts(old)[2], _parts(new)[2]
    for field, what in _COUNTS.items():
        a, b = before.get(field) or 0, after.get(field) or 0
        if a != b and isinstance(a, int) and isinstance(b, int):
            yield say("views.change.count", what=what, old=a, new=b)


def _endpoints(old: Object, new: Object) -> Iterator[str]:
    if _word(new.get("kind")) != "EndpointSlice":
        return
    for code, count in (("endpoints", _all), ("endpoints_ready", _ready)):
        a, b = count(_rows(old.get("endpoints"))), count(_rows(new.get("endpoints")))
        if a != b:
            yield say(f"views.change.{code}", old=a, new=b)


def _all(endpoints: list[Mapping[str, Any]]) -> int:
    return len(endpoints)


def _ready(endpoints: list[Mapping[str, Any]]) -> int:
    return sum(_map(e.get("conditions")).get("ready") is not False for e in endpoints)


def _address(old: Object, new: Object) -> Iterator[str]:
    before, after = _parts(old)[2].get("podIP"), _parts(new)[2].get("podIP")
    if _word(after) and not before:
        yield say("views.change.address", ip=after)


def _keys(old: Object, new: Object) -> Iterator[str]:
    """Which keys of a ConfigMap or Secret changed: names only."""
    for table in ("data", "binaryData"):
        a, b = _map(old.get(table)), _map(new.get(table))
        found = {
            "key_on": [k for k in b if k not in a],
            "key_off": [k for k in a if k not in b],
            "key_new": [k for k in b if k in a and a[k] != b[k]],
        }
        for code, names in found.items():
            if names:
                yield say(f"views.change.{code}", names=_names(sorted(names)))


def _marks(old: Object, new: Object) -> Iterator[str]:
    """Which labels and annotations changed: names only, since an annotation may hold a whole manifest."""
    for table in ("labels", "annotations"):
        a, b = _map(_parts(old)[0].get(table)), _map(_parts(new)[0].get(table))
        names = sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k))
        if names:
            yield say(f"views.change.{table}", names=_names(names))


_FINDERS: Final[tuple[Callable[[Object, Object], Iterator[str]], ...]] = (
    _ending,
    _phase,
    _places,
    _wishes,
    _containers,
    _endpoints,
    _counts,
    _conditions,
    _keys,
    _address,
    _marks,
)


def _paths(old: object, new: object, path: str = "", depth: int = 0) -> Iterator[str]:
    """Dotted paths of the fields that differ, two names deep."""
    if old == new:
        return
    if depth < 2 and isinstance(old, dict) and isinstance(new, dict):
        for key in old.keys() | new.keys():
            yield from _paths(old.get(key), new.get(key), f"{path}.{key}" if path else str(key), depth + 1)
    else:
        yield path
