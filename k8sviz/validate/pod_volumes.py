"""What the API server checks of a Pod's volumes and mounts beyond types (pkg/apis/core/validation/validation.go)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from k8sviz.rules.fields import integer, listed, mapping, text
from k8sviz.rules.quantity import quantity_or_none
from k8sviz.validate.lists import at_least, mappings, named_reference, one_of, source_problems, twice
from k8sviz.validate.model import FieldPath, Problem, shown_value
from k8sviz.validate.pod_fields import FILE_FIELDS, field_ref
from k8sviz.validate.published import Part

__all__ = ["VOLUME_RULES", "mounts", "volume_names"]

JSON = Mapping[str, Any]

_SOURCES: Final = ("configMap", "secret", "downwardAPI", "serviceAccountToken")
_MOST_MODE: Final = 0o777
_SHORTEST_TOKEN: Final = 600


def volume_names(spec: JSON, root: JSON) -> list[str]:
    """The names that a mount may use; a StatefulSet's claims are volumes of its Pods."""
    templates = listed(root, "spec", "volumeClaimTemplates") if text(root, "kind") == "StatefulSet" else []
    return [text(v, "name") for v in mappings(spec, "volumes")] + [text(t, "metadata", "name") for t in templates]


def mounts(container: JSON, path: FieldPath, known: list[str]) -> Iterator[Problem]:
    """Mounts name volumes that are there, each at a place of its own."""
    for field, where in (("volumeMounts", "mountPath"), ("volumeDevices", "devicePath")):
        mounts = mappings(container, field)
        for i, mount in enumerate(mounts):
            name = text(mount, "name")
            if name and name not in known:
                names = ", ".join(filter(None, known)) or "-"
                yield Problem((*path, field, i, "name"), "no-such-volume", {"value": shown_value(name), "known": names})
        yield from twice((text(m, where) for m in mounts), (*path, field), where)


def _mount(part: Part, _: JSON) -> Iterator[Problem]:
    mount, path = part.value, part.path
    if text(mount, "subPath") and text(mount, "subPathExpr"):
        yield Problem((*path, "subPathExpr"), "both", {"other": "subPath"}, at_key=True)
    for field in ("subPath", "subPathExpr"):
        yield from _inside(mount, field, path)


def _inside(value: JSON, field: str, path: FieldPath, reserved: bool = False) -> Iterator[Problem]:
    """A path that must stay inside a volume; `reserved`: names that begin with .. are the kubelet's."""
    written = text(value, field)
    if written.startswith("/") or ".." in written.split("/") or (reserved and written.startswith("..")):
        yield Problem((*path, field), "path-outside", {"value": shown_value(written)})


def _volume(part: Part, _: JSON) -> Iterator[Problem]:
    for problem in source_problems(part.value, part.path, frozenset({"name"})):
        # an emptyDir is filled in
        yield problem if problem.code != "no-volume-type" else Problem(part.path, "becomes-empty-dir", error=False)
    if "gitRepo" in part.value:
        yield Problem((*part.path, "gitRepo"), "git-repo", error=False, at_key=True)


def _modes(part: Part, _: JSON) -> Iterator[Problem]:
    for field in ("defaultMode", "mode"):
        mode = integer(part.value, field)
        if mode is not None and not 0 <= mode <= _MOST_MODE:
            yield Problem((*part.path, field), "mode-range", {"value": str(mode)})


def _key_to_path(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    yield from _inside(part.value, "path", part.path, reserved=True)


def _token(part: Part, _: JSON) -> Iterator[Problem]:
    yield from _inside(part.value, "path", part.path, reserved=True)
    yield from at_least(part, "expirationSeconds", _SHORTEST_TOKEN)


def _projected(part: Part, root: JSON) -> Iterator[Problem]:
    """Each source has one type, and no two files of them have the same path."""
    yield from _modes(part, root)
    seen: set[str] = set()
    for i, source in enumerate(mappings(part.value, "sources")):
        path = (*part.path, "sources", i)
        types = [kind for kind in source if kind in _SOURCES]
        if len(types) > 1:
            first, second, *_ = types
            yield Problem((*path, second), "both", {"other": first}, at_key=True)
        for kind, definition in source.items():
            for j, item in enumerate(mappings(definition, "items") if isinstance(definition, Mapping) else []):
                written = text(item, "path")
                if written and written in seen:
                    yield Problem((*path, kind, "items", j, "path"), "duplicate", {"value": shown_value(written)})
                seen.add(written)


def _config_volume(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _modes(part, root)
    if part.definition == "core.v1.SecretVolumeSource" and not text(part.value, "secretName"):
        yield Problem((*part.path, "secretName"), "required", {"name": "secretName"})
    if part.definition == "core.v1.ConfigMapVolumeSource" and not text(part.value, "name"):
        yield Problem((*part.path, "name"), "required", {"name": "name"})


def _downward_file(part: Part, root: JSON) -> Iterator[Problem]:
    yield from _key_to_path(part, root)
    yield from one_of(part, ("fieldRef", "resourceFieldRef"))
    yield from field_ref(mapping(part.value, "fieldRef"), FILE_FIELDS, (*part.path, "fieldRef"))
    reference = mapping(part.value, "resourceFieldRef")
    if reference and not text(reference, "containerName"):
        yield Problem((*part.path, "resourceFieldRef", "containerName"), "required", {"name": "containerName"})


def _empty_dir(part: Part, _: JSON) -> Iterator[Problem]:
    limit = quantity_or_none(part.value.get("sizeLimit"))
    if limit is not None and limit.nano < 0:
        yield Problem((*part.path, "sizeLimit"), "negative", {"value": shown_value(part.value["sizeLimit"])})
    medium = text(part.value, "medium")
    if medium not in ("", "Memory", "HugePages") and not medium.startswith("HugePages-"):
        yield Problem((*part.path, "medium"), "medium", {"value": shown_value(medium)}, error=False)


def _host_path(part: Part, _: JSON) -> Iterator[Problem]:
    if ".." in text(part.value, "path").split("/"):
        yield Problem((*part.path, "path"), "path-outside", {"value": shown_value(part.value["path"])})


VOLUME_RULES: Final = {
    "core.v1.VolumeMount": _mount,
    "core.v1.Volume": _volume,
    "core.v1.ConfigMapVolumeSource": _config_volume,
    "core.v1.SecretVolumeSource": _config_volume,
    "core.v1.ProjectedVolumeSource": _projected,
    "core.v1.ConfigMapProjection": named_reference,
    "core.v1.SecretProjection": named_reference,
    "core.v1.ServiceAccountTokenProjection": _token,
    "core.v1.DownwardAPIVolumeSource": _modes,
    "core.v1.DownwardAPIVolumeFile": _downward_file,
    "core.v1.KeyToPath": _key_to_path,
    "core.v1.EmptyDirVolumeSource": _empty_dir,
    "core.v1.HostPathVolumeSource": _host_path,
}
