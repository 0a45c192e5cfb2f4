"""The Downward API story: a Pod's fields and resources → the variables and files that show them, divided and rounded.

Rules: k8sviz/rules/downward.py. A variable is made when the container starts; a file follows the Pod at once, since a
change of the Pod itself wakes the kubelet.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from k8sviz.diagrams.kit.builder import Builder, Looks
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.pods import PodFrame
from k8sviz.history import History, Object, Snapshot
from k8sviz.kinds import Ref
from k8sviz.observed import Received, objects_of
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.downward import ResourceTerms, field_value, resource_terms
from k8sviz.rules.fields import JSON, listed, mapped, mapping, text
from k8sviz.rules.files import mode_text
from k8sviz.rules.objects import Objects
from k8sviz.rules.quantity import Quantity
from k8sviz.rules.reasons import Reason
from k8sviz.rules.references import is_token_volume
from k8sviz.rules.views import mounts_of
from k8sviz.words import say

__all__ = ["arithmetic", "downward"]

_LONGEST: Final = 32
_PLAIN: Final[Level] = ""
_MAPS: Final = ("metadata.labels", "metadata.annotations")


def downward(
    snapshot: Snapshot,
    focus: Ref | None = None,
    *,
    namespace: str | None = None,
    token: bool = False,
    history: History | None = None,
) -> Diagram:
    """The Downward API story of a Snapshot: of all Pods that use it, or of the Pod in focus.

    With the `history` that the Snapshot is of, variables are those of the container's start. `token` adds the file
    `namespace` that Kubernetes gives each Pod. Raises K8svizError when the object in focus is not there.

    >>> variable = {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}}
    >>> main = {"name": "main", "resources": {"limits": {"cpu": "100m"}}, "env": [variable]}
    >>> pod = {"kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [main]}}
    >>> print(downward(History.of([pod]).at()).edges[0].label)
    resourceFieldRef
    100m ÷ 1m = 100
    frozen
    """
    b = Builder(snapshot, namespace, focus)
    for pod in b.pods():
        _Pod(b, pod, history, token).draw()
    return b.told("downward")


def arithmetic(terms: ResourceTerms) -> str:
    """The division as people write it, and what rounding up makes of it.

    >>> from k8sviz.rules.quantity import parse_quantity
    >>> memory = parse_quantity("20Mi")
    >>> print(arithmetic(ResourceTerms("limits", "memory", memory, parse_quantity("1M"), "own")))
    20Mi ÷ 1M = 20.971…
    rounded up: 21
    """
    if terms.amount is None:
        return ""
    divisor = terms.divisor if terms.divisor is not None and terms.divisor.nano else Quantity(10**9)
    exact = Fraction(terms.amount.nano, divisor.nano)
    if exact.denominator == 1 and str(exact.numerator) == terms.value:
        return say("downward.edge.sum", amount=terms.amount, divisor=divisor, value=terms.value)
    return say("downward.edge.rounded", amount=terms.amount, divisor=divisor, exact=_decimal(exact), value=terms.value)


def _decimal(number: Fraction) -> str:
    """Three digits after the point, with a mark where there are more."""
    thousandths = number * 1000
    shown = f"{int(thousandths) / 1000:.3f}".rstrip("0").rstrip(".")
    return shown if thousandths.denominator == 1 else f"{shown}…"


@dataclass(frozen=True, slots=True)
class _Shown:
    """One field or resource, and the variable or file that shows it."""

    reference: JSON
    is_field: bool
    target: str


class _Pod:
    """Draws one Pod: its fields and resources on the left, its containers with what shows them on the right."""

    def __init__(self, b: Builder, pod: Object, history: History | None, token: bool) -> None:
        self.b, self.json, self.history, self.token = b, pod, history, token
        self.frame = PodFrame(b, pod)
        self.pod = self.frame.pod
        self.objects: Objects = objects_of(b.snapshot, self.pod.namespace)

    def draw(self) -> None:
        """Reads env[].valueFrom, the items of downwardAPI and projected volumes, and the containers' mounts."""
        for container, role in in_start_order(self.json):
            self.container(container, self.frame.container(container, role))

    def container(self, container: JSON, frame: str) -> None:
        got = self.frame.received(text(container, "name"), self.history)
        for entry in listed(container, "env"):
            for part in ("fieldRef", "resourceFieldRef"):
                reference = mapped(entry, "valueFrom", part)
                if reference is not None and not text(entry, "value"):
                    shown = _Shown(reference, part == "fieldRef", text(entry, "name"))
                    self.variable(container, got, shown, frame)
                    break
        self.files(text(container, "name"), got, frame)

    # -- what is shown -------------------------------------------------------------------------------

    def value(self, shown: _Shown, container: JSON | None) -> str | ResourceTerms | Reason | None:
        """The field's value or the resource's terms; a Reason where there is no such field or container."""
        if shown.is_field:
            path = text(shown.reference, "fieldPath")
            return field_value(path, self.json, self.objects, in_volume=container is None)
        return resource_terms(shown.reference, self.json, container, self.objects)

    def source(self, shown: _Shown, container: JSON | None) -> tuple[str, str]:
        """The field's or resource's node, and the arithmetic of it."""
        value = self.value(shown, container)
        if shown.is_field:
            return self.field(text(shown.reference, "fieldPath"), value), ""
        return self.resource(shown, container, value), arithmetic(value) if isinstance(value, ResourceTerms) else ""

    def field(self, path: str, value: object) -> str:
        if isinstance(value, Reason):
            return self.frame.put("Field", path, state=say("downward.state.refused"), level="bad")
        if path not in _MAPS:
            return self.frame.put("Field", path, [_value(value if isinstance(value, str) else None)])
        facts = [say("downward.fact.entries", count=len(mapping(self.json, *path.split("."))))]
        return self.frame.put("Field", path, [*facts, *([say("downward.fact.kubelet")] if path == _MAPS[1] else [])])

    def resource(self, shown: _Shown, container: JSON | None, terms: object) -> str:
        of = text(shown.reference, "containerName") or text(container, "name")
        path = text(shown.reference, "resource")
        facts = [say("downward.fact.of-container", container=of)]
        if not isinstance(terms, ResourceTerms):
            lost = isinstance(terms, Reason) and terms.code == "container-not-found"
            state = say("downward.state.no-container" if lost else "downward.state.refused")
            return self.frame.put("Field", path, facts, of=of, state=state, level="bad")
        if terms.origin == "own":
            return self.frame.put("Field", path, [*facts, say("downward.fact.value", value=terms.amount)], of=of)
        state = say("downward.fact.not-set")
        code = "zero" if terms.origin == "none" else f"from-{terms.origin}"
        facts.append(say(f"downward.fact.{code}").removeprefix(f"{state}: "))
        node = self.frame.put("Field", path, facts, of=of, state=state, level="off")
        if terms.origin == "node":
            self.allocatable(node, terms)
        return node

    def allocatable(self, node: str, terms: ResourceTerms) -> None:
        """The node whose allocatable amount stands in for a limit."""
        if not self.pod.node:
            return
        machine = Ref("Node", self.pod.node)
        amounts = mapping(self.b.snapshot.find(machine), "status", "allocatable")
        facts = [
            say("downward.fact.allocatable", resource=k, amount=amounts[k]) for k in ("cpu", "memory") if k in amounts
        ]
        self.b.object(machine, facts)
        self.b.edge(self.b.id_of(machine), node, "allocatable", say("downward.edge.allocatable"), key=terms.resource)

    # -- what shows it -------------------------------------------------------------------------------

    def variable(self, container: JSON, got: Received, shown: _Shown, frame: str) -> None:
        source, steps = self.source(shown, container)
        if isinstance(self.value(shown, container), Reason):
            self.broken(source, "Variable", shown, shown.target, text(container, "name"), frame)
            return
        mine = (v.value for v in got.environment.variables if v.name == shown.target and v.origin.path)
        value = next(mine, None)  # not that of a later declaration, which may be a Secret's
        change, level = "frozen", _PLAIN
        if got.run is not None and shown.is_field and value is not None:
            now = field_value(text(shown.reference, "fieldPath"), self.json, self.objects)
            if isinstance(now, str) and now != value:
                change, level = "stale", "off"
        of = text(container, "name")
        looks = Looks(state=say(f"downward.state.{change}"), level=level)
        node = self.frame.put("Variable", shown.target, [_value(value)], of=of, group=frame, **looks)
        code = "fieldRef" if shown.is_field else "resourceFieldRef"
        words = [say(f"downward.edge.{code}"), steps, say("downward.edge.frozen")]
        self.b.edge(source, node, code, "\n".join(word for word in words if word), "off")

    def files(self, container: str, got: Received, frame: str) -> None:
        volumes = {text(volume, "name"): volume for volume in listed(self.json, "spec", "volumes")}
        for path, versions in got.files.items():
            file = versions[-1].file
            if file is None or file.source.kind != "Pod":
                continue
            if is_token_volume(volumes.get(file.volume, {})) and not self.token:
                continue
            item = _item(volumes.get(file.volume, {}), path, file.source.path, file.source.container)
            if item is None:
                continue
            source, steps = self.source(item, None)
            live = file.update == "live"
            content = None if file.content is None else file.content.decode("utf-8", "replace")
            facts = [say("downward.fact.mode", mode=mode_text(file.mode).rjust(4, "0")), _value(content)]
            change = "live" if live else "frozen"
            looks = Looks(state=say(f"downward.state.{change}"), level="ok" if live else "")
            node = self.frame.put("File", path, facts, of=container, group=frame, **looks)
            code = "fieldRef" if item.is_field else "resourceFieldRef"
            words = [say("downward.fact.volume", volume=file.volume), steps, say(f"downward.edge.{change}")]
            label = "\n".join(word for word in words if word)
            self.b.edge(source, node, code, label, "ok" if live else "off", key=file.volume)
        for mount in mounts_of(got.container):
            for item in _items(volumes.get(mount.volume, {})):
                if isinstance(self.value(item, None), Reason) and mount.sub_path in ("", item.target):
                    path = mount.path if mount.sub_path else posixpath.join(mount.path, item.target)
                    self.broken(self.source(item, None)[0], "File", item, path, container, frame)

    def broken(self, source: str, kind: str, shown: _Shown, name: str, container: str, frame: str) -> None:
        """What a reference that leads nowhere was to make."""
        looks = Looks(state=say("downward.state.missing"), level="bad")
        node = self.frame.put(kind, name, of=container, group=frame, **looks)
        code = "fieldRef" if shown.is_field else "resourceFieldRef"
        self.b.edge(source, node, code, say(f"downward.edge.{code}"), "bad")


def _value(value: str | None) -> str:
    """A value as one short fact."""
    if value is None:
        return say("downward.fact.unknown")
    if not value:
        return say("downward.fact.value-empty")
    first, more, _ = value.strip("\n").partition("\n")
    cut = first if len(first) <= _LONGEST else first[: _LONGEST - 1]
    return say("downward.fact.value", value=f"{cut}…" if more or cut != first else cut)


def _item(volume: JSON, path: str, wanted: str, container: str) -> _Shown | None:
    """The item of a downwardAPI or projected volume that makes the file at this path."""
    fit = []
    for item in _items(volume):
        of = text(item.reference, "resource"), text(item.reference, "containerName")
        if (text(item.reference, "fieldPath") == wanted) if item.is_field else of == (wanted, container):
            fit.append(item)
    ends = [found for found in fit if path.endswith(posixpath.join("/", found.target))]
    return ends[0] if ends else fit[0] if fit else None


def _items(volume: JSON) -> list[_Shown]:
    """What a downwardAPI or projected volume shows."""
    sources = [*listed(volume, "projected", "sources"), volume]
    found = []
    for item in (item for source in sources for item in listed(source, "downwardAPI", "items")):
        for part in ("fieldRef", "resourceFieldRef"):
            reference = mapped(item, part)
            if reference is not None:
                found.append(_Shown(reference, part == "fieldRef", text(item, "path")))
                break
    return found
