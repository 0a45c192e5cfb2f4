"""The rollout story: Deployment → ReplicaSets → Pods ← EndpointSlice ← Service; ReplicationControllers too.

Each function below draws one kind of object and says which fields it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.facts import deployment_state, service_facts
from k8sviz.diagrams.kit.limits import MOST_AT_ALL
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.published import published
from k8sviz.diagrams.kit.slots import MOST_PODS, MOST_ROWS, Slots
from k8sviz.diagrams.kit.stages import GLYPHS, STAGE_LEVELS, now_of, seats_line, stage_of
from k8sviz.history import History, Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.availability import STAGES, Stage, pod_stage
from k8sviz.rules.deployment import (
    HISTORY_LIMIT,
    history_limit,
    min_ready_seconds,
    revision_of,
    same_template,
    uses_recreate,
)
from k8sviz.rules.fields import integer, mapping, text
from k8sviz.rules.meta import owners_of
from k8sviz.rules.pods import restarts
from k8sviz.rules.rollout import DEFAULT_FENCEPOST, rollout_bounds
from k8sviz.rules.services import service_selector
from k8sviz.rules.statefulset import replicas_of
from k8sviz.rules.templates import FieldChange, images, template_diff, version_of
from k8sviz.rules.times import epoch
from k8sviz.words import say

__all__ = ["rollout", "rollout_story"]

_MOST_CHANGES: Final = 3
_MOST_KEPT: Final = 8


def rollout(
    snapshot: Snapshot, focus: Ref | None = None, *, namespace: str | None = None, slots: Slots | None = None
) -> Diagram:
    """The rollout story of a Snapshot: all of it, or what hangs together with one object.

    With `slots` (of the whole History) things sit where a player keeps room for them. More than 12 Pods of a workload
    are piled by state, more than 4 ReplicaSets show only those with Pods, and the kept ones as one card. Raises
    K8svizError when the object in focus is not there.
    """
    story = _Story(Builder(snapshot, namespace, focus), slots)
    for deployment in story.b.objects("Deployment"):
        story.deployment(deployment)
    for controller in story.b.objects("ReplicationController"):
        story.controller(controller)
    for service in story.b.objects("Service"):
        if service_selector(service):
            published(story.b, service, service_facts(service), story.of_pod)
    return story.b.told("rollout", around=story.drawn.get(focus) if focus is not None else None, most=MOST_AT_ALL)


def rollout_story(
    history: History, focus: Ref | None = None, *, namespace: str | None = None
) -> Callable[[Snapshot], Diagram]:
    """The story for a player of this History, with its slots: `Player(history, rollout_story(history))`."""
    return partial(rollout, focus=focus, namespace=namespace, slots=Slots.of(history))


class _Story:
    """Collects what there is to draw; knows the slots and the time."""

    def __init__(self, b: Builder, slots: Slots | None) -> None:
        self.b, self.slots, self.snapshot = b, slots, b.snapshot
        self.now = now_of(b.snapshot)
        self.drawn: dict[Ref, list[str]] = {}  # nodes that stand for an object, where it has none of its own
        self.of_pod: dict[str, str] = {}  # a Pod's uid or name → its node
        self.by_owner: dict[str, list[Object]] = {}
        for kind in ("ReplicaSet", "Pod"):
            for obj in b.objects(kind):
                for owner in owners_of(obj):
                    key = text(owner, "uid") or f"{text(owner, 'kind')}/{text(owner, 'name')}"
                    self.by_owner.setdefault(key, []).append(obj)

    def owned(self, owner: Object, kind: str) -> list[Object]:
        key = text(owner, "metadata", "uid") or f"{text(owner, 'kind')}/{text(owner, 'metadata', 'name')}"
        return [obj for obj in self.by_owner.get(key, ()) if obj.get("kind") == kind]

    # -- Deployments -------------------------------------------------------------------------------

    def deployment(self, deployment: Object) -> None:
        """Reads spec.replicas, strategy, minReadySeconds, paused, revisionHistoryLimit; status and its conditions."""
        state, level = deployment_state(deployment)
        node = self.b.object(ref_of(deployment), _deployment_facts(deployment), state=state, level=level)
        template = mapping(deployment, "spec", "template")
        sets = sorted(self.owned(deployment, "ReplicaSet"), key=lambda s: (revision_of(s) or 0, key_of(s).name))
        pods = {key_of(s).name: self.owned(s, "Pod") for s in sets}
        current = next((s for s in reversed(sets) if same_template(mapping(s, "spec", "template"), template)), None)
        many = self._many(deployment, sets)
        piled = self._piled(deployment, [p for found in pods.values() for p in found])
        kept = []
        for i, replica_set in enumerate(sets):
            mine = pods[key_of(replica_set).name]
            row = self._row(replica_set)
            idle = not mine and not replicas_of(replica_set)
            if many and (row is None if self.slots else idle and replica_set is not current):
                kept.append(replica_set)
                continue
            before = sets[i - 1] if i else None
            card = self._replica_set(replica_set, row, mine, before, current=replica_set is current, piled=piled)
            words = say("rollout.story.revision", number=revision_of(replica_set) or "–")
            self.b.edge(node, card, "owns", words, "off" if idle else "")
        if kept:
            self._kept(node, deployment, kept)
        if current is not None and len(sets) > 1:
            self._note(current, sets)

    def _many(self, deployment: Object, sets: Sequence[Object]) -> bool:
        if self.slots is not None:
            return text(deployment, "metadata", "uid") in self.slots.many
        return len(sets) > MOST_ROWS

    def _piled(self, workload: Object, pods: Sequence[Object]) -> bool:
        if self.slots is not None:
            return text(workload, "metadata", "uid") in self.slots.crowded
        return len(pods) > MOST_PODS

    def _row(self, owner: Object) -> str | None:
        return self.slots.row(owner, self.snapshot.t) if self.slots is not None else self.b.id_of(ref_of(owner))

    def _replica_set(
        self,
        replica_set: Object,
        row: str | None,
        pods: Sequence[Object],
        before: Object | None,
        *,
        current: bool,
        piled: bool,
    ) -> str:
        """Reads the revision annotation, spec.replicas and template; status.replicas, ready and available."""
        words = "rollout.story."
        facts = [say(words + "image", image=image) for image in images(mapping(replica_set, "spec", "template"))[:2]]
        facts += [say(words + "change", change=_short(c)) for c in _changes(before, replica_set)[:_MOST_CHANGES]]
        earlier = text(replica_set, "metadata", "annotations", "deployment.kubernetes.io/revision-history")
        if earlier:
            facts.append(say(words + "earlier", numbers=", ".join(earlier.split(","))))
        facts.append(_sizes(replica_set))
        wanted = replicas_of(replica_set)
        if current:
            state, level = say(words + "current"), "ok"
        elif wanted:
            state, level = say(words + "old"), "wait"
        elif pods:
            state, level = say(words + "going"), "ending"
        else:
            state, level = say(words + "kept"), "off"
        return self._row_card(replica_set, row, facts, state, level, pods, min_ready_seconds(replica_set), piled=piled)

    def _row_card(
        self,
        owner: Object,
        row: str | None,
        facts: list[str],
        state: str,
        level: Any,
        pods: Sequence[Object],
        wait: int,
        *,
        piled: bool,
    ) -> str:
        ref = ref_of(owner)
        node = row or self.b.id_of(ref)
        if piled:
            facts = facts + self._signs(pods, wait)
        self.b.node(ref.kind, ref.name, node, facts, state=state, level=level, ref=ref)
        self._pods(node, pods, wait, piled=piled)
        return node

    def _kept(self, node: str, deployment: Object, sets: Sequence[Object]) -> None:
        """Old revisions with no Pods, as one card: what `kubectl rollout undo` can go back to."""
        lines = [
            say("rollout.story.kept-line", number=revision_of(s) or "–", tag=version_of(mapping(s, "spec", "template")))
            for s in reversed(sets)
        ]
        if len(lines) > _MOST_KEPT:
            lines = [*lines[: _MOST_KEPT - 1], say("rollout.story.kept-more", count=len(lines) - _MOST_KEPT + 1)]
        card = f"kept/{self.b.id_of(ref_of(deployment))}"
        name = say("rollout.story.kept-name", count=len(sets))
        self.b.node("ReplicaSet", name, card, lines, state=say("rollout.story.kept"), level="off")
        self.b.edge(node, card, "owns", say("rollout.story.kept-edge"), "off")
        for replica_set in sets:
            self.drawn.setdefault(ref_of(replica_set), []).append(card)

    def _note(self, current: Object, sets: Sequence[Object]) -> None:
        """The whole template change of the newest revision below the picture."""
        i = sets.index(current)
        changes = _changes(sets[i - 1], current) if i else []
        if changes:
            self.b.notes.append(say("rollout.story.diff", number=revision_of(current) or "–"))
            self.b.notes += [f"    {change}" for change in changes[:6]]
            if len(changes) > 6:
                self.b.notes.append("    " + say("rollout.story.diff-more", count=len(changes) - 6))

    # -- ReplicationControllers ----------------------------------------------------------------------

    def controller(self, controller: Object) -> None:
        """Reads spec.replicas, selector and template; status.replicas, ready and available."""
        pods = self.owned(controller, "Pod")
        facts = [say("rollout.story.image", image=image) for image in images(mapping(controller, "spec", "template"))]
        selector = ", ".join(f"{k}={v}" for k, v in mapping(controller, "spec", "selector").items())
        facts += [say("diagrams.storage.selector", labels=selector)] if selector else []
        facts.append(_sizes(controller))
        wanted = replicas_of(controller)
        done = wanted == (integer(controller, "status", "readyReplicas") or 0) == len(pods)
        state = say("rollout.story.settled" if done else "rollout.story.adjusting")
        level: Level = "off" if done and not wanted else "ok" if done else "wait"
        self._row_card(
            controller,
            self._row(controller),
            facts,
            state,
            level,
            pods,
            min_ready_seconds(controller),
            piled=self._piled(controller, pods),
        )

    # -- Pods ----------------------------------------------------------------------------------------

    def _signs(self, pods: Sequence[Object], wait: int) -> list[str]:
        seats = [self.slots.seat(p) for p in pods] if self.slots is not None else list(range(len(pods)))
        stages = [pod_stage(p, wait, self.now) for p in pods]
        return seats_line([(seat, stage) for seat, stage in zip(seats, stages, strict=True) if seat is not None])

    def _pods(self, row: str, pods: Sequence[Object], wait: int, *, piled: bool) -> None:
        if piled:
            self._piles(row, pods, wait)
            return
        for pod in pods:
            node = self._pod_id(row, pod)
            stage, word, level = stage_of(pod, wait, self.now)
            ref = ref_of(pod)
            self.b.node("Pod", ref.name, node, self._pod_facts(pod), state=word, level=level, ref=ref)
            self.b.edge(row, node, "owns", "", "ending" if stage == "terminating" else "")
            self._know(pod, node)

    def _pod_id(self, row: str, pod: Object) -> str:
        seat = self.slots.seat(pod) if self.slots is not None else None
        return self.b.id_of(ref_of(pod)) if seat is None else f"seat/{row}/{seat}"

    def _know(self, pod: Object, node: str) -> None:
        self.of_pod[text(pod, "metadata", "uid") or key_of(pod).name] = node
        self.drawn.setdefault(ref_of(pod), []).append(node)

    def _pod_facts(self, pod: Object) -> list[str]:
        """Reads the image's tag, spec.nodeName, metadata.creationTimestamp and restarts."""
        words = "rollout.story."
        about = [say(words + "version", tag=version_of(pod))]
        made = epoch(text(pod, "metadata", "creationTimestamp"))
        if made is not None and self.now is not None and self.slots is None:  # in a player the time is on its axis
            about.append(say(words + "age", age=_age(self.now - made)))
        if restarts(pod):
            about.append(say("diagrams.storage.restarted", count=restarts(pod)))
        node = text(pod, "spec", "nodeName")
        return [" · ".join(about), *([say("diagrams.storage.on", node=node)] if node else [])]

    def _piles(self, row: str, pods: Sequence[Object], wait: int) -> None:
        """Pods by their state, each state once with its count."""
        by_stage: dict[Stage, list[Object]] = {}
        for pod in pods:
            by_stage.setdefault(pod_stage(pod, wait, self.now), []).append(pod)
        for stage in STAGES:
            found = by_stage.get(stage, [])
            if not found:
                continue
            node = f"pile/{row}/{stage}"
            word = stage_of(found[0], wait, self.now)[1]
            one = len(found) == 1
            name = key_of(found[0]).name if one else say("rollout.story.pile", count=len(found), sign=GLYPHS[stage])
            self.b.node(
                "Pod",
                name,
                node,
                [say("rollout.story.version", tag=version_of(found[0]))],
                state=word,
                level=STAGE_LEVELS[stage],
                ref=ref_of(found[0]) if one else None,
            )
            self.b.edge(row, node, "owns", "", "ending" if stage == "terminating" else "")
            for pod in found:
                self._know(pod, node)


# -- what cards say ------------------------------------------------------------------------------------


def _deployment_facts(deployment: Object) -> list[str]:
    words = "rollout.story."
    bounds = rollout_bounds(deployment)
    facts = [say(words + "replicas", count=bounds.replicas)]
    if uses_recreate(deployment):
        facts.append(say(words + "recreate"))
    else:
        rolling = mapping(deployment, "spec", "strategy", "rollingUpdate")
        for name, code, count in (
            ("maxSurge", "surge", bounds.max_surge),
            ("maxUnavailable", "unavailable", bounds.max_unavailable),
        ):
            value = rolling.get(name, DEFAULT_FENCEPOST)
            facts.append(say(words + (f"{code}-percent" if isinstance(value, str) else code), value=value, count=count))
        facts.append(say(words + "bounds", most=bounds.max_total, least=bounds.min_available))
    if min_ready_seconds(deployment):
        facts.append(say(words + "min-ready", seconds=min_ready_seconds(deployment)))
    if history_limit(deployment) != HISTORY_LIMIT:
        facts.append(say(words + "limit", count=history_limit(deployment)))
    cause = text(deployment, "metadata", "annotations", "kubernetes.io/change-cause")
    return facts + ([say(words + "cause", cause=cause)] if cause else [])


def _sizes(owner: Object) -> str:
    found = {name: integer(owner, "status", name) or 0 for name in ("replicas", "readyReplicas", "availableReplicas")}
    return say(
        "rollout.story.sizes",
        wanted=replicas_of(owner),
        has=found["replicas"],
        ready=found["readyReplicas"],
        available=found["availableReplicas"],
    )


def _changes(before: Object | None, after: Object) -> list[FieldChange]:
    if before is None:
        return []
    return template_diff(mapping(before, "spec", "template"), mapping(after, "spec", "template"))


def _short(change: FieldChange) -> str:
    """The change for a card: the field's own name, and its values where they are short."""
    if len(change.old) + len(change.new) > 30:
        return change.name
    if not change.old or not change.new:
        return f"{change.name}: {'+' if change.new else '−'} {change.new or change.old}"
    return f"{change.name}: {change.old} → {change.new}"


def _age(seconds: float) -> str:
    """As kubectl prints an age: the largest units first, no more than two.

    >>> _age(7.9), _age(75), _age(3 * 3600 + 5), _age(90000)
    ('7s', '75s', '3h0m', '25h')
    """
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole}s"
    if whole < 600:
        return f"{whole // 60}m{whole % 60}s"
    if whole < 3 * 3600:
        return f"{whole // 60}m"
    if whole < 8 * 3600:
        return f"{whole // 3600}h{whole % 3600 // 60}m"
    return f"{whole // 3600}h" if whole < 48 * 3600 else f"{whole // 86400}d"
