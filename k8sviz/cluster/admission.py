"""What the API server does to an object before it keeps it: complete it, and judge it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from k8sviz.cluster.refused import invalid
from k8sviz.history import Object
from k8sviz.rules.fields import text
from k8sviz.validate import Problem, problems
from k8sviz.validate.changes import update_problems

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["Admission"]


class Admission:
    """The chain of one cluster: who may ask, defaults, plugins, validation."""

    def __init__(self, api: API) -> None:
        self._api = api

    def create(self, obj: Object, *, user: str = "") -> Object:  # noqa: ARG002
        """The object as it will be stored. Raises Refused."""
        _judge(obj, problems(obj))
        return obj

    def update(self, old: Object, new: Object, *, user: str = "") -> Object:  # noqa: ARG002
        """The object as it will be stored in place of `old`. Raises Refused."""
        _judge(new, update_problems(old, new))
        return new

    def delete(self, obj: Object, *, user: str = "") -> None:
        """Whether this object may be deleted. Raises Refused."""

    def marked(self, obj: Object) -> Object:
        """An object whose deletion was just noted."""
        return obj


def _judge(obj: Object, found: Iterable[Problem]) -> None:
    causes = [
        {"reason": "FieldValueInvalid", "message": problem.words, "field": problem.field}
        for problem in found
        if problem.error
    ]
    if causes:
        raise invalid(text(obj, "kind"), text(obj, "metadata", "name"), causes)
