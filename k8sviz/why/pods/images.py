"""Why an image is not there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from k8sviz.rules.fields import listed, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.around import around
from k8sviz.why.case import Case, event_fact, event_message, fact
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.reading import container_spec, state_fact
from k8sviz.words import say

__all__ = ["image_name", "image_never", "image_pull"]

JSON = Mapping[str, Any]


_PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
_PULLS = (
    (re.compile(r"pull access denied|may require '?docker login|may require authorization"), "either"),
    (re.compile(r"no match for platform|no matching manifest for"), "platform"),
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
    said = " ".join([message, *map(event_message, events[:2])])
    cause = next((word for pattern, word in _PULLS if pattern.search(said)), "other")
    proof = [state_fact(case, status), *map(event_fact, events[:2]), case.fact("spec", "imagePullSecrets")]
    image = text(container_spec(case.obj, name), "image") or text(status, "image")
    if cause in ("denied", "either", "other"):
        found = _pull_secret(case, name, image, cause, proof)
        if found is not None:
            return found
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


def _pull_secret(
    case: Case, container: str, image: str, cause: str, proof: Sequence[Evidence | None]
) -> Explanation | None:
    """A Secret that the Pod names for its pulls is missing, or is no login."""
    state = pod_status(case.obj)
    said = case.events_with("FailedToRetrieveImagePullSecret")
    words = " ".join(map(event_message, said))
    told: dict[str, Any] = {"container": container, "image": image, "cause": say(f"why.pull.{cause}")}
    for secret in [text(each, "name") for each in listed(case.obj, "spec", "imagePullSecrets")]:
        found = case.find("Secret", secret)
        told |= {"secret": secret, "namespace": case.namespace or "default"}
        if found is None and (case.knows("Secret") or (secret and secret in words)):
            near = around(case, "Secret", secret)
            place = say("why.pull.elsewhere", place=near.place) if near.where == "other-namespace" else near.hint
            more = [*proof, *map(event_fact, said[:1]), *near.evidence]
            return case.tell("container.pull-secret-missing", state, "error", evidence=more, place=place, **told)
        if found is not None and text(found, "type") not in _PULL_TYPES:
            more = [*proof, fact(found, "type")]
            kind = text(found, "type") or "Opaque"
            return case.tell("container.pull-secret-type", state, "error", evidence=more, kind=kind, **told)
    return None


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
