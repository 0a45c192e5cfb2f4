"""Where else a name that is missing could be found: in another namespace, under another kind, nearly the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from k8sviz.errors import nearest
from k8sviz.rules.fields import text
from k8sviz.why.case import Case, called, join
from k8sviz.why.model import Evidence
from k8sviz.words import say

__all__ = ["Around", "around"]

_TWINS = {"ConfigMap": "Secret", "Secret": "ConfigMap"}


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a missing name.

    `where` tells whether an object of that name is found all the same; `place` is its namespace or its kind. `hint`
    names the nearest names where it was looked for.
    """

    hint: str
    where: Literal["", "other-namespace", "other-kind"] = ""
    place: str = ""
    evidence: Sequence[Evidence] = ()


def around(case: Case, kind: str, name: str) -> Around:
    """Looks for a missing name around an object: under the twin kind, and in the other namespaces."""
    hint = nearest(name, case.names(kind))
    twin = _TWINS.get(kind, "")
    if twin and case.find(twin, name) is not None:
        return Around(hint, "other-kind", twin, [_is_in(f"{twin.lower()}/{name}", case.namespace)])
    found = [obj for obj in case.snapshot.objects(kind) if text(obj, "metadata", "name") == name]
    spaces = sorted({text(obj, "metadata", "namespace") for obj in found} - {case.namespace, ""})
    if spaces and case.namespace:
        return Around(hint, "other-namespace", join(spaces), [_is_in(called(found[0]), join(spaces))])
    return Around(hint)


def _is_in(name: str, namespace: str) -> Evidence:
    return Evidence(name, say("why.around.is-in", namespace=namespace or "default"))
