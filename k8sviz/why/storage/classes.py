"""StorageClasses: which one is the default, and that there should be one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.rules.binding import default_storage_class
from k8sviz.rules.fields import text
from k8sviz.why.case import Case, Matcher, called, fact, join
from k8sviz.why.model import Explanation
from k8sviz.why.storage.reading import default_classes, is_default_class
from k8sviz.words import say

__all__ = ["CLASS"]

JSON = Mapping[str, Any]


def _defaults(case: Case) -> Explanation | None:
    """Several default classes; told in full of the first by name."""
    defaults = default_classes(case)
    if len(defaults) < 2 or not is_default_class(case.obj):
        return None
    newest = default_storage_class(defaults)
    first = [] if text(defaults[0], "metadata", "name") == case.name else [case.ask(defaults[0])]
    others = [called(found) for found in defaults if text(found, "metadata", "name") != case.name]
    proof = [fact(found, "metadata", "creationTimestamp") for found in defaults]
    told: dict[str, Any] = {"others": join(others), "newest": called(newest or {})}
    return case.tell("class.defaults", say("why.state.there"), "warning", evidence=proof, also=first, **told)


def _there(case: Case) -> Explanation:
    proof = [case.fact("provisioner"), case.fact("volumeBindingMode")]
    if is_default_class(case.obj):
        return case.tell("class.default", say("why.state.there"), evidence=proof)
    provisioner = text(case.obj, "provisioner") or say("why.text.unknown")
    return case.tell("class.there", say("why.state.there"), evidence=proof, provisioner=provisioner)


CLASS: tuple[Matcher, ...] = (_defaults, _there)
