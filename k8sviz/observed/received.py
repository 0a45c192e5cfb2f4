"""What a container was given, computed from a History: its variables as of its start, its files as of now.

Rules: variables, arguments and files under a subPath are made when the container starts (pkg/kubelet/kuberuntime);
the other files follow their source at one of the kubelet's next rounds (pkg/kubelet/util/manager, --sync-frequency),
so that after a change a file is the old one or the new one until somebody has looked.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from k8sviz.errors import K8svizError, nearest
from k8sviz.history import History, Object, Snapshot
from k8sviz.kinds import Ref
from k8sviz.observed.outputs import SEEN_BY_KUBELET, Sighting, sightings
from k8sviz.observed.runs import Run, pod_versions, run_of
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.downward import format_map
from k8sviz.rules.environment import Environment, environment
from k8sviz.rules.expansion import references as names_in
from k8sviz.rules.fields import listed, mapping, strings, text
from k8sviz.rules.files import ContainerFiles, File, container_files, volume_problems
from k8sviz.rules.objects import Objects
from k8sviz.rules.reasons import Reason
from k8sviz.rules.references import references

__all__ = ["FileVersion", "Received", "objects_of", "received", "received_now"]

_STATUSES: Final = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_KINDS: Final = ("ConfigMap", "Secret", "ServiceAccount", "Service", "Node")


@dataclass(frozen=True, slots=True)
class FileVersion:
    """What a file would be from `t` seconds on, had the kubelet nothing else to do; None: there is no such file."""

    t: float
    file: File | None = field(repr=False)


@dataclass(frozen=True)
class Received:
    """One container's variables and files, and how sure that is.

    `files` has for each path what it may be at the moment, oldest first: one version when that is settled. `versions`
    has all since the volumes were set up. `blocked` are the problems of the Pod's volumes, which hold every container
    that has not started, and keep what a running one has as it is.
    """

    ref: Ref
    pod: Object = field(repr=False)
    container: Mapping[str, Any] = field(repr=False)
    run: Run | None
    environment: Environment = field(repr=False)
    mounted: ContainerFiles = field(repr=False)
    files: Mapping[str, tuple[FileVersion, ...]] = field(repr=False)
    versions: Mapping[str, tuple[FileVersion, ...]] = field(repr=False, default_factory=dict)
    seen: tuple[Sighting, ...] = ()
    blocked: tuple[Reason, ...] = ()

    @property
    def problems(self) -> tuple[Reason, ...]:
        """Why the container cannot start; empty once it has."""
        return () if self.run else (*self.blocked, *self.environment.problems, *self.mounted.problems)

    def container_words(self) -> list[str]:
        """The words of the container's command and arguments, as written."""
        return [*strings(self.container, "command"), *strings(self.container, "args")]

    @functools.cached_property
    def secret_names(self) -> frozenset[str]:
        """The variables that hold a Secret's value, or one made with such a value by `$(VAR)`."""
        written: dict[str, list[str]] = {}
        for entry in listed(self.container, "env"):
            written.setdefault(text(entry, "name"), []).append(text(entry, "value"))
        secret: set[str] = set()
        for variable in self.environment.variables:
            made_of = {name for value in written.get(variable.name, ()) for name in names_in(value)}
            if variable.origin.kind == "Secret" or not secret.isdisjoint(made_of):
                secret.add(variable.name)
        return frozenset(secret)


def objects_of(snapshot: Snapshot, namespace: str) -> Objects:
    """The objects that Pods of a namespace can be given something of."""
    found = (obj for kind in _KINDS for obj in snapshot.objects(kind, namespace=namespace))
    return Objects(found, namespace=namespace or "default")


def received_now(snapshot: Snapshot, ref: Ref, container: str) -> Received:
    """What a container would be given if it started now: for a Snapshot without its History.

    Raises K8svizError when there is no such Pod or container.
    """
    pod = snapshot.require(ref)
    spec = _container(pod, container, ref)
    objects = objects_of(snapshot, text(pod, "metadata", "namespace"))
    mounted = _files(pod, spec, objects)
    versions = {path: (FileVersion(0.0, file),) for path, file in mounted.files.items()}
    blocked = volume_problems(pod, objects)
    return Received(ref, pod, spec, None, environment(pod, spec, objects), mounted, versions, versions, (), blocked)


def received(history: History, t: float, ref: Ref, container: str) -> Received:
    """What a container has been given at `t` seconds, as the History up to then tells.

    Raises K8svizError when there is no such Pod or container at that time.
    """
    snapshot = history.at(t)
    pod = snapshot.require(ref)
    spec = _container(pod, container, ref)
    run = run_of(history, ref, container, t)
    if run is None:
        return received_now(snapshot, ref, container)
    past = _Past(history, text(pod, "metadata", "namespace"))
    began = _container(run.pod, container, ref)
    variables = environment(run.pod, began, _older(past.objects(run.t), run.pod, container))
    mounted = _files(pod, began, past.objects(t))
    versions = _versions(history, past, ref, began, run, t)
    contents = {path: _contents(found) for path, found in versions.items()}
    seen = sightings(history, ref, pod, container, contents, after=run.t, until=t)
    files = {path: _possible(found, run, [s for s in seen if s.name == path]) for path, found in versions.items()}
    kept = {path: found for path, found in files.items() if any(version.file for version in found)}
    blocked = volume_problems(pod, past.objects(t))
    return Received(ref, pod, spec, run, variables, mounted, kept, versions, tuple(seen), blocked)


class _Past:
    """The objects of one namespace at any time; asked again for the same time, the same."""

    def __init__(self, history: History, namespace: str) -> None:
        self.objects = functools.cache(lambda t: objects_of(history.at(t), namespace))


def _older(objects: Objects, pod: Mapping[str, Any], container: str) -> Objects:
    """The objects without the Services that were made after the container began: it got no variables of those.

    The kubelet asks once, when a container starts (getServiceEnvVarMap in pkg/kubelet/kubelet_pods.go). Both times
    are whole seconds; a Service of the same second counts as older.
    """
    statuses = [each for kind in _STATUSES for each in listed(pod, "status", kind)]
    states = [mapping(each, "state") for each in statuses if text(each, "name") == container]
    began = next((text(s, k, "startedAt") for s in states for k in ("running", "terminated") if k in s), "")
    if not began:
        return objects
    made = (obj for kind in _KINDS for obj in objects.of_kind(kind))
    kept = [o for o in made if text(o, "kind") != "Service" or text(o, "metadata", "creationTimestamp") <= began]
    return Objects(kept, namespace=objects.namespace)


def _container(pod: Mapping[str, Any], name: str, ref: Ref) -> Mapping[str, Any]:
    known = {text(found, "name"): found for found, _ in in_start_order(pod)}
    if name not in known:
        raise K8svizError(f"{ref} has no container {name!r}; {nearest(name, known)}")
    return known[name]


def _files(pod: Mapping[str, Any], container: Mapping[str, Any], objects: Objects) -> ContainerFiles:
    """The container's files, annotations with the two that the kubelet adds on the node (pkg/kubelet/config)."""
    found = container_files(pod, container, objects)
    files = {
        path: replace(file, content=_annotations(pod)) if file.source.path == "metadata.annotations" else file
        for path, file in found.files.items()
    }
    return replace(found, files=files)


def _annotations(pod: Mapping[str, Any]) -> bytes:
    name, _, value = SEEN_BY_KUBELET.partition("=")
    added = {name: value.strip('"'), "kubernetes.io/config.source": "api"}
    return format_map({**mapping(pod, "metadata", "annotations"), **added}).encode()


def _versions(
    history: History, past: _Past, ref: Ref, container: Mapping[str, Any], run: Run, t: float
) -> dict[str, tuple[FileVersion, ...]]:
    """What each file would be at any time since the volumes were set up, one entry a change."""
    pods = pod_versions(history, ref, t)
    times = [run.set_up, *(when for when in _changes(history, pods) if run.set_up < when <= t)]
    rows: list[tuple[float, Mapping[str, File], set[str]]] = []
    for when in times:
        pod = next((obj for at, obj in reversed(pods) if at <= when), run.pod)
        objects = past.objects(when)
        held = {reason.facts.get("volume", "") for reason in volume_problems(pod, objects)}
        rows.append((when, _files(pod, container, objects).files, held))
    found: dict[str, list[FileVersion]] = {path: [] for _, files, _ in rows for path in files}
    for when, files, held in rows:
        for path, versions in found.items():
            file, before = files.get(path), versions[-1].file if versions else None
            if file is None and before is not None and before.volume in held:
                continue  # the kubelet cannot write the volume anew, and leaves it as it is
            if not versions or before != file:
                versions.append(FileVersion(when, file))
    return {path: tuple(versions) for path, versions in sorted(found.items())}


def _changes(history: History, pods: Sequence[tuple[float, Object]]) -> list[float]:
    """When anything changed that the Pod's volumes are filled from."""
    pod = pods[-1][1]
    namespace = text(pod, "metadata", "namespace")
    named = {(each.kind, each.name) for each in references(pod) if each.way in ("volume", "projected")}
    times = {event.t for kind, name in named for event in history.versions(kind, name, namespace)}
    for (_, old), (when, new) in itertools.pairwise(pods):
        if any(mapping(old, "metadata", key) != mapping(new, "metadata", key) for key in ("labels", "annotations")):
            times.add(when)
    return sorted(times)


def _contents(versions: Iterable[FileVersion]) -> list[bytes]:
    found = (version.file.content for version in versions if version.file is not None)
    return list(dict.fromkeys(content for content in found if content is not None))


def _possible(versions: Sequence[FileVersion], run: Run, seen: Sequence[Sighting]) -> tuple[FileVersion, ...]:
    """What a file may be now: all versions, but none before the newest that has been seen."""
    last = next((version.file for version in reversed(versions) if version.file), None)
    frozen = last is not None and last.update == "frozen"
    if frozen:  # made with the container, and seen or not the same ever since
        versions = [version for version in versions if version.t <= run.t] or list(versions[:1])
    if last is not None and last.source.kind == "Pod":
        return (versions[-1],)  # a change of the Pod itself wakes the kubelet at once
    first = 0
    for sighting in seen:
        at = [i for i, version in enumerate(versions) if version.t <= sighting.until and _shows(version, sighting)]
        if sighting.what == "file" and at:
            if frozen:
                return (versions[at[0]],)
            first = max(first, at[0])  # a content that came back may still be the old one
    return tuple(v for i, v in enumerate(versions) if i >= first and all(v.file != o.file for o in versions[i + 1 :]))


def _shows(version: FileVersion, sighting: Sighting) -> bool:
    return version.file is not None and version.file.content == sighting.content
