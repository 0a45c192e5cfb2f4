"""Why an image is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, event_fact, event_message
from k8sviz.why.model import Explanation
from k8sviz.why.pods.reading import container_spec, state_fact
from k8sviz.words import say

__all__ = ["image_name", "image_never", "image_pull"]

JSON = Mapping[str, Any]


_PULLS = (
    (re.compile(r"not found|manifest unknown|does not exist"), "not-found"),
    (re.compile(r"unauthorized|denied|forbidden|authentication required", re.IGNORECASE), "denied"),
    (re.compile(r"toomanyrequests|rate limit", re.IGNORECASE), "rate-limit"),
    (re.compile(r"x509|certificate"), "certificate"),
    (re.compile(r"no such host|dial tcp|timeout|timed out|connection refused|i/o"), "unreachable"),
)


def image_pull(case: Case, status: JSON, message: str) -> Explanation:
    """The node cannot pull the image."""
    name = text(status, "name")
    events = [
        e for e in case.events_with("Failed", "ErrImageNeverPull", "InspectFailed") if "image" in event_message(e)
    ]
    said = f"{message} {' '.join(text(e, 'message') for e in events[:2])}"
    cause = next((word for pattern, word in _PULLS if pattern.search(said)), "other")
    proof = [state_fact(case, status), *map(event_fact, events[:2]), case.fact("spec", "imagePullSecrets")]
    image = text(container_spec(case.obj, name), "image") or text(status, "image")
    return case.tell(
        "container.image-pull",
        pod_status(case.obj),
        "error",
        evidence=proof,
        container=name,
        image=image,
        cause=say(f"why.pull.{cause}"),
        remedy=say(f"why.pull-remedy.{cause}"),
    )


def image_name(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    """The image's name is none."""
    name = text(status, "name")
    image = text(container_spec(case.obj, name), "image")
    return case.tell(
        "container.image-name",
        pod_status(case.obj),
        "error",
        evidence=[state_fact(case, status)],
        container=name,
        image=image,
    )


def image_never(case: Case, status: JSON, message: str) -> Explanation:  # noqa: ARG001
    """The node has no such image and may not pull it."""
    name = text(status, "name")
    image = text(container_spec(case.obj, name), "image")
    return case.tell(
        "container.image-never",
        pod_status(case.obj),
        "error",
        evidence=[state_fact(case, status)],
        container=name,
        image=image,
        node=text(case.obj, "spec", "nodeName"),
    )
