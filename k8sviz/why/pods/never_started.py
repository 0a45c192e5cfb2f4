"""A container that was never started: the runtime's words read against its command, its mounts and its user.

The process never ran, so there are no logs. Wordings are those of runc and crun under containerd and CRI-O, and of
Docker before them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

from k8sviz.rules.fields import integer, listed, mapping, strings, text
from k8sviz.rules.pods import pod_status
from k8sviz.why.case import Case, called, event_fact, event_message, join, shown
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.pods.reading import container_spec, memory_limit, state_fact, volume_fact, volume_of
from k8sviz.words import say

__all__ = ["NEVER_STARTED", "never_started", "start_failed"]

JSON = Mapping[str, Any]
Match = re.Match[str]

NEVER_STARTED = ("StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError")
"""Reasons of a state in which the program never ran (pkg/kubelet/kuberuntime, containerd's CRI, dockershim)."""


def never_started(case: Case, status: JSON) -> Explanation | None:
    """The container's newest try ended before its program ran; None when the program did run."""
    for state in ("state", "lastState"):
        ended = mapping(status, state, "terminated")
        if text(ended, "reason") in NEVER_STARTED:
            return start_failed(case, status, text(ended, "message"), state)
    return None


def start_failed(case: Case, status: JSON, message: str, state: str = "state") -> Explanation:
    """The runtime could not make or start the container."""
    name = text(status, "name")
    events = [e for e in case.events_with("Failed", "FailedCreatePodContainer") if "image" not in event_message(e)[:40]]
    said = message if ":" in message or not events else event_message(events[0]).removeprefix("Error: ")
    proof: list[Evidence | None] = [state_fact(case, status)]
    if state == "lastState":
        proof.append(state_fact(case, status, "lastState"))
    proof += map(event_fact, events[:1])
    attempt = _Attempt(case, name, said, proof)
    for pattern, explain in _STARTS:
        found = pattern.search(said)
        if found:
            return explain(attempt, found)
    return attempt.because("container.start-failed", message=said or say("why.text.no-message"))


class _Attempt:
    """One try to start a container, with what the runtime said and the evidence so far."""

    def __init__(self, case: Case, name: str, said: str, proof: list[Evidence | None]) -> None:
        self.case, self.name, self.said, self.proof = case, name, said, proof
        self.spec = container_spec(case.obj, name)

    def because(self, code: str, **told: Any) -> Explanation:
        """The explanation of this try, with the words of a code."""
        return self.case.tell(
            code, pod_status(self.case.obj), "error", evidence=self.proof, container=self.name, **told
        )

    def field(self, *path: str) -> None:
        """Adds a field of the container's spec to the evidence."""
        value: object = self.spec
        for part in path:
            value = mapping(value).get(part)
        if value is None:
            return
        words = " ".join(map(str, value)) if isinstance(value, list) else shown(value)
        source = f"spec.containers[{self.name}].{'.'.join(path)}"
        self.proof.append(Evidence(say("why.text.field", path=source, subject=called(self.case.ref)), words))

    def mount_over(self, path: str) -> JSON:
        """The mount that lies over a path: the deepest; empty when none does."""
        if not path.startswith("/"):
            return {}
        over = [mount for mount in listed(self.spec, "volumeMounts") if _within(path, text(mount, "mountPath"))]
        return max(over, key=lambda mount: len(text(mount, "mountPath")), default={})

    def add_mount(self, mount: JSON) -> None:
        """Adds a mount and its volume to the evidence."""
        volume = text(mount, "name")
        source = f"spec.containers[{self.name}].volumeMounts[{volume}]"
        words = ", ".join(f"{key}: {mount[key]}" for key in ("mountPath", "subPath", "readOnly") if key in mount)
        self.proof.append(Evidence(say("why.text.field", path=source, subject=called(self.case.ref)), words))
        self.proof.append(volume_fact(self.case, volume))

    def what(self, mount: JSON) -> str:
        """What is mounted, in words: the ConfigMap cfg, the volume data."""
        volume = volume_of(self.case, text(mount, "name"))
        for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if field in volume:
                return f"{kind} {text(volume, field, key)}"
        claim = text(volume, "persistentVolumeClaim", "claimName")
        return f"pvc/{claim}" if claim else say("why.pod-words.volume", name=text(mount, "name"))

    def keys(self, mount: JSON) -> list[str]:
        """The files that a mounted ConfigMap or Secret brings, by their keys; empty where that is not known."""
        volume = volume_of(self.case, text(mount, "name"))
        for field, kind, key in (("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")):
            if field in volume:
                items = [text(item, "path") for item in listed(volume, field, "items")]
                found = self.case.find(kind, text(volume, field, key))
                keys = {*mapping(found, "data"), *mapping(found, "binaryData"), *mapping(found, "stringData")}
                return items or sorted(map(str, keys))
        return []


def _within(path: str, folder: str) -> bool:
    folder = posixpath.normpath("/" + folder.strip("/")) if folder else ""
    return bool(folder) and (path == folder or path.startswith(folder.rstrip("/") + "/"))


# -- one for each way to fail -----------------------------------------------------------------------------------


def _program_missing(attempt: _Attempt, match: Match) -> Explanation:
    """The program is not there: a mount may hide it."""
    program = match["program"]
    attempt.field("command")
    attempt.field("args")
    mount = attempt.mount_over(program)
    if mount and not text(mount, "subPath"):
        attempt.add_mount(mount)
        keys = join(attempt.keys(mount)) or say("why.text.unknown")
        told = {"what": attempt.what(mount), "folder": text(mount, "mountPath"), "keys": keys}
        return attempt.because("container.program-hidden", program=program, **told)
    return attempt.because("container.program-missing", program=program, image=text(attempt.spec, "image"))


def _format(attempt: _Attempt, match: Match) -> Explanation:
    node = text(attempt.case.obj, "spec", "nodeName")
    found = attempt.case.snapshot.get("Node", node) if node else None
    machine = text(found, "status", "nodeInfo", "architecture") or text(
        found, "metadata", "labels", "kubernetes.io/arch"
    )
    if machine:
        attempt.proof.append(Evidence(f"node/{node}", machine))
    program = match.groupdict().get("program") or join(strings(attempt.spec, "command")) or say("why.pod-words.program")
    return attempt.because(
        "container.exec-format",
        program=program,
        image=text(attempt.spec, "image"),
        machine=machine or say("why.text.unknown"),
    )


def _not_executable(attempt: _Attempt, match: Match) -> Explanation:
    program = match["program"]
    attempt.field("command")
    attempt.field("securityContext", "runAsUser")
    mount = attempt.mount_over(program)
    if mount:
        attempt.add_mount(mount)
        volume = volume_of(attempt.case, text(mount, "name"))
        for field in ("configMap", "secret", "projected"):
            mode = integer(volume, field, "defaultMode")
            if field in volume:
                shown = f"0{420 if mode is None else mode:o}"
                return attempt.because(
                    "container.mode-without-x", program=program, what=attempt.what(mount), mode=shown, field=field
                )
    return attempt.because("container.not-executable", program=program, image=text(attempt.spec, "image"))


def _on_a_file(attempt: _Attempt, match: Match) -> Explanation:  # noqa: ARG001
    """A folder is mounted where the image has a file, or the other way round."""
    mounts = [m for m in listed(attempt.spec, "volumeMounts") if text(m, "mountPath")]
    found = [m for m in mounts if re.search(re.escape(text(m, "mountPath")) + r"[\"\\:\s]", attempt.said + " ")]
    mount = max(found, key=lambda m: len(text(m, "mountPath")), default={})
    if not mount:
        return attempt.because("container.mount-kind", path=say("why.pod-words.a-mount"))
    attempt.add_mount(mount)
    path, sub_path, keys = text(mount, "mountPath"), text(mount, "subPath"), attempt.keys(mount)
    told: dict[str, Any] = {"path": path, "what": attempt.what(mount), "keys": join(keys) or say("why.text.none")}
    if sub_path and keys and sub_path not in keys:
        return attempt.because("container.sub-path-no-key", sub_path=sub_path, **told)
    if sub_path:
        return attempt.because("container.mount-kind", path=path)
    return attempt.because("container.folder-on-file", file=posixpath.basename(path), **told)


def _no_user(attempt: _Attempt, match: Match) -> Explanation:
    attempt.field("securityContext", "runAsUser")
    return attempt.because("container.no-user", user=match["user"], image=text(attempt.spec, "image"))


def _no_folder(attempt: _Attempt, match: Match) -> Explanation:
    attempt.field("workingDir")
    mount = attempt.mount_over(match["path"])
    if mount:
        attempt.add_mount(mount)
    return attempt.because("container.no-working-dir", path=match["path"])


def _too_little_memory(attempt: _Attempt, match: Match) -> Explanation:  # noqa: ARG001
    attempt.field("resources", "limits")
    limit = memory_limit(attempt.case, attempt.name) or say("why.text.none")
    unit = say("why.pod-words.no-unit", limit=limit) if limit.isdecimal() else ""
    return attempt.because("container.limit-too-low", limit=limit, unit=unit)


def _read_only_root(attempt: _Attempt, match: Match) -> Explanation:
    attempt.field("securityContext", "readOnlyRootFilesystem")
    return attempt.because("container.mount-point-missing", path=match["path"])


def _said(code: str) -> Callable[[_Attempt, Match], Explanation]:
    def told(attempt: _Attempt, match: Match) -> Explanation:  # noqa: ARG001
        attempt.field("command")
        return attempt.because(code, message=attempt.said, image=text(attempt.spec, "image"))

    return told


_PROGRAM = r"exec:? \\?\"?(?P<program>[^\s\"\\:]+)\\?\"?:?"
_STARTS: tuple[tuple[re.Pattern[str], Callable[[_Attempt, Match], Explanation]], ...] = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), explain)
    for pattern, explain in (
        (
            r"vice-versa|error mounting .*not a directory|is not a directory.*mount|mount .*: not a directory",
            _on_a_file,
        ),
        (r"(?:chdir to cwd|workdir|working directory) ?\(?\\?\"?(?P<path>/[^\s\"\\)]*)", _no_folder),
        (r"mkdirat? (?:[^\s:]*?rootfs)?(?P<path>/[^\s:]+): read-only file system", _read_only_root),
        (r"container process [`'\"](?P<program>[^`'\"]+)[`'\"]: exec format error", _format),
        (_PROGRAM + r".*exec format error", _format),
        (r"exec format error", _format),
        (r"init was OOM-killed|memory limit too low|minimum memory", _too_little_memory),
        (r"unable to find (?:user|group) (?P<user>[^\s:]+)", _no_user),
        (_PROGRAM + r".*(?:no such file or directory|executable file not found|not found in \$PATH)", _program_missing),
        (r"executable file [`'\"]?(?P<program>[^\s'\"`]+)[`'\"]? not found", _program_missing),
        (_PROGRAM + r".*permission denied", _not_executable),
        (r"open executable: (?P<program>)[Pp]ermission denied", _not_executable),
        (r"[Nn]o command specified", _said("container.no-command")),
        (r"seccomp|apparmor|AppArmor", _said("container.profile-missing")),
        (
            r"failed to reserve container name|is reserved for|DeadlineExceeded|deadline exceeded",
            _said("container.runtime-slow"),
        ),
        (r"no space left on device", _said("container.disk-full")),
    )
)
