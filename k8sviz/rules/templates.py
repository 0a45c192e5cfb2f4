"""What changed between two Pod templates, field by field, in words that `kubectl explain` would take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from k8sviz.rules.fields import listed, text

__all__ = ["FieldChange", "images", "template_diff", "version_of"]

_ADDED_BY_CONTROLLERS: Final = frozenset({"pod-template-hash", "controller-revision-hash"})
_MOST: Final = 60


class FieldChange(NamedTuple):
    """One field of a template: its path, and what it was and is ('' for absent), as one line of JSON or plain text.

    >>> str(FieldChange("spec.containers[app].image", "busybox:1.36", "busybox:1.37"))
    'spec.containers[app].image: busybox:1.36 → busybox:1.37'
    """

    path: str
    old: str
    new: str

    @property
    def name(self) -> str:
        """The path's last part: what people call the field."""
        return self.path.rpartition(".")[2]

    def __str__(self) -> str:
        if not self.old:
            return f"{self.path}: + {self.new}"
        return f"{self.path}: {self.old} → {self.new}" if self.new else f"{self.path}: − {self.old}"

    @property
    def lines(self) -> tuple[str, ...]:
        """The change as a diff writes it: `-` what was, `+` what is."""
        return tuple(f"{sign} {self.path}: {value}" for sign, value in (("-", self.old), ("+", self.new)) if value)


def template_diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldChange]:
    """The fields in which two Pod templates differ, by path. Entries of a list that have names are matched by name.

    Labels that controllers add (pod-template-hash) do not count, nor fields that are null.

    >>> def template(image):
    ...     return {"spec": {"containers": [{"name": "app", "image": image}]}}
    >>> [str(change) for change in template_diff(template("busybox:1.36"), template("busybox:1.37"))]
    ['spec.containers[app].image: busybox:1.36 → busybox:1.37']
    """
    return list(_walk("", old, new))


def _walk(path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if old == new:
        return
    a, b = _parts(old), _parts(new)
    if (a is None or b is None) or (not a and not b):
        if _line(old) != _line(new):
            yield FieldChange(path, _line(old), _line(new))
        return
    for key in [*a, *(k for k in b if k not in a)]:
        if path.endswith("labels") and key in _ADDED_BY_CONTROLLERS:
            continue
        deeper = f"{path}[{key}]" if isinstance(new, list) or isinstance(old, list) else f"{path}.{key}".lstrip(".")
        yield from _walk(deeper, a.get(key), b.get(key))


def _parts(value: Any) -> dict[str, Any] | None:
    """An object's fields or a list's entries by name; None for what has no parts to compare one by one."""
    if value is None:
        return {}
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list) and all(isinstance(v, Mapping) for v in value):
        for key in ("name", "mountPath", "containerPort", "key"):
            names = [v.get(key) for v in value]
            if all(isinstance(n, str | int) for n in names) and len(set(names)) == len(names):
                return {str(n): v for n, v in zip(names, value, strict=True)}
    return None


def _line(value: Any) -> str:
    if value is None:
        return ""
    import json  # here: few stories compare templates

    plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    plain = " ".join(plain.split()) or '""'
    return plain if len(plain) <= _MOST else plain[: _MOST - 1] + "…"


def images(template: Mapping[str, Any]) -> list[str]:
    """The images of a template's containers, in order."""
    return [text(c, "image") for c in listed(template, "spec", "containers")]


def version_of(pod_or_template: Mapping[str, Any]) -> str:
    """The version that people mean: the first container's image tag, or a digest's first letters.

    >>> version_of({"spec": {"containers": [{"image": "registry.example:5000/team/app:1.37"}]}})
    '1.37'
    >>> version_of({"spec": {"containers": [{"image": "busybox"}]}})
    'latest'
    """
    image = next(iter(images(pod_or_template)), "")
    if "@" in image:
        return image.partition("@")[2].rpartition(":")[2][:8]
    tag = image.rpartition("/")[2].partition(":")[2]
    return tag or ("latest" if image else "")
