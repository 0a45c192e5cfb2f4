"""The questions that goals ask of a World, by their names in the exercises' files. Each answers with an Outcome.

`code` names what was found instead of what was wanted, so that a goal can have a hint for it; '' when all is well.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from k8sviz.errors import K8svizError
from k8sviz.exercises.world import Seen, World
from k8sviz.history import Object
from k8sviz.rules.access import account, is_bound, role_key
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.selectors import labels_of, matches_node_terms
from k8sviz.rules.statefulset import (
    claim_name,
    claim_templates,
    partition_of,
    replicas_of,
    retention_policy,
    start_ordinal,
    updates_on_delete,
)
from k8sviz.sources.exercises import Goal
from k8sviz.validate.model import field_text, shown_value
from k8sviz.words import say

__all__ = ["ASKED", "Outcome", "ask"]


class Outcome(NamedTuple):
    """What was found: nothing wrong (`code` is ''), or what, in words."""

    code: str = ""
    said: str = ""

    @property
    def ok(self) -> bool:
        """Whether the goal was reached."""
        return not self.code


_OK: Final = Outcome()


def ask(world: World, goal: Goal) -> Outcome:
    """Ask a World whether a goal came true. Raises K8svizError for a question that nobody knows.

    >>> from k8sviz.exercises.world import Predicted
    >>> ask(Predicted([]), Goal("there", "exists", "", "", facts={"kind": "Pod", "name": "web"}))
    Outcome(code='missing', said='There is no pod/web.')
    """
    try:
        question = ASKED[goal.asks]
    except KeyError:
        raise K8svizError(f"goal {goal.id}: nobody knows how to ask {goal.asks!r}") from None
    return next(question(world, goal.facts), _OK)


def _no(code: str, words: str = "", **facts: object) -> Outcome:
    return Outcome(code, say(f"exercise.found.{words or code}", **facts))


Facts = Mapping[str, Any]


# -- objects and fields ----------------------------------------------------------------------------


def _exists(world: World, facts: Facts) -> Iterator[Outcome]:
    if world.find(facts["kind"], facts["name"]) is None:
        yield _no("missing", name=f"{facts['kind'].lower()}/{facts['name']}")


def _field(world: World, facts: Facts) -> Iterator[Outcome]:
    """A field of an object: `equals`, one of `among`, `at_least`, or `absent`."""
    obj = world.find(facts["kind"], facts["name"])
    if obj is None:
        yield from _exists(world, facts)
        return
    value: Any = obj
    for part in facts["path"].split("."):
        value = _step(value, part)
    path = tuple(int(part) if part.isdigit() else part for part in facts["path"].split("."))
    name, shown = field_text(path), shown_value(value)
    if facts.get("absent"):
        if value is not None:
            yield _no("present", "field-there", field=name, value=shown)
    elif value is None:
        if facts.get("default") != facts.get("equals", ()):
            yield _no("missing", "field-missing", field=name)
    elif not _suits(value, facts):
        yield _no("differs", "field-differs", field=name, value=shown)


def _step(value: Any, part: str) -> Any:
    if isinstance(value, list):
        return value[int(part)] if part.isdigit() and int(part) < len(value) else None
    return value.get(part) if isinstance(value, Mapping) else None


def _suits(value: Any, facts: Facts) -> bool:
    if "at_least" in facts:
        return isinstance(value, int) and value >= facts["at_least"]
    wanted = facts["among"] if "among" in facts else [facts["equals"]]
    return any(value == each or _same_amount(value, each) for each in wanted)


def _same_amount(one: Any, other: Any) -> bool:
    return quantity_or_none(one) is not None and quantity_or_none(one) == quantity_or_none(other)


# -- claims and volumes ----------------------------------------------------------------------------


def _binding(world: World, facts: Facts) -> Iterator[Outcome]:
    yield from _bound(world, facts["claim"], facts["volume"])


def _bound(world: World, claim: str, volume: str) -> Iterator[Outcome]:
    """A claim gets this volume; the code is the first reason against it, `other` or `pending` where there is none."""
    found = world.claim(claim)
    if found is None:
        yield _no("no-claim", claim=claim)
        return
    if found.volume == volume:
        return
    against = found.against.get(volume, ())
    if found.volume:
        words = say("exercise.found.claim-other", claim=claim, volume=found.volume)
    else:
        words = say("exercise.found.claim-pending", claim=claim, why=found.words)
    if against:
        words += " " + say("exercise.found.claim-against", volume=volume, why=" ".join(each for _, each in against))
    yield Outcome(against[0][0] if against else "other" if found.volume else "pending", words)


def _reaches(world: World, facts: Facts) -> Iterator[Outcome]:
    """What a container has at a path comes from this PersistentVolume, by way of a claim."""
    pod = _pod(world)
    if isinstance(pod, Outcome):
        yield pod
        return
    container, path = facts["container"], facts["path"]
    volume = _mounted(pod, container, path)
    if volume is None:
        yield _no("no-mount", path=path, container=container)
        return
    claim = text(volume, "persistentVolumeClaim", "claimName")
    if not claim:
        yield _no("not-a-claim", path=path)
    elif world.find("PersistentVolumeClaim", claim) is None:
        there = world.find("PersistentVolume", claim) is not None
        yield _no("claim-is-volume" if there else "no-claim", claim=claim)
    else:
        yield from _bound(world, claim, facts["volume"])


def _on_node(world: World, facts: Facts) -> Iterator[Outcome]:
    """A volume's node affinity allows these nodes, and no other of those that are given."""
    volume = world.find("PersistentVolume", facts["volume"])
    if volume is None:
        yield _no("missing", name=f"pv/{facts['volume']}")
        return
    terms = mapping(volume, "spec", "nodeAffinity", "required").get("nodeSelectorTerms")
    found = [
        text(node, "metadata", "name")
        for node in world.all("Node")
        if not isinstance(terms, list) or matches_node_terms(terms, labels_of(node), text(node, "metadata", "name"))
    ]
    if found != list(facts["nodes"]):
        yield _no("node", found=", ".join(found) or say("exercise.found.none"))


# -- Pods ------------------------------------------------------------------------------------------


def _pod(world: World) -> Object | Outcome:
    pods = world.all("Pod")
    return pods[-1] if pods else _no("no-pod")


def _container(pod: Object, name: str) -> Mapping[str, Any] | None:
    return next((c for c in listed(pod, "spec", "containers") if text(c, "name") == name), None)


def _mount(pod: Object, container: str, path: str) -> Mapping[str, Any] | None:
    """The container's mount at this path, or the nearest above it."""
    found = [m for m in listed(_container(pod, container), "volumeMounts") if _is_below(path, text(m, "mountPath"))]
    return max(found, key=lambda mount: len(text(mount, "mountPath")), default=None)


def _is_below(path: str, folder: str) -> bool:
    clean = posixpath.normpath(folder)
    return path == clean or path.startswith(clean.rstrip("/") + "/")


def _mounted(pod: Object, container: str, path: str) -> Mapping[str, Any] | None:
    name = text(_mount(pod, container, path), "name")
    return next((v for v in listed(pod, "spec", "volumes") if name and text(v, "name") == name), None)


def _shares(world: World, facts: Facts) -> Iterator[Outcome]:
    """Two containers have one volume at their paths; `medium` and `read_only` (of the second) if they are wanted."""
    pod = _pod(world)
    if isinstance(pod, Outcome):
        yield pod
        return
    places = [tuple(facts[key]) for key in ("first", "second")]
    mounts = [_mount(pod, *place) for place in places]
    for (container, path), mount in zip(places, mounts, strict=True):
        if mount is None:
            yield _no("no-mount", path=path, container=container)
    names = {"first": places[0][0], "second": places[1][0]}
    one, two = mounts
    if text(one, "name") != text(two, "name"):
        yield _no("other-volume", **names)
    if _inside(one, places[0][1]) != _inside(two, places[1][1]):
        yield _no("other-part", **names)
    if facts.get("read_only") and not mapping(two).get("readOnly"):
        yield _no("writable", container=places[1][0], path=places[1][1])
    yield from _empty_dir(_mounted(pod, *places[0]), facts)


def _inside(mount: Mapping[str, Any] | None, path: str) -> str:
    """Where in the volume a path of the container lies."""
    below = posixpath.relpath(path, posixpath.normpath(text(mount, "mountPath") or "/"))
    return posixpath.normpath(posixpath.join(text(mount, "subPath"), below))


def _empty_dir(volume: Mapping[str, Any] | None, facts: Facts) -> Iterator[Outcome]:
    kinds = [key for key in volume or {} if key != "name"]
    if kinds != ["emptyDir"]:
        yield _no("not-empty-dir", found=", ".join(kinds) or say("exercise.found.none"))
    elif facts.get("medium") and text(volume, "emptyDir", "medium") != facts["medium"]:
        yield _no("not-memory")


def _env(world: World, facts: Facts) -> Iterator[Outcome]:
    """A container's variables: `set` to values, and `unset`."""
    pod = _pod(world)
    if isinstance(pod, Outcome):
        yield pod
        return
    name, container = text(pod, "metadata", "name"), facts["container"]
    found = world.environment(name, container)
    if found is None:
        yield _not_started(world, pod, container)
        return
    for variable, wanted in facts.get("set", {}).items():
        if variable not in found:
            yield _no("missing", "variable-missing", name=variable)
        elif found[variable] != wanted:
            yield _no("differs", "variable-differs", name=variable, value=_shown(found[variable]))
    for variable in facts.get("unset", ()):
        if variable in found:
            yield _no("present", "variable-there", name=variable)


def _asked_for(world: World, facts: Facts) -> Iterator[Outcome]:
    """The container asks for these variables, instead of having their values written out."""
    pod = _pod(world)
    if isinstance(pod, Outcome):
        yield pod
        return
    for variable in listed(_container(pod, facts["container"]), "env"):
        if text(variable, "name") in facts["variables"] and text(variable, "value"):
            yield _no("written-out", name=text(variable, "name"), value=_shown(text(variable, "value")))


def _not_started(world: World, pod: Object, container: str) -> Outcome:
    if _container(pod, container) is None:
        return _no("no-container", container=container)
    return _no("no-start", container=container, why=world.stopped(text(pod, "metadata", "name")))


def _shown(value: str | None) -> str:
    return shown_value(value if value is None or value.isprintable() else value.replace("\n", "\\n"))


def _files(world: World, facts: Facts) -> Iterator[Outcome]:
    """A container's files: `content` by path, `modes`, `absent`, `keeps` what the image brings, `live` for changes."""
    pod = _pod(world)
    if isinstance(pod, Outcome):
        yield pod
        return
    name, container = text(pod, "metadata", "name"), facts["container"]
    found = world.files(name, container)
    if found is None:
        yield _not_started(world, pod, container)
        return
    for path in facts.get("keeps", ()):
        for mount in world.mounts(name, container):
            if _is_below(path, mount.path):
                yield _no("file-on-directory" if mount.is_file else "hidden", mount=mount.path, path=path)
    for path, wanted in facts.get("content", {}).items():
        yield from _file(found.get(path), path, wanted, facts)
    for path in facts.get("absent", ()):
        if path in found:
            yield _no("present", "file-there", path=path)


def _file(file: Seen | None, path: str, wanted: str, facts: Facts) -> Iterator[Outcome]:
    if file is None:
        yield _no("missing", "file-missing", path=path)
        return
    if file.content is not None and file.content.decode("utf-8", "replace").strip() != wanted.strip():
        yield _no("content", "file-content", path=path, value=_shown(file.content.decode("utf-8", "replace")))
    mode = facts.get("modes", {}).get(path)
    if mode is not None and format(file.mode & 0o7777, "o") != mode:
        yield _no("mode", "file-mode", path=path, value=format(file.mode & 0o7777, "o"))
    if facts.get("live") and not file.live:
        yield _no("frozen", "file-frozen", path=path)


def _may(world: World, facts: Facts) -> Iterator[Outcome]:
    """What a ServiceAccount may do: each of `may`, none of `may_not`, as `verb resource [group]`."""
    name, namespace = facts["account"], facts.get("namespace", "default")
    subject = account(name, namespace)
    for binding in (*world.all("RoleBinding"), *world.all("ClusterRoleBinding")):
        kind, _, role = role_key(binding)
        if is_bound(binding, subject) and world.find(kind, role) is None:
            yield _no("role-unknown", role=f"{kind} {role}")
            return
    for wanted, each in [(True, e) for e in facts.get("may", ())] + [(False, e) for e in facts.get("may_not", ())]:
        verb, resource, group = [*each.split(), ""][:3]
        if world.may(name, verb, resource, group, namespace) != wanted:
            yield _no("may-not" if wanted else "may", account=name, verb=verb, resource=resource)


# -- controllers -----------------------------------------------------------------------------------


def _rollout(world: World, facts: Facts) -> Iterator[Outcome]:
    """A Deployment's rollout stays within `most` Pods and keeps `least` available, for each number of replicas."""
    found = world.find("Deployment", facts["name"])
    if found is None:
        yield _no("missing", name=f"deployment/{facts['name']}")
        return
    for budget in facts["budgets"]:
        bounds = rollout_bounds({**found, "spec": {**mapping(found, "spec"), "replicas": budget["replicas"]}})
        if bounds.max_total > budget["most"]:
            yield _no("too-many-pods", replicas=budget["replicas"], found=bounds.max_total)
        if bounds.min_available < budget["least"]:
            yield _no("too-few-pods", replicas=budget["replicas"], found=bounds.min_available)


def _selects(world: World, facts: Facts) -> Iterator[Outcome]:
    """A Service selects the Pods of these workloads, and of no others."""
    service = world.find("Service", facts["service"])
    if service is None:
        yield _no("missing", name=f"service/{facts['service']}")
        return
    found = [
        text(o, "metadata", "name")
        for kind in ("Pod", "ReplicaSet", "Deployment", "StatefulSet")
        for o in world.all(kind)
        if _is_selected(service, _labels(o))
    ]
    wanted = list(facts["pods_of"])
    if sorted(found) != sorted(wanted):
        code = "selects-too-many" if set(wanted) < set(found) else "selects-other"
        named = ", ".join(found) or say("exercise.found.selects-none")
        yield _no(code if found else "selects-none", "selects", service=facts["service"], found=named)


def _labels(obj: Object) -> dict[str, str]:
    return labels_of(obj if text(obj, "kind") == "Pod" else mapping(obj, "spec", "template"))


def _is_selected(service: Object, labels: Mapping[str, str]) -> bool:
    selector = mapping(service, "spec", "selector")
    return bool(selector) and selector.items() <= labels.items()


def _stateful_set(world: World, facts: Facts) -> Object | Outcome:
    found = world.find("StatefulSet", facts["name"])
    return _no("missing", name=f"statefulset/{facts['name']}") if found is None else found


def _governed(world: World, facts: Facts) -> Iterator[Outcome]:
    """The set's Pods have names of their own in DNS: a headless Service of the right name selects them."""
    owner = _stateful_set(world, facts)
    if isinstance(owner, Outcome):
        yield owner
        return
    name = text(owner, "spec", "serviceName")
    service = world.find("Service", name)
    if service is None:
        yield _no("no-service", service=name or "-")
    elif text(service, "spec", "clusterIP") != "None":
        yield _no("not-headless", service=name)
    elif not _is_selected(service, _labels(owner)):
        yield _no("not-governed", service=name)


def _names(world: World, facts: Facts) -> Iterator[Outcome]:
    """The names of the set's Pods."""
    owner = _stateful_set(world, facts)
    if isinstance(owner, Outcome):
        yield owner
        return
    found = [f"{facts['name']}-{ordinal}" for ordinal in _ordinals(owner)]
    if found != list(facts["pods"]):
        yield _no("names", found=_some(found))


def _ordinals(owner: Object) -> range:
    first = start_ordinal(owner)
    return range(first, first + min(replicas_of(owner), 1000))


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (" …" if len(names) > 6 else "") if names else say("exercise.found.none")


def _claims(world: World, facts: Facts) -> Iterator[Outcome]:
    """The set's claims by name, and that each is bound, to the volume that is named where one is."""
    owner = _stateful_set(world, facts)
    if isinstance(owner, Outcome):
        yield owner
        return
    found = [
        claim_name(template, facts["name"], ordinal)
        for ordinal in _ordinals(owner)
        for template in claim_templates(owner)
    ]
    if sorted(found) != sorted(facts["claims"]):
        yield _no("claims", found=_some(found))
        return
    for claim in facts["claims"] if facts.get("bound") else ():
        fate = world.claim(claim)
        if fate is not None and fate.volume is None and fate.code != "provisioned":
            code = next((c for reasons in fate.against.values() for c, _ in reasons if c != "claimed-by-another"), "")
            words = say("exercise.found.claim-pending", claim=claim, why=fate.words)
            yield Outcome(code or "pending", words + "".join(f" {each}" for each in _reasons(fate.against)))


def _reasons(against: Mapping[str, tuple[tuple[str, str], ...]]) -> Iterator[str]:
    for volume, reasons in list(against.items())[:2]:
        for code, words in reasons:
            if code != "claimed-by-another":
                yield say("exercise.found.claim-against", volume=volume, why=words)
                break


def _updates(world: World, facts: Facts) -> Iterator[Outcome]:
    """Which of the set's Pods a new template reaches by itself."""
    owner = _stateful_set(world, facts)
    if isinstance(owner, Outcome):
        yield owner
        return
    first = start_ordinal(owner) + partition_of(owner)
    found = [f"{facts['name']}-{o}" for o in _ordinals(owner) if o >= first and not updates_on_delete(owner)]
    if found != list(facts["pods"]):
        wanted = set(facts["pods"])
        yield _no("too-many" if wanted < set(found) else "too-few", "updates", found=_some(found))


def _retention(world: World, facts: Facts) -> Iterator[Outcome]:
    """What becomes of the set's claims: `scaled` and `deleted` are whether they go then."""
    owner = _stateful_set(world, facts)
    if isinstance(owner, Outcome):
        yield owner
        return
    scaled, deleted = retention_policy(owner)
    if (scaled, deleted) != (facts["scaled"], facts["deleted"]):
        words = {True: say("exercise.found.deleted"), False: say("exercise.found.kept")}
        code = "when-scaled" if scaled != facts["scaled"] else "when-deleted"
        yield _no(code, "retention", scaled=words[scaled], deleted=words[deleted])


def _probed(world: World, facts: Facts) -> Iterator[Outcome]:
    """Every container of a Deployment's template has a readiness probe."""
    found = world.find("Deployment", facts["name"])
    if found is None:
        yield _no("missing", name=f"deployment/{facts['name']}")
        return
    for container in listed(found, "spec", "template", "spec", "containers"):
        if not mapping(container, "readinessProbe"):
            yield _no("missing", "field-missing", field="readinessProbe")


ASKED: Final[Mapping[str, Callable[[World, Facts], Iterator[Outcome]]]] = {
    "exists": _exists,
    "field": _field,
    "binding": _binding,
    "reaches": _reaches,
    "on-node": _on_node,
    "shares": _shares,
    "env": _env,
    "asked-for": _asked_for,
    "files": _files,
    "may": _may,
    "rollout": _rollout,
    "selects": _selects,
    "governed": _governed,
    "names": _names,
    "claims": _claims,
    "updates": _updates,
    "retention": _retention,
    "probed": _probed,
}
