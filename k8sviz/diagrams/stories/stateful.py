"""The stateful story: StatefulSet → ordinals → Pod, claim, volume, node, DNS name; and the order in which they come.

A Pod of a StatefulSet has a name, a claim and a DNS name that outlive it; so the picture has a place for each ordinal,
and not for each Pod.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, cast

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.limits import MOST_AT_ALL
from k8sviz.diagrams.kit.model import Diagram, Level
from k8sviz.diagrams.kit.published import node_of, published, slices_of
from k8sviz.diagrams.kit.stages import GLYPHS, now_of, seats_line, stage_of
from k8sviz.history import History, Object, Snapshot, key_of, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.availability import STAGES, Stage, available_from, pod_stage
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.dns import Record, pod_dns_name, records
from k8sviz.rules.fields import integer, listed, mapping, strings, text
from k8sviz.rules.meta import is_terminating, owners_of, uid_of
from k8sviz.rules.pods import is_ready, restarts
from k8sviz.rules.services import endpoints_of
from k8sviz.rules.statefulset import (
    REVISION_LABEL,
    Member,
    claim_name,
    claim_templates,
    is_parallel,
    max_unavailable,
    next_acts,
    ordinal_of,
    partition_of,
    replicas_of,
    retention_policy,
    start_ordinal,
    updates_on_delete,
)
from k8sviz.rules.templates import version_of
from k8sviz.rules.views import Service
from k8sviz.words import say

__all__ = ["MOST_ORDINALS", "Move", "members_of", "orders", "stateful", "stateful_story"]

MOST_ORDINALS: Final = 12
"""Ordinals that are drawn one by one; with more, what is alike stands once, with its count."""
_MOST_DRAWN: Final = 1_000  # ordinals: more are never drawn one by one
_MOST_RECORDS: Final = 8


def stateful(
    snapshot: Snapshot,
    focus: Ref | None = None,
    *,
    namespace: str | None = None,
    piled: bool | None = None,
    history: History | None = None,
) -> Diagram:
    """The stateful story of a Snapshot: all StatefulSets, or what hangs together with one object.

    `piled` draws ordinals that are alike once, with their count (None: above 12; with `history`: above 12 at any time
    of it, so that a film does not change its mind). Raises K8svizError when the object in focus is not there.
    """
    if piled is None and history is not None:
        piled = _piles(history)
    story = _Story(Builder(snapshot, namespace, focus))
    for statefulset in story.b.objects("StatefulSet"):
        story.statefulset(statefulset, piled)
    story.left_behind()
    story.services()
    return story.b.told("stateful", most=MOST_AT_ALL)


def stateful_story(
    history: History, focus: Ref | None = None, *, namespace: str | None = None
) -> Callable[[Snapshot], Diagram]:
    """The story for a player of this History; whether ordinals are piled is decided once for all of it."""
    return partial(stateful, focus=focus, namespace=namespace, piled=_piles(history))


def _piles(history: History) -> bool:
    """Whether any StatefulSet of this History ever wants more Pods than are drawn one by one."""
    return any(
        replicas_of(event.object) > MOST_ORDINALS
        for ref in history.refs("StatefulSet")
        for event in history.versions(ref.kind, ref.name, ref.namespace)
    )


def members_of(statefulset: Object, pods: Iterable[Object], now: float | None) -> list[Member]:
    """The set's Pods as its controller sees them, at `now` (seconds since 1970)."""
    name = key_of(statefulset).name
    wait = min_ready_seconds(statefulset)
    found = []
    for pod in pods:
        ordinal = ordinal_of(key_of(pod).name, name)
        if ordinal is None:
            continue
        ready = is_ready(pod) and text(pod, "status", "phase") == "Running"
        since = available_from(pod, wait)
        available = ready and (now is None or wait == 0 or (since is not None and since <= now))
        over = text(pod, "status", "phase") in ("Failed", "Succeeded")
        found.append(
            Member(
                ordinal, text(pod, "metadata", "labels", REVISION_LABEL), ready, available, is_terminating(pod), over
            )
        )
    return found


class _Story:
    def __init__(self, b: Builder) -> None:
        self.b, self.snapshot = b, b.snapshot
        self.now = now_of(b.snapshot)
        self.pods: dict[str, str] = {}  # a Pod's uid or name → its node
        self.drawn_claims: set[str] = set()
        self.numbers = {key_of(r).name: integer(r, "revision") for r in b.objects("ControllerRevision")}

    # -- the set -------------------------------------------------------------------------------------

    def statefulset(self, statefulset: Object, piled: bool | None) -> None:
        """Reads spec (replicas, serviceName, policies, strategy, claim templates), status and what it waits for."""
        name, home = key_of(statefulset).name, key_of(statefulset).namespace
        pods = {
            ordinal: pod
            for pod in self.snapshot.objects("Pod", namespace=home)
            if (ordinal := ordinal_of(key_of(pod).name, name)) is not None and self._is_mine(pod, statefulset)
        }
        start = start_ordinal(statefulset)
        wanted = range(start, start + replicas_of(statefulset))
        # replicas may be two thousand millions: all of them are listed only where each is drawn
        count = wanted.stop - wanted.start + sum(ordinal not in wanted for ordinal in pods)
        state, level = self._state(statefulset, pods.values())
        facts = self._facts(statefulset)
        many = count > MOST_ORDINALS if piled is None else piled or count > _MOST_DRAWN
        if many and count <= _MOST_DRAWN:
            wait, first = min_ready_seconds(statefulset), min([*wanted[:1], *pods])
            facts += seats_line(
                [(o - first, pod_stage(p, wait, self.now)) for o, p in pods.items() if o - first < _MOST_DRAWN]
            )
        node = self.b.object(ref_of(statefulset), facts, state=state, level=level)
        if many:
            self._piles(node, statefulset, pods, wanted)
            return
        for ordinal in sorted({*wanted, *pods}):
            self._ordinal(node, statefulset, ordinal, pods.get(ordinal), wanted=ordinal in wanted)

    @staticmethod
    def _is_mine(pod: Object, statefulset: Object) -> bool:
        owners = owners_of(pod)
        mine = ("", uid_of(statefulset))
        return not owners or any(text(o, "uid") in mine and text(o, "kind") == "StatefulSet" for o in owners)

    def _facts(self, statefulset: Object) -> list[str]:
        words = "stateful.story."
        replicas, start = replicas_of(statefulset), start_ordinal(statefulset)
        facts = [say(words + "replicas", count=replicas)]
        if start:
            facts.append(say(words + "start", start=start))
        facts.append(say(words + ("parallel" if is_parallel(statefulset) else "ordered")))
        if updates_on_delete(statefulset):
            facts.append(say(words + "on-delete"))
        elif partition_of(statefulset):
            facts.append(say(words + "partition", ordinal=partition_of(statefulset)))
        if max_unavailable(statefulset) > 1:
            facts.append(say(words + "unavailable", count=max_unavailable(statefulset)))
        if min_ready_seconds(statefulset):
            facts.append(say("rollout.story.min-ready", seconds=min_ready_seconds(statefulset)))
        scaled, deleted = retention_policy(statefulset)
        if claim_templates(statefulset):
            code = ("retain", "delete-with-set", "delete-when-scaled", "delete-both")[2 * scaled + deleted]
            facts.append(say(words + code))
        status = mapping(statefulset, "status")
        old, new = text(status, "currentRevision"), text(status, "updateRevision")
        if old and old != new:
            facts.append(say(words + "revisions", old=self._revision(old), new=self._revision(new)))
        return facts

    def _revision(self, name: str) -> str:
        number = self.numbers.get(name)
        return str(number) if number is not None else name.rpartition("-")[2]

    def _state(self, statefulset: Object, pods: Iterable[Object]) -> tuple[str, Level]:
        """What the controller would do now, by its rules: act, wait for an ordinal, or nothing."""
        if is_terminating(statefulset):
            return say("rollout.stage.terminating"), "ending"
        status = mapping(statefulset, "status")
        current, update = text(status, "currentRevision"), text(status, "updateRevision")
        members = members_of(statefulset, pods, self.now)
        plan = next_acts(statefulset, members, current or update, update, integer(status, "currentReplicas") or 0)
        name = key_of(statefulset).name
        if plan.acts and not mapping(statefulset, "status") and not members:
            return "", ""  # a manifest: nothing has begun
        if plan.acts:
            act = plan.acts[0]
            return say(f"stateful.story.next-{act.verb}", pod=f"{name}-{act.ordinal}"), "wait"
        if plan.waits_for is not None:
            return say(f"stateful.wait.{plan.why}", pod=f"{name}-{plan.waits_for}"), "wait"
        bad = next((m for m in members if m.unavailable), None)
        if bad is not None:
            return say("stateful.wait.not-ready", pod=f"{name}-{bad.ordinal}"), "wait"
        return say("stateful.story.settled", count=len(members)), "ok"

    # -- one ordinal -----------------------------------------------------------------------------------

    def _ordinal(self, node: str, statefulset: Object, ordinal: int, pod: Object | None, *, wanted: bool) -> None:
        ref = Ref("Pod", f"{key_of(statefulset).name}-{ordinal}", key_of(statefulset).namespace)
        if pod is None:
            card = self.b.object(
                ref,
                [self._dns_fact(statefulset, ref.name)] if self._dns(statefulset) else [],
                state=say("stateful.story.to-come"),
                level="off",
            )
        else:
            card = self._pod(statefulset, pod)
        label = "" if wanted else say("stateful.story.surplus")
        self.b.edge(node, card, "owns", label, "ending" if not wanted else "" if pod is not None else "off")
        for template in claim_templates(statefulset):
            self._claim_of(
                card,
                Ref("PersistentVolumeClaim", claim_name(template, key_of(statefulset).name, ordinal), ref.namespace),
                to_come=pod is None,
            )

    def _dns(self, statefulset: Object) -> str:
        return text(statefulset, "spec", "serviceName")

    def _dns_fact(self, statefulset: Object, pod: str) -> str:
        name = pod_dns_name(pod, self._dns(statefulset), key_of(statefulset).namespace or "default")
        return say("stateful.story.dns", name=name.partition(".svc.")[0])

    def _pod(self, statefulset: Object, pod: Object) -> str:
        """Reads the Pod's status, image, node, address and revision label."""
        _, word, level = stage_of(pod, min_ready_seconds(statefulset), self.now)
        revision = text(pod, "metadata", "labels", REVISION_LABEL)
        number = self._revision(revision) if revision else ""
        facts = [say("stateful.story.version", tag=version_of(pod), number=number or "–")]
        if self._dns(statefulset):
            facts.append(self._dns_fact(statefulset, key_of(pod).name))
        if text(pod, "status", "podIP"):
            facts.append(say("stateful.story.address", address=text(pod, "status", "podIP")))
        if restarts(pod):
            facts.append(say("diagrams.storage.restarted", count=restarts(pod)))
        card = self.b.object(ref_of(pod), facts, state=word, level=level)
        self.pods[text(pod, "metadata", "uid") or key_of(pod).name] = card
        machine = text(pod, "spec", "nodeName")
        if machine:
            self.b.link(card, Ref("Node", machine), "on-node", say("stateful.story.on-node"))
        return card

    # -- claims and volumes ------------------------------------------------------------------------------

    def _claim_of(self, card: str, ref: Ref, *, to_come: bool) -> None:
        claim = self.snapshot.find(ref)
        if claim is None:
            ghost = self.b.ghost(
                ref,
                say("stateful.story.to-come" if to_come else "diagrams.storage.absent"),
                "off" if to_come else "unknown",
            )
            self.b.edge(card, ghost, "claim", "", "off")
            return
        self.b.edge(card, self._claim(claim, kept=to_come), "claim", "", "off" if to_come else "")

    def _claim(self, claim: Object, *, kept: bool) -> str:
        """Reads status.phase, spec.volumeName and who owns the claim: it goes when its owner goes."""
        ref = ref_of(claim)
        self.drawn_claims.add(self.b.id_of(ref))
        phase = text(claim, "status", "phase") or "Pending"
        facts = []
        size = text(claim, "status", "capacity", "storage")
        if size:
            facts.append(say("stateful.story.size", size=size))
        owner = text(next(iter(owners_of(claim)), {}), "kind")
        if owner:
            facts.append(say("stateful.story.goes-with", kind=owner))
        level: Level = "ok" if phase == "Bound" else "wait"
        state = phase
        if is_terminating(claim):
            state, level = say("rollout.stage.terminating"), "ending"
        elif kept:
            state, level = say("stateful.story.kept", phase=phase), "off" if phase == "Bound" else "wait"
        node = self.b.object(ref, facts, state=state, level=level)
        self._volume(node, claim, ref)
        return node

    def _volume(self, node: str, claim: Object, ref: Ref) -> None:
        """The claim's PersistentVolume has a place that belongs to the claim, whatever the volume's name."""
        name = text(claim, "spec", "volumeName")
        if not name:
            return
        volume = self.snapshot.get("PersistentVolume", name)
        seat = f"volume-of/{self.b.id_of(ref)}"
        shown = name if len(name) <= 24 else f"{name[:12]}…{name[-4:]}"  # a provisioner's names are long and say little
        if volume is None:
            ref, absent = Ref("PersistentVolume", name), say("diagrams.storage.absent")
            self.b.node("PersistentVolume", shown, seat, state=absent, level="unknown", ref=ref)
        else:
            phase = text(volume, "status", "phase")
            facts = [say("stateful.story.only-on", nodes=where)] if (where := _nodes_of(volume)) else []
            self.b.node(
                "PersistentVolume",
                shown,
                seat,
                facts,
                state=phase,
                ref=ref_of(volume),
                level="ok" if phase == "Bound" else "wait",
            )
        self.b.edge(node, seat, "bound")

    def left_behind(self) -> None:
        """Claims of ordinals that are no more, and of StatefulSets that are no more: they are kept, with their data."""
        stems = self._stems()
        for claim in self.b.objects("PersistentVolumeClaim"):
            ref = ref_of(claim)
            stem, _, number = ref.name.rpartition("-")
            if self.b.id_of(ref) in self.drawn_claims or not number.isdecimal():
                continue
            owner = stems.get((ref.namespace, stem))
            if owner is None and not (set(self.numbers) or self._was_a_set(claim)):
                continue
            node = self._claim(claim, kept=True)
            if owner is not None:
                self.b.edge(owner, node, "keeps", say("stateful.story.keeps"), "off")

    def _stems(self) -> dict[tuple[str, str], str]:
        return {
            (key_of(s).namespace, f"{template}-{key_of(s).name}"): self.b.id_of(ref_of(s))
            for s in self.b.objects("StatefulSet")
            for template in claim_templates(s)
        }

    @staticmethod
    def _was_a_set(claim: Object) -> bool:
        """A StatefulSet's claims carry its Pods' labels; nobody else labels claims by itself."""
        return bool(mapping(claim, "metadata", "labels"))

    # -- piles -----------------------------------------------------------------------------------------

    def _piles(self, node: str, statefulset: Object, pods: dict[int, Object], wanted: range) -> None:
        """Ordinals by state and revision, each kind once with its range and count."""
        name, wait = key_of(statefulset).name, min_ready_seconds(statefulset)
        groups: dict[tuple[Stage | Literal["to-come"], str], list[int]] = {}
        for ordinal, pod in sorted(pods.items()):
            revision = text(pod, "metadata", "labels", REVISION_LABEL)
            groups.setdefault((pod_stage(pod, wait, self.now), revision), []).append(ordinal)
        runs = {kind: _runs(ordinals) for kind, ordinals in groups.items()}
        runs["to-come", ""] = _gaps(wanted, sorted(pods))
        order: tuple[Stage | Literal["to-come"], ...] = (*STAGES, "to-come")
        for stage in order:
            for (of_stage, revision), found in runs.items():
                if of_stage == stage and found:
                    self._pile(node, statefulset, stage, revision, found, pods, name)
        self._claim_pile(node, statefulset)

    def _pile(
        self,
        node: str,
        statefulset: Object,
        stage: Stage | Literal["to-come"],
        revision: str,
        runs: list[range],
        pods: dict[int, Object],
        name: str,
    ) -> None:
        card = f"pile/{self.b.id_of(ref_of(statefulset))}/{stage}/{self._order(statefulset, revision)}"
        facts = []
        state = say("stateful.story.to-come")
        level: Level = "off"
        if stage != "to-come":
            first = pods[runs[0].start]
            facts.append(say("stateful.story.version", tag=version_of(first), number=self._revision(revision) or "–"))
            _, state, level = stage_of(first, min_ready_seconds(statefulset), self.now)
        count = say("rollout.story.pile", sign=GLYPHS.get(cast(Stage, stage), "–"), count=_count(runs))
        self.b.node("Pod", _ranges(name, runs), card, [count, *facts], state=state, level=level)
        self.b.edge(node, card, "owns", "", "off" if stage == "to-come" else "")
        for ordinal in () if stage == "to-come" else itertools.chain.from_iterable(runs):
            self.pods[text(pods[ordinal], "metadata", "uid") or key_of(pods[ordinal]).name] = card

    def _order(self, statefulset: Object, revision: str) -> str:
        """Old or new: a player keeps one place for each."""
        return "new" if revision == text(statefulset, "status", "updateRevision") else "old"

    def _claim_pile(self, node: str, statefulset: Object) -> None:
        name, home = key_of(statefulset).name, key_of(statefulset).namespace
        by_phase: dict[str, list[int]] = {}
        for claim in self.snapshot.objects("PersistentVolumeClaim", namespace=home):
            for template in claim_templates(statefulset):
                ordinal = ordinal_of(key_of(claim).name, f"{template}-{name}")
                if ordinal is not None:
                    self.drawn_claims.add(self.b.id_of(ref_of(claim)))
                    by_phase.setdefault(text(claim, "status", "phase") or "Pending", []).append(ordinal)
        for phase, ordinals in by_phase.items():
            card = f"pile/{self.b.id_of(ref_of(statefulset))}/claims/{phase}"
            stem = f"{claim_templates(statefulset)[0]}-{name}"
            self.b.node(
                "PersistentVolumeClaim",
                _ranges(stem, _runs(sorted(ordinals))),
                card,
                [say("rollout.story.pile", sign="●" if phase == "Bound" else "○", count=len(ordinals))],
                state=phase,
                level="ok" if phase == "Bound" else "wait",
            )
            self.b.edge(node, card, "claims", say("stateful.story.claims"))

    # -- Services, EndpointSlices, DNS -----------------------------------------------------------------

    def services(self) -> None:
        """Services whose EndpointSlices name a Pod that is drawn, and the DNS records that follow."""
        governing = {(key_of(s).namespace, self._dns(s)) for s in self.b.objects("StatefulSet")}
        for service in map(Service, self.b.objects("Service")):
            slices = slices_of(self.snapshot, service.json)
            reached = any(node_of(e, self.pods) for s in slices for e in endpoints_of(s))
            if reached or (service.namespace, service.name) in governing:
                fact = say("rollout.story.address", address=service.address)
                facts = [say("stateful.story.headless") if service.headless else fact]
                node = published(self.b, service.json, facts, self.pods)
                self._records(node, service, records(service.json, slices))

    def _records(self, node: str, service: Service, found: list[Record]) -> None:
        """What the DNS server answers for the Service: names within its namespace, since that is what Pods ask."""
        if not found:
            return
        lines = [_record_line(r, service.namespace) for r in found]
        if len(lines) > _MOST_RECORDS:
            lines = [*lines[: _MOST_RECORDS - 1], say("rollout.story.kept-more", count=len(lines) - _MOST_RECORDS + 1)]
        name = f"{service.name}.{service.namespace}"
        card = self.b.node("DNS", name, f"dns/{self.b.id_of(service.ref)}", lines)
        self.b.edge(node, card, "dns", say("stateful.story.records"))


def _record_line(record: Record, namespace: str) -> str:
    short = record.name.replace(f".{namespace}.svc.cluster.local.", "")
    if record.type == "SRV":
        _, _, port, target = record.value.split(" ", 3)  # a name from a cluster may hold anything
        return f"{short} SRV {target.partition('.')[0]}:{port}"
    return f"{short} {record.type} {record.value}"


def _nodes_of(volume: Object) -> str:
    """The nodes that a volume's required node affinity names, by any of the values of its terms."""
    terms = listed(mapping(volume, "spec", "nodeAffinity", "required"), "nodeSelectorTerms")
    values = [v for t in terms for e in listed(t, "matchExpressions") for v in strings(e, "values")]
    return ", ".join(dict.fromkeys(values))


def _runs(ordinals: Iterable[int]) -> list[range]:
    """Ordinals in ascending order, those that follow each other together."""
    found: list[range] = []
    for ordinal in ordinals:
        if found and found[-1].stop == ordinal:
            found[-1] = range(found[-1].start, ordinal + 1)
        else:
            found.append(range(ordinal, ordinal + 1))
    return found


def _gaps(wanted: range, taken: Iterable[int]) -> list[range]:
    """What is left of the ordinals that are wanted; never listed one by one, since there may be thousands of millions.

    >>> _gaps(range(0, 2**31 - 1), [1, 2])
    [range(0, 1), range(3, 2147483647)]
    """
    found, start = [], wanted.start
    for ordinal in taken:
        if ordinal in wanted:
            found.append(range(start, ordinal))
            start = ordinal + 1
    return [run for run in (*found, range(start, wanted.stop)) if run]


def _count(runs: Iterable[range]) -> int:
    return sum(run.stop - run.start for run in runs)  # len() ends at 2**63


def _ranges(stem: str, runs: Iterable[range]) -> str:
    """Names with their ordinals as ranges.

    >>> _ranges("kubia", [range(0, 3), range(5, 6)])
    'kubia-0…2, 5'
    """
    return f"{stem}-" + ", ".join(str(r[0]) if r.stop - r.start == 1 else f"{r[0]}…{r[-1]}" for r in runs)


# -- order ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Move:
    """At `t` seconds a Pod of a StatefulSet was created (`start`) or asked to go (`stop`), with its revision."""

    t: float
    verb: Literal["start", "stop"]
    ordinal: int
    revision: str

    def __str__(self) -> str:
        return f"{self.verb} {self.ordinal}"


def orders(history: History, ref: Ref) -> list[Move]:
    """In which order a StatefulSet's Pods were started and stopped, over a whole History."""
    return sorted(_moves(history, ref), key=lambda m: m.t)


def _moves(history: History, ref: Ref) -> Iterator[Move]:
    for pod in history.refs("Pod"):
        ordinal = ordinal_of(pod.name, ref.name)
        if ordinal is None or (ref.namespace and pod.namespace != ref.namespace):
            continue
        uid, going = "", False
        for event in history.versions("Pod", pod.name, pod.namespace):
            revision = text(event.object, "metadata", "labels", REVISION_LABEL)
            if event.type == "DELETED":
                if uid and not going:
                    yield Move(event.t, "stop", ordinal, revision)
                uid, going = "", False
                continue
            if text(event.object, "metadata", "uid") != uid:
                uid, going = text(event.object, "metadata", "uid"), False
                yield Move(event.t, "start", ordinal, revision)
            if is_terminating(event.object) and not going:
                going = True
                yield Move(event.t, "stop", ordinal, revision)
