"""What failed within a container: a program, or a write to what is read-only."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import Any

from k8sviz.history import Object
from k8sviz.rules.fields import flag, listed, text
from k8sviz.why.case import called
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.steps.case import StepCase
from k8sviz.words import say

__all__ = ["exec_failed", "read_only"]

JSON = Mapping[str, Any]
Match = re.Match[str]


def read_only(case: StepCase, match: Match) -> Explanation:
    """A write to a read-only mount or file system."""
    path = match["path"].strip()
    pod, container, mount = _mount_of(case, path)
    proof: list[Evidence | None] = [case.said(match[0])]
    if mount is None or pod is None:
        return case.tell("step.read-only", evidence=proof, path=path)
    source = f"spec.containers[{container}].volumeMounts[{text(mount, 'mountPath')}].readOnly"
    proof.append(Evidence(say("why.text.field", path=source, subject=called(pod)), "true"))
    return case.tell(
        "step.read-only-mount",
        evidence=proof,
        path=path,
        mount=text(mount, "mountPath"),
        volume=text(mount, "name"),
        container=container,
    )


def _mount_of(case: StepCase, path: str) -> tuple[Object | None, str, JSON | None]:
    """The read-only mount that a path within `kubectl exec` lies under."""
    pod, wanted = _exec_target(case)
    for container in listed(pod or {}, "spec", "containers"):
        name = text(container, "name")
        if wanted and name != wanted:
            continue
        for mount in listed(container, "volumeMounts"):
            if flag(mount, "readOnly") and path.startswith(text(mount, "mountPath").rstrip("/") + "/"):
                return pod, name, mount
    return pod, wanted, None


def _exec_target(case: StepCase) -> tuple[Object | None, str]:
    """The Pod and the container that a `kubectl exec` in the command names."""
    try:
        words = shlex.split(case.step.command)
    except ValueError:
        return None, ""
    if "exec" not in words:
        return None, ""
    rest = words[words.index("exec") + 1 :]
    rest = rest[: rest.index("--")] if "--" in rest else rest
    container = next((rest[i + 1] for i, word in enumerate(rest[:-1]) if word in ("-c", "--container")), "")
    pods = [case.snapshot.get("Pod", word.removeprefix("pod/")) for word in rest if not word.startswith("-")]
    return next((pod for pod in pods if pod is not None), None), container


def exec_failed(case: StepCase, match: Match) -> Explanation:
    """A program within a container failed: its own last words say why."""
    lines = [line.strip() for line in case.lines if line.strip() and not line.startswith(("Warning: ", "Defaulted "))]
    words = [line for line in lines if line not in match.string[match.start() : match.end()]]
    return case.tell(
        "step.exec-failed",
        evidence=[case.said(words[-1] if words else match[0])],
        exit_code=match["code"],
        words=words[-1] if words else say("why.step-words.nothing"),
    )
