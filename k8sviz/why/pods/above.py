"""A Pod that its controller keeps from healing: a rollout that goes in a circle, a newer template that never comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from k8sviz.history import Object
from k8sviz.rules.fields import text
from k8sviz.why.case import Case, Matcher, called, first_of
from k8sviz.why.model import Explanation
from k8sviz.why.workloads.shared import controller_of, is_superseded
from k8sviz.words import say

__all__ = ["within_its_controller"]

_CIRCLES = ("volume-deadlock", "no-room-for-surge", "perhaps-no-room")


def within_its_controller(links: Sequence[Matcher]) -> Matcher:
    """A matcher that explains a Pod by `links`, and adds what its controller has to do with it."""

    def explain(case: Case) -> Explanation | None:
        found = first_of(case, links)
        if found is None or not found.error:
            return found
        controller = controller_of(case.snapshot, case.obj)
        if controller is None:
            return found
        if controller.get("kind") == "StatefulSet":
            return _superseded(case, controller, found)
        return _in_a_circle(case, controller, found) if controller.get("kind") == "Deployment" else found

    return explain


def _superseded(case: Case, controller: Object, found: Explanation) -> Explanation:
    """A Pod of an older template is not mended by a newer one while it is not Ready: it has to be deleted."""
    if case.deleting or not is_superseded(controller, case.obj):
        return found
    remedy = say(
        "why.pod-words.superseded",
        subject=called(case.ref),
        controller=called(controller),
        name=case.name,
        newest=text(controller, "status", "updateRevision"),
    )
    return dataclasses.replace(found, remedy=remedy)


def _in_a_circle(case: Case, controller: Object, found: Explanation) -> Explanation:
    """The rollout that keeps the Pod waiting is the root."""
    above = case.ask_above(controller)
    if above is None or above.code not in _CIRCLES or case.ref not in {cause.subject for cause in above.also}:
        return found
    short = dataclasses.replace(above, also=())
    return dataclasses.replace(found, also=(short,), ends=False, remedy=above.remedy)
