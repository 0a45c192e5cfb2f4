"""Who uses a ConfigMap or Secret, and what a change of it reaches: files follow, variables wait for the next start.

Keys are named, values never.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import flag, mapping
from k8sviz.rules.references import Reference, references
from k8sviz.why.case import Case, Matcher, called, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["CONFIG"]

JSON = Mapping[str, Any]


def _uses(case: Case) -> list[tuple[Object, Reference]]:
    """The Pods' uses of the object, by Pod."""
    pods = case.snapshot.objects("Pod", namespace=case.namespace or None)
    return [(pod, use) for pod in pods for use in references(pod) if (use.kind, use.name) == (case.ref.kind, case.name)]


def _keys(case: Case) -> Evidence:
    keys = sorted({*mapping(case.obj, "data"), *mapping(case.obj, "binaryData"), *mapping(case.obj, "stringData")})
    source = say("why.text.keys", subject=called(case.ref))
    return Evidence(source, join(map(str, keys), most=12) or say("why.text.none"))


def _place(pod: Object, use: Reference) -> Evidence:
    """Where a Pod uses it, as evidence."""
    where = say(
        "why.config-words.place", container=use.container or say("why.text.none"), target=use.target, way=use.way
    )
    return Evidence(called(pod), where)


def _unused(case: Case) -> Explanation | None:
    if _uses(case):
        return None
    return case.tell("config.unused", say("why.state.there"), evidence=[_keys(case)])


def _frozen(case: Case) -> Explanation | None:
    if not flag(case.obj, "immutable"):
        return None
    pods = join(dict.fromkeys(called(pod) for pod, _ in _uses(case)))
    return case.tell(
        "config.immutable", say("why.state.there"), evidence=[case.fact("immutable"), _keys(case)], pods=pods
    )


def _used(case: Case) -> Explanation:
    uses = _uses(case)
    live = join(dict.fromkeys(called(pod) for pod, use in uses if not use.frozen))
    waits = join(dict.fromkeys(called(pod) for pod, use in uses if use.frozen))
    proof = [_keys(case), *(_place(pod, use) for pod, use in uses[:12])]
    return case.tell(
        "config.used",
        say("why.state.there"),
        evidence=proof,
        pods=join(dict.fromkeys(called(pod) for pod, _ in uses)),
        live=live or say("why.text.none"),
        waits=waits or say("why.text.none"),
    )


CONFIG: tuple[Matcher, ...] = (_unused, _frozen, _used)
