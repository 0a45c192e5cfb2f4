"""What the API server takes, since it looks at one object at a time, and what is likely a mistake all the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from k8sviz.rules.fields import mapping, text
from k8sviz.rules.selectors import labels_of
from k8sviz.validate.model import FieldPath, Problem, shown_value

__all__ = ["doubts"]

JSON = Mapping[str, Any]


def doubts(obj: JSON, others: Sequence[JSON]) -> Iterator[Problem]:
    """Doubts about one object among others: a Pod that names a PersistentVolume, a Service that selects nothing."""
    template, path = _template(obj)
    if template is not None:
        yield from _claims(template, path, others)
    if text(obj, "kind") == "Service":
        yield from _selects_none(obj, others)


def _template(obj: JSON) -> tuple[JSON | None, FieldPath]:
    """The Pod spec in an object, and its path."""
    if text(obj, "kind") == "Pod":
        return mapping(obj, "spec"), ("spec",)
    if "template" in mapping(obj, "spec"):
        return mapping(obj, "spec", "template", "spec"), ("spec", "template", "spec")
    return None, ()


def _claims(spec: JSON, path: FieldPath, others: Sequence[JSON]) -> Iterator[Problem]:
    names = {
        kind: {text(o, "metadata", "name") for o in others if text(o, "kind") == kind}
        for kind in ("PersistentVolume", "PersistentVolumeClaim")
    }
    volumes = spec.get("volumes")
    for i, volume in enumerate(volumes if isinstance(volumes, list) else []):
        name = text(volume, "persistentVolumeClaim", "claimName")
        if name and name in names["PersistentVolume"] - names["PersistentVolumeClaim"]:
            yield Problem(
                (*path, "volumes", i, "persistentVolumeClaim", "claimName"),
                "claim-is-volume",
                {"value": shown_value(name)},
                error=False,
            )


def _selects_none(service: JSON, others: Sequence[JSON]) -> Iterator[Problem]:
    selector = mapping(service, "spec", "selector")
    pods = [
        labels_of(o if text(o, "kind") == "Pod" else mapping(o, "spec", "template"))
        for o in others
        if _template(o)[0] is not None
    ]
    if selector and pods and not any(selector.items() <= labels.items() for labels in pods):
        labels = "; ".join(", ".join(f"{k}: {v}" for k, v in each.items()) or "-" for each in pods[:4])
        yield Problem(("spec", "selector"), "selects-none", {"labels": labels}, error=False)
