"""One container of a Pod as its kubelet sees it: its state, its runs, and its status in the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from k8sviz.history import Object
from k8sviz.rules.fields import flag, integer, listed, mapping, text
from k8sviz.rules.images import full_name, image_id

if TYPE_CHECKING:
    from k8sviz.cluster.kubelet.process import Process

__all__ = ["Container"]

_NEVER: Final = "1970-01-01T00:00:00Z"


class Container:
    """The state of a container; `status` writes it as `status.containerStatuses` has it."""

    def __init__(self, spec: Object, role: str) -> None:
        self.spec = spec
        self.role = role
        self.name = text(spec, "name")
        self.state: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}
        self.last: dict[str, Any] = {}
        self.restarts = 0
        self.crashes = 0  # in a row
        self.id = ""
        self.ready = False
        self.started = False
        self.process: Process | None = None
        self.gone = False  # has ended and will not come again

    @property
    def running(self) -> bool:
        """Whether a process runs in it."""
        return "running" in self.state

    @property
    def exit_code(self) -> int | None:
        """How its last run ended; None while it runs or before its first."""
        ended = self.state.get("terminated")
        return None if ended is None else ended["exitCode"]

    def adopt(self, status: Mapping[str, Any]) -> None:
        """Take over the state that a status in the API tells of."""
        self.state = dict(mapping(status, "state")) or self.state
        self.last = dict(mapping(status, "lastState"))
        self.restarts = self.crashes = integer(status, "restartCount") or 0
        self.id = text(status, "containerID")
        self.ready, self.started = bool(flag(status, "ready")), bool(flag(status, "started"))

    def wait(self, reason: str, message: str = "") -> None:
        """It is waiting, and why; a run that ended before is kept as its last state."""
        if "terminated" in self.state:
            self.last = self.state
        self.state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
        self.ready = self.started = False

    def run(self, now: str, identifier: str) -> None:
        """Its process has started."""
        if "terminated" in self.state:
            self.last = self.state
        if self.id:
            self.restarts += 1
        self.id = f"containerd://{identifier}"
        self.state = {"running": {"startedAt": now}}

    def end(self, now: str, code: int, reason: str = "") -> None:
        """Its process has ended."""
        began = text(self.state, "running", "startedAt") or _NEVER
        ended = {"exitCode": code, "reason": reason or ("Completed" if not code else "Error")}
        self.state = {"terminated": {**ended, "startedAt": began, "finishedAt": now, "containerID": self.id}}
        self.started = False
        self.ready = self.role == "init" and not code
        self.process = None

    def status(self, pod: Object) -> dict[str, Any]:
        """The entry of the Pod's status."""
        image = text(self.spec, "image")
        found: dict[str, Any] = {
            "name": self.name,
            "state": self.state,
            "lastState": self.last,
            "ready": self.ready,
            "restartCount": self.restarts,
            "image": full_name(image) if self.id else image,
            "imageID": image_id(image) if self.id else "",
        }
        if self.id:
            found["containerID"] = self.id
        found["started"] = self.started
        if self.id:
            resources = mapping(self.spec, "resources")
            if mapping(resources, "requests"):
                found["allocatedResources"] = dict(mapping(resources, "requests"))
            found["resources"] = dict(resources)
        mounts = [_mount(each) for each in listed(self.spec, "volumeMounts")]
        if mounts:
            found["volumeMounts"] = mounts
        if self.id:
            found["user"] = {"linux": _user(pod, self.spec)}
        return found


def _mount(entry: Any) -> dict[str, Any]:
    read_only = flag(entry, "readOnly")
    more = {"readOnly": True, "recursiveReadOnly": "Disabled"} if read_only else {}
    return {"name": text(entry, "name"), "mountPath": text(entry, "mountPath"), **more}


def _user(pod: Object, container: Object) -> dict[str, Any]:
    def number(name: str) -> int:
        own = integer(container, "securityContext", name)
        shared = integer(pod, "spec", "securityContext", name)
        return own if own is not None else shared or 0

    group = number("runAsGroup")
    extra = integer(pod, "spec", "securityContext", "fsGroup")
    groups = sorted({group, *([] if extra is None else [extra])})
    return {"uid": number("runAsUser"), "gid": group, "supplementalGroups": groups}
