"""What every description is made with: indented lines, labels, annotations, Events (k8s.io/kubectl/pkg/describe)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8sviz.history import Object
from k8sviz.kubectl.columns import event_times
from k8sviz.kubectl.tabwriter import aligned
from k8sviz.kubectl.times import ago
from k8sviz.rules.availability import epoch
from k8sviz.rules.fields import integer, listed, mapped, mapping, text

__all__ = ["Writer", "controlled_by"]

JSON = Mapping[str, Any]
_LONGEST: Final = 140
_SKIPPED: Final = "kubectl.kubernetes.io/last-applied-configuration"


class Writer:
    """Collects a description; `now` is seconds since 1970, for ages."""

    def __init__(self, now: float) -> None:
        self.now = now
        self._done: list[str] = []
        self._open: list[str] = []

    def write(self, level: int, text: str) -> None:
        """Text at a level of indentation; tabs are columns."""
        self._open.append("  " * level + text)

    def line(self, level: int, text: str) -> None:
        """A whole line."""
        self.write(level, text + "\n")

    def field(self, name: str, value: object, level: int = 0) -> None:
        """`Name:  value`."""
        self.line(level, f"{name}:\t{value}")

    def flush(self) -> None:
        """Columns begin anew."""
        self._done.append(aligned("".join(self._open)))
        self._open = []

    def text(self) -> str:
        """All of it."""
        self.flush()
        return "".join(self._done)

    def labels(self, title: str, labels: Mapping[str, Any], indent: str = "") -> None:
        """Labels, one a line (printLabelsMultiline)."""
        self._several(title, [f"{key}={labels[key]}" for key in sorted(labels)], indent)

    def _several(self, title: str, lines: Sequence[str], indent: str = "") -> None:
        self.write(0, f"{indent}{title}:\t")
        for i, one in enumerate(lines or ["<none>"]):
            self.line(0, f"{indent}\t{one}" if i else one)

    def several(self, title: str, lines: Sequence[str]) -> None:
        """A title and one or more values, one a line."""
        self._several(title, lines)

    def annotations(self, title: str, notes: Mapping[str, Any]) -> None:
        """Annotations, long ones cut (printAnnotationsMultiline)."""
        keys = sorted(key for key in notes if key != _SKIPPED)
        self.write(0, f"{title}:\t")
        if not keys:
            self.line(0, "<none>")
        for i, key in enumerate(keys):
            if i:
                self.write(0, "\t")
            value = str(notes[key]).removesuffix("\n")
            if len(value) + len(key) + 2 > _LONGEST or "\n" in value:
                self.line(0, f"{key}:")
                for one in value.split("\n"):
                    self.line(0, "\t  " + (one if len(one) <= _LONGEST - 2 else one[: _LONGEST - 2] + "..."))
            else:
                self.line(0, f"{key}: {value}")

    def meta(self, obj: JSON, *, namespaced: bool = True) -> None:
        """Name, namespace, labels and annotations, as most descriptions begin."""
        self.field("Name", text(obj, "metadata", "name"))
        if namespaced:
            self.field("Namespace", text(obj, "metadata", "namespace"))
        self.own_words(obj)

    def own_words(self, obj: JSON) -> None:
        """Labels and annotations of an object."""
        self.labels("Labels", mapping(obj, "metadata", "labels"))
        self.annotations("Annotations", mapping(obj, "metadata", "annotations"))

    def ending(self, obj: JSON, phase: str) -> None:
        """The status of something that may be on its way out."""
        gone = text(obj, "metadata", "deletionTimestamp")
        self.field("Status", f"Terminating (lasts {ago(gone, self.now)})" if gone else phase)

    def conditions(self, obj: JSON) -> None:
        """Type, status and reason of each condition."""
        found = listed(obj, "status", "conditions")
        if found:
            self.write(0, "Conditions:\n  Type\tStatus\tReason\n")
            self.line(1, "----\t------\t------")
            for one in found:
                self.line(1, f"{text(one, 'type')} \t{text(one, 'status')}\t{text(one, 'reason')}")

    def events(self, events: Sequence[Object] | None) -> None:
        """The Events about an object, oldest first (DescribeEvents); None where they were not asked for."""
        if events is None:
            return
        if not events:
            self.field("Events", "<none>")
            return
        self.flush()
        self.write(0, "Events:\n  Type\tReason\tAge\tFrom\tMessage\n")
        self.line(1, "----\t------\t----\t----\t-------")
        for event in sorted(events, key=_last_seen):
            self._event(event)

    def _event(self, event: Object) -> None:
        last, first, count = event_times(event, self.now)
        many = mapped(event, "series") is not None or count > 1
        said = text(event, "message").strip()
        field = text(event, "involvedObject", "fieldPath")
        source = text(event, "source", "component") or text(event, "reportingComponent")
        age = f"{last} (x{count} over {first})" if many else first
        message = f"{field}: {said}" if field else said
        self.line(1, f"{text(event, 'type')}\t{text(event, 'reason')}\t{age}\t{source}\t{message}")


def _last_seen(event: Object) -> float:
    return epoch(text(event, "lastTimestamp")) or 0.0


def controlled_by(obj: JSON) -> str:
    """`ReplicaSet/kubia-7d64`; '' for an object of its own."""
    for owner in listed(obj, "metadata", "ownerReferences"):
        if owner.get("controller"):
            return f"{text(owner, 'kind')}/{text(owner, 'name')}"
    return ""


def whole(obj: JSON, *path: str) -> int:
    """A whole number, 0 when it is missing."""
    return integer(obj, *path) or 0
