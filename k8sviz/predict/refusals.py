"""What the API server refuses of the versions that a prediction is asked about: none of them is played then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8sviz.history import ref_of
from k8sviz.rules.fields import text
from k8sviz.rules.objects import flattened
from k8sviz.validate import Problem, problems, update_problems
from k8sviz.words import say

__all__ = ["Refusal", "refusals", "refusals_json", "refusals_text"]

JSON = Mapping[str, Any]


class Refusal(NamedTuple):
    """One field of one object in one version (counted from 1), and what is wrong with it or with its change."""

    version: int
    ref: str
    problem: Problem


def refusals(versions: Sequence[object]) -> tuple[Refusal, ...]:
    """What is wrong with these versions, each applied to what the one before left. Empty when all would be taken.

    A version is an object, or several.

    >>> def deployment(label):
    ...     labels = {"app": label}
    ...     spec = {"containers": [{"name": "web", "image": "web:1"}]}
    ...     template = {"metadata": {"labels": labels}, "spec": spec}
    ...     return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
    ...             "spec": {"selector": {"matchLabels": labels}, "template": template}}
    >>> [(r.version, r.ref, r.problem.field) for r in refusals([deployment("a"), deployment("b")])]
    [(2, 'deployment/web', 'spec.selector')]
    """
    return tuple(_refusals(versions))


def _refusals(versions: Sequence[object]) -> Iterator[Refusal]:
    before: dict[tuple[str, str, str], JSON] = {}
    for number, version in enumerate(versions, 1):
        for obj in flattened([version] if isinstance(version, Mapping) else version):  # type: ignore[arg-type]
            key = (text(obj, "kind"), text(obj, "metadata", "namespace"), text(obj, "metadata", "name"))
            found = problems(obj) if before.get(key) != obj else []
            if key in before and not any(problem.error for problem in found):
                found += update_problems(before[key], obj)
            yield from (Refusal(number, str(ref_of(dict(obj))), each) for each in found if each.error)
            before[key] = obj


def refusals_text(found: Sequence[Refusal]) -> str:
    """The refusals in words, a line each."""
    head = say("predict.refused.head")
    return "\n".join([head, *(say("predict.refused.one", **_facts(each)) for each in found)])


def refusals_json(found: Sequence[Refusal]) -> dict[str, Any]:
    """`refused`: version, object, field, code and message of each."""
    return {
        "refused": [
            {
                "version": each.version,
                "object": each.ref,
                "field": each.problem.field,
                "code": each.problem.code,
                "message": each.problem.words,
            }
            for each in found
        ]
    }


def _facts(each: Refusal) -> dict[str, object]:
    return {"version": each.version, "what": each.ref, "problem": each.problem}
