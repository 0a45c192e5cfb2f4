"""The Downward API story: a Pod's fields and resources → the variables and files that show them, divided and rounded.

Rules: k8sviz/rules/downward.py. A variable is made when the container starts; a file follows the Pod at once, since a
change of the Pod itself wakes the kubelet.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import container_level, pod_level
from k8sviz.diagrams.kit.limits import LIMIT
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.summary import sum_up
from k8sviz.history import History, Object, Snapshot, ref_of
from k8sviz.kinds import Ref
from k8sviz.observed import Received, objects_of, received, received_now
from k8sviz.rules.admission import in_start_order
from k8sviz.rules.downward import ResourceTerms, field_value, resource_terms
from k8sviz.rules.fields import listed, mapped, mapping, text
from k8sviz.rules.files import mode_text
from k8sviz.rules.objects import Objects
from k8sviz.rules.pods import container_state, pod_status
from k8sviz.rules.quantity import Quantity
from k8sviz.rules.reasons import Reason
from k8sviz.rules.references import is_token_volume
from k8sviz.words import say

__all__ = ["arithmetic", "downward"]

_LONGEST: Final = 32
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
    if focus is not None:
        snapshot.require(focus)
    b = Builder(snapshot, namespace)
    for pod in snapshot.objects("Pod", namespace=namespace):
        if focus is None or focus.kind != "Pod" or ref_of(pod) == focus:
            _Pod(b, pod, history, token).draw()
    name = namespace or snapshot.about.namespace
    title = say("downward.title.namespace", namespace=name) if name else say("downward.title.all")
    title = say("downward.title.one", what=focus) if focus is not None else title
    diagram = b.diagram("downward", title)
    if focus is not None and focus.kind != "Pod":
        diagram = diagram.around(*(node.id for node in diagram.nodes if node.ref == focus))
    kinds = {"Container", "InitContainer"}
    used = {node.group for node in diagram.nodes}
    used |= {group.parent for group in diagram.groups if group.id in used}
    groups = (g._replace(ref=None) if g.kind in kinds else g for g in diagram.groups if g.id in used)
    diagram = diagram._replace(groups=tuple(groups))
    if not diagram.nodes:
        return diagram._replace(notes=(*diagram.notes, say("downward.note.nothing")))
    return sum_up(diagram, LIMIT)


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

    reference: Mapping[str, Any]
    is_field: bool
    target: str


class _Pod:
    """Draws one Pod: its fields and resources on the left, its containers with what shows them on the right."""

    def __init__(self, b: Builder, pod: Object, history: History | None, token: bool) -> None:
        self.b, self.pod, self.history, self.token = b, pod, history, token
        self.ref = ref_of(pod)
        self.objects: Objects = objects_of(b.snapshot, self.ref.namespace)
        self.owner = b.owner_of(pod)

    def draw(self) -> None:
        """Reads env[].valueFrom, the items of downwardAPI and projected volumes, and the containers' mounts."""
        status = pod_status(self.pod)
        alike = f"{self.owner} {status}" if self.owner else ""
        self.frame = self.b.group(self.ref, state=status, level=pod_level(status), alike=alike)
        for container, role in in_start_order(self.pod):
            kind = "InitContainer" if role in ("init", "sidecar") else "Container"
            self.container(container, kind)

    def container(self, container: Mapping[str, Any], kind: str) -> None:
        name = text(container, "name")
        if self.history is None:
            got = received_now(self.b.snapshot, self.ref, name)
        else:
            got = received(self.history, min(self.b.snapshot.t, self.history.end), self.ref, name)
        state = container_state(self.pod, name)
        home = Ref(kind, name, f"{self.ref.namespace}/{self.ref.name}")
        alike = f"{self.owner} {name}" if self.owner else ""
        frame = self.b.group(
            home, state=state.word, level=container_level(self.pod, state), parent=self.frame, alike=alike
        )
        for entry in listed(container, "env"):
            for part in ("fieldRef", "resourceFieldRef"):
                reference = mapped(entry, "valueFrom", part)
                if reference is not None and not text(entry, "value"):
                    shown = _Shown(reference, part == "fieldRef", text(entry, "name"))
                    self.variable(container, got, shown, frame)
                    break
        self.files(got, frame)

    def put(self, kind: str, name: str, facts: list[str], change: str, level: Level, frame: str) -> str:
        node = f"{kind.lower()}/{self.ref.namespace}/{self.ref.name}/{frame.rpartition('/')[2]}/{name}"
        state = say(f"downward.state.{change}")
        alike = f"{self.owner} {name}" if self.owner else ""
        return self.b.node(kind, name, node, facts, state=state, level=level, group=frame, alike=alike)

    # -- what is shown -------------------------------------------------------------------------------

    def source(self, shown: _Shown, container: Mapping[str, Any] | None) -> tuple[str, str]:
        """The field's or resource's node, and the arithmetic of it."""
        if shown.is_field:
            return self.field(text(shown.reference, "fieldPath"), container is None), ""
        terms = resource_terms(shown.reference, self.pod, container, self.objects)
        return self.resource(shown, container, terms), "" if isinstance(terms, Reason) else arithmetic(terms)

    def field(self, path: str, in_volume: bool) -> str:
        value = field_value(path, self.pod, self.objects, in_volume=in_volume)
        node = f"field/{self.ref.namespace}/{self.ref.name}/{path}"
        refused = isinstance(value, Reason)
        facts: list[str] = []
        if path in _MAPS:
            facts = [say("downward.fact.entries", count=len(mapping(self.pod, *path.split("."))))]
            facts += [say("downward.fact.kubelet")] if path == _MAPS[1] else []
        elif not refused:
            facts = [_value(value if isinstance(value, str) else None)]
        state, level = (say("downward.state.refused"), "bad") if refused else ("", "")
        return self.b.node(
            "Field",
            path,
            node,
            facts,
            state=state,
            level=level,  # type: ignore[arg-type]
            group=self.frame,
            alike=f"{self.owner} {path}" if self.owner else "",
        )

    def resource(self, shown: _Shown, container: Mapping[str, Any] | None, terms: ResourceTerms | Reason) -> str:
        of = text(shown.reference, "containerName") or text(container, "name")
        path = text(shown.reference, "resource")
        node = f"resource/{self.ref.namespace}/{self.ref.name}/{of}/{path}"
        facts = [say("downward.fact.of-container", container=of)]
        level: Level = ""
        state = ""
        if isinstance(terms, Reason):
            state, level = say("downward.state.refused"), "bad"
        elif terms.origin == "own":
            facts.append(say("downward.fact.value", value=terms.amount))
        else:
            code = "zero" if terms.origin == "none" else f"from-{terms.origin}"
            facts.append(say(f"downward.fact.{code}"))
            level = "off"
            state = say("downward.fact.not-set")
            facts[-1] = facts[-1].removeprefix(f"{state}: ")
        self.b.node(
            "Field",
            path,
            node,
            facts,
            state=state,
            level=level,
            group=self.frame,
            alike=f"{self.owner} {of} {path}" if self.owner else "",
        )
        if not isinstance(terms, Reason) and terms.origin == "node":
            self.allocatable(node, terms)
        return node

    def allocatable(self, node: str, terms: ResourceTerms) -> None:
        """The node whose allocatable amount stands in for a limit."""
        name = text(self.pod, "spec", "nodeName")
        if not name:
            return
        machine = Ref("Node", name)
        amounts = mapping(self.b.snapshot.find(machine), "status", "allocatable")
        facts = [
            say("downward.fact.allocatable", resource=k, amount=amounts[k]) for k in ("cpu", "memory") if k in amounts
        ]
        self.b.object(machine, facts)
        self.b.edge(self.b.id_of(machine), node, "allocatable", say("downward.edge.allocatable"), key=terms.resource)

    # -- what shows it -------------------------------------------------------------------------------

    def variable(self, container: Mapping[str, Any], got: Received, shown: _Shown, frame: str) -> None:
        source, steps = self.source(shown, container)
        mine = (v.value for v in got.environment.variables if v.name == shown.target and v.origin.path)
        value = next(mine, None)  # not that of a later declaration, which may be a Secret's
        change, level = "frozen", ""
        if got.run is not None and shown.is_field and value is not None:
            now = field_value(text(shown.reference, "fieldPath"), self.pod, self.objects)
            if isinstance(now, str) and now != value:
                change, level = "stale", "off"
        node = self.put("Variable", shown.target, [_value(value)], change, level, frame)  # type: ignore[arg-type]
        code = "fieldRef" if shown.is_field else "resourceFieldRef"
        words = [say(f"downward.edge.{code}"), steps, say("downward.edge.frozen")]
        self.b.edge(source, node, code, "\n".join(word for word in words if word), "off")

    def files(self, got: Received, frame: str) -> None:
        volumes = {text(volume, "name"): volume for volume in listed(self.pod, "spec", "volumes")}
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
            node = self.put("File", path, facts, "live" if live else "frozen", "ok" if live else "", frame)
            code = "fieldRef" if item.is_field else "resourceFieldRef"
            change = say("downward.edge.live" if live else "downward.edge.frozen")
            words = [say("downward.fact.volume", volume=file.volume), steps, change]
            self.b.edge(
                source, node, code, "\n".join(word for word in words if word), "ok" if live else "off", key=file.volume
            )


def _value(value: str | None) -> str:
    """A value as one short fact."""
    if value is None:
        return say("downward.fact.unknown")
    if not value:
        return say("downward.fact.value-empty")
    first, more, _ = value.strip("\n").partition("\n")
    cut = first if len(first) <= _LONGEST else first[: _LONGEST - 1]
    return say("downward.fact.value", value=f"{cut}…" if more or cut != first else cut)


def _item(volume: Mapping[str, Any], path: str, wanted: str, container: str) -> _Shown | None:
    """The item of a downwardAPI or projected volume that makes the file at this path."""
    sources = [*listed(volume, "projected", "sources"), volume]
    items = [item for source in sources for item in listed(source, "downwardAPI", "items")]
    fit: list[_Shown] = []
    for item in items:
        field_ref, resource_ref = mapped(item, "fieldRef"), mapped(item, "resourceFieldRef")
        of = text(resource_ref, "resource"), text(resource_ref, "containerName")
        if field_ref is not None and text(field_ref, "fieldPath") == wanted:
            fit.append(_Shown(field_ref, True, text(item, "path")))
        elif resource_ref is not None and of == (wanted, container):
            fit.append(_Shown(resource_ref, False, text(item, "path")))
    ends = [found for found in fit if path.endswith(posixpath.join("/", found.target))]
    return ends[0] if ends else fit[0] if fit else None
