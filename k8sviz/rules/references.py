"""Every place in a Pod that names a ConfigMap or a Secret, as it is written: before anybody looks whether it is there.

Rule: pkg/api/v1/pod/util.go (VisitPodConfigmapNames, VisitPodSecretNames), Kubernetes v1.36.
"""

import posixpath
from collections.abc import Iterator
from typing import Literal, NamedTuple

from k8sviz.rules.admission import in_start_order
from k8sviz.rules.fields import JSON, flag, integer, listed, mapped, mapping, text

__all__ = ["Reference", "Way", "is_token_volume", "references"]

Way = Literal["env", "envFrom", "volume", "projected", "imagePullSecrets", "driver"]

_PARTS = {"configMap": "ConfigMap", "secret": "Secret"}


class Reference(NamedTuple):
    """One use of a ConfigMap or Secret by a Pod. Fields that do not apply are empty.

    `key` is empty where every key is meant; `container` where the whole Pod is. `target` is the variable's name or the
    path in the container; for all keys, their prefix or the folder. `item` is the path inside the volume.
    `frozen` tells whether a change of the key waits for the container's next start. `sub_path` is as written, a
    subPathExpr with `expression`.
    """

    way: Way
    kind: str
    name: str
    key: str = ""
    container: str = ""
    target: str = ""
    optional: bool = False
    frozen: bool = True
    volume: str = ""
    item: str = ""
    mode: int | None = None
    sub_path: str = ""
    expression: bool = False


def references(pod: JSON) -> list[Reference]:
    """The Pod's uses of ConfigMaps and Secrets: by container in the order of start, then those of the whole Pod.

    A volume is listed once for each mount of it; one that no container mounts is left out, as the kubelet does.

    >>> entry = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "a"}}}
    >>> [found] = references({"spec": {"containers": [{"name": "main", "env": [entry]}]}})
    >>> found.way, found.name, found.key, found.target, found.frozen
    ('env', 'c', 'a', 'A', True)
    """
    volumes = {text(volume, "name"): volume for volume in listed(pod, "spec", "volumes")}
    sources = {name: list(_sources(volume)) for name, volume in volumes.items()}
    found: list[Reference] = []
    for container, _ in in_start_order(pod):
        name = text(container, "name")
        found += (each._replace(container=name) for each in _variables(container))
        for mount in listed(container, "volumeMounts"):
            for source in sources.get(text(mount, "name"), ()):
                found += _mounted(source._replace(container=name), mount)
    for secret in listed(pod, "spec", "imagePullSecrets"):
        found.append(Reference("imagePullSecrets", "Secret", text(secret, "name"), optional=True))
    for volume in volumes.values():
        found += _driver(volume)
    return found


def is_token_volume(volume: JSON) -> bool:
    """Whether it is the volume that admission adds for the API token (plugin/pkg/admission/serviceaccount).

    >>> is_token_volume({"name": "kube-api-access-5tnnl", "projected": {}}), is_token_volume({"name": "data"})
    (True, False)
    """
    name = text(volume, "name")
    return (name == "kube-api-access" or name.startswith("kube-api-access-")) and "projected" in volume


def _variables(container: JSON) -> Iterator[Reference]:
    for source in listed(container, "envFrom"):
        for part, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            ref = mapped(source, part)
            if ref is not None:
                prefix = text(source, "prefix")
                yield Reference("envFrom", kind, text(ref, "name"), target=prefix, optional=_optional(ref))
                break
    for entry in listed(container, "env"):
        for part, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            ref = mapped(entry, "valueFrom", part)
            if ref is not None and not text(entry, "value"):
                key, name = text(ref, "key"), text(ref, "name")
                yield Reference("env", kind, name, key, target=text(entry, "name"), optional=_optional(ref))


def _sources(volume: JSON) -> Iterator[Reference]:
    """What a volume is filled from, paths inside it, before any mount."""
    name = text(volume, "name")
    for part, kind in _PARTS.items():
        definition = mapped(volume, part)
        if definition is not None:
            of = text(definition, "secretName" if part == "secret" else "name")
            yield from _items(Reference("volume", kind, of, volume=name, optional=_optional(definition)), definition)
    for source in listed(volume, "projected", "sources"):
        for part, kind in _PARTS.items():
            definition = mapped(source, part)
            if definition is not None:
                of = text(definition, "name")
                whole = Reference("projected", kind, of, volume=name, optional=_optional(definition))
                yield from _items(whole, definition)


def _optional(definition: JSON) -> bool:
    return bool(flag(definition, "optional"))


def _items(whole: Reference, definition: JSON) -> Iterator[Reference]:
    items = listed(definition, "items")
    if not items:
        yield whole
    for item in items:
        yield whole._replace(key=text(item, "key"), item=text(item, "path"), mode=integer(item, "mode"))


def _mounted(source: Reference, mount: JSON) -> Iterator[Reference]:
    """A volume's source as one mount of a container shows it; nothing when its subPath leads past it."""
    folder = posixpath.normpath("/" + text(mount, "mountPath").lstrip("/"))
    expression = text(mount, "subPathExpr")
    sub_path = expression or text(mount, "subPath")
    if not sub_path:
        yield source._replace(target=posixpath.join(folder, source.item) if source.item else folder, frozen=False)
        return
    placed = source._replace(target=folder, sub_path=sub_path, expression=bool(expression))
    if expression:  # known only with the container's variables
        yield placed
        return
    wanted = "/".join(part for part in sub_path.split("/") if part not in ("", ".", "..data"))
    if not source.item:
        # keys hold no slash, so a subPath of a whole ConfigMap or Secret is one key, or an empty folder
        yield placed._replace(key=wanted)
    elif source.item == wanted or not wanted:
        yield placed
    elif source.item.startswith(f"{wanted}/"):
        yield placed._replace(target=posixpath.join(folder, source.item.removeprefix(f"{wanted}/")))


def _driver(volume: JSON) -> Iterator[Reference]:
    """The Secret that a volume's driver logs in with: no container sees it."""
    for definition in volume.values():
        for part in ("secretRef", "nodePublishSecretRef"):
            name = text(mapping(definition, part), "name")
            if name:
                yield Reference("driver", "Secret", name, volume=text(volume, "name"))
    name = text(volume, "azureFile", "secretName")
    if name:
        yield Reference("driver", "Secret", name, volume=text(volume, "name"))
