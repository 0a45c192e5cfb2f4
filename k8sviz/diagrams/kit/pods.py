"""What stories draw of a Pod: a frame with its status, its containers, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Unpack

from k8sviz.diagrams.kit.builder import Builder, Looks
from k8sviz.diagrams.kit.facts import container_level, pod_level
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.observed import Received, received, received_now
from k8sviz.rules.fields import JSON, text
from k8sviz.rules.pods import container_state
from k8sviz.rules.views import Pod

__all__ = ["PodFrame", "container_kind"]

_KINDS = {"init": "InitContainer", "sidecar": "InitContainer", "ephemeral": "EphemeralContainer"}


class PodFrame:
    """Draws the frame of a Pod.

    Pods of one controller are alike, with all that is in them; `alike` says it for those that have none.
    """

    def __init__(
        self,
        b: Builder,
        pod: JSON,
        facts: Iterable[str] = (),
        *,
        alike: str = "",
        ref: Ref | None = None,
        status: str | None = None,
    ) -> None:
        """`ref` and `status` are those of the workload that will make the Pod, where there is none yet."""
        self.b, self.pod = b, Pod(pod)
        self.ref = self.pod.ref
        self.owner = alike or b.owner_of(self.pod.json)
        status = self.pod.status if status is None else status
        self.id = b.group(ref or self.ref, facts, state=status, level=pod_level(status), alike=self.alike(status))

    def alike(self, *words: str) -> str:
        """What makes things of this Pod and of its siblings alike; '' where it has none."""
        return " ".join((self.owner, *words)) if self.owner else ""

    def at(self, what: str, *names: str) -> str:
        """The id of something in the Pod."""
        return "/".join((what, self.ref.namespace, self.ref.name, *names))

    def put(
        self, kind: str, name: str, facts: Iterable[str] = (), *, of: str = "", group: str = "", **looks: Unpack[Looks]
    ) -> str:
        """Draw something that the Pod has, or that its container `of` has, in the frame `group`. Returns its id."""
        names = [each for each in (of, name) if each]
        looks.setdefault("alike", self.alike(*names))
        return self.b.node(kind, name, self.at(kind.lower(), *names), facts, group=group or self.id, **looks)

    def container(self, container: JSON, role: str, facts: Iterable[str] = (), *, alike: str = "") -> str:
        """Draw a container as a frame; `alike` stands in for its name. Returns its id."""
        name = text(container, "name")
        state = container_state(self.pod.json, name)
        kind, level = container_kind(role), container_level(self.pod.json, state)
        looks = Looks(state=state.word, level=level, alike=self.alike(alike or name))
        return self.b.frame(kind, name, self.at(kind, name), facts, parent=self.id, **looks)

    def received(self, container: str, history: History | None) -> Received:
        """What the container was given when it started; without a History, what it would get now."""
        snapshot = self.b.snapshot
        if history is None:
            return received_now(snapshot, self.ref, container)
        return received(history, min(snapshot.t, history.end), self.ref, container)


def container_kind(role: str) -> str:
    """The kind of a container's node or frame, by the part that it plays."""
    return _KINDS.get(role, "Container")
