"""What the StatefulSet controller does next with its Pods: one pure function, and the questions it asks.

Rules: pkg/controller/statefulset (stateful_set_control.go, stateful_set_utils.go), as of v1.36.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from k8sviz.rules.fields import JSON, integer, listed, mapping, text
from k8sviz.rules.rollout import scaled_value

__all__ = [
    "REVISION_LABEL",
    "Act",
    "Member",
    "Plan",
    "Wait",
    "as_stored",
    "claim_name",
    "claim_templates",
    "is_parallel",
    "max_unavailable",
    "next_acts",
    "ordinal_of",
    "partition_of",
    "replicas_of",
    "retention_policy",
    "start_ordinal",
    "updates_on_delete",
]

REVISION_LABEL: Final = "controller-revision-hash"
Wait = Literal["", "terminating", "not-ready", "not-available", "unhealthy-update"]


class Member(NamedTuple):
    """A Pod of the set as its controller sees it."""

    ordinal: int
    revision: str = ""
    ready: bool = False  # running and Ready
    available: bool = False  # and that for minReadySeconds
    terminating: bool = False
    over: bool = False  # phase Failed or Succeeded

    @property
    def unavailable(self) -> bool:
        """Not there for its users, or about to go."""
        return not self.available or self.terminating


class Act(NamedTuple):
    """One thing the controller does: create or delete the Pod of an ordinal (`revision` is the one it is made from)."""

    verb: Literal["create", "delete"]
    ordinal: int
    revision: str = ""


class Plan(NamedTuple):
    """What happens in one sync, and what the controller then waits for: an ordinal (None: nothing) and why."""

    acts: tuple[Act, ...] = ()
    waits_for: int | None = None
    why: Wait = ""


# -- what a StatefulSet asks for ---------------------------------------------------------------------


def replicas_of(workload: JSON) -> int:
    """spec.replicas, 1 by default."""
    found = integer(workload, "spec", "replicas")
    return 1 if found is None else max(0, found)


def start_ordinal(statefulset: JSON) -> int:
    """spec.ordinals.start, 0 by default."""
    return max(0, integer(statefulset, "spec", "ordinals", "start") or 0)


def partition_of(statefulset: JSON) -> int:
    """spec.updateStrategy.rollingUpdate.partition: Pods below it keep the old revision."""
    return max(0, integer(statefulset, "spec", "updateStrategy", "rollingUpdate", "partition") or 0)


def updates_on_delete(statefulset: JSON) -> bool:
    """Whether spec.updateStrategy.type is OnDelete: Pods are updated only when somebody deletes them."""
    return text(statefulset, "spec", "updateStrategy", "type") == "OnDelete"


def is_parallel(statefulset: JSON) -> bool:
    """Whether spec.podManagementPolicy is Parallel: nobody waits for a neighbour at starting and stopping."""
    return text(statefulset, "spec", "podManagementPolicy") == "Parallel"


def max_unavailable(statefulset: JSON) -> int:
    """spec.updateStrategy.rollingUpdate.maxUnavailable in Pods: 1 by default, percentages round down, at least 1.

    Counts with the feature gate MaxUnavailableStatefulSet, which is off by default: see `as_stored`.

    >>> max_unavailable({"spec": {"replicas": 9, "updateStrategy": {"rollingUpdate": {"maxUnavailable": "30%"}}}})
    2
    """
    value = mapping(statefulset, "spec", "updateStrategy", "rollingUpdate").get("maxUnavailable")
    if not isinstance(value, int | str) or isinstance(value, bool):
        return 1
    return max(1, scaled_value(value, replicas_of(statefulset), round_up=False))


def as_stored(statefulset: JSON) -> JSON:
    """The set as an API server v1.36 keeps it, without a field whose feature is off by default.

    That is rollingUpdate.maxUnavailable (MaxUnavailableStatefulSet, beta since 1.35 and yet off): where a stored set
    has it, the feature is on (dropStatefulSetDisabledFields).
    """
    spec, strategy = mapping(statefulset, "spec"), mapping(statefulset, "spec", "updateStrategy")
    rolling = mapping(strategy, "rollingUpdate")
    if "maxUnavailable" not in rolling:
        return statefulset
    kept = {key: value for key, value in rolling.items() if key != "maxUnavailable"}
    return {**statefulset, "spec": {**spec, "updateStrategy": {**strategy, "rollingUpdate": kept}}}


def retention_policy(statefulset: JSON) -> tuple[bool, bool]:
    """persistentVolumeClaimRetentionPolicy: whether claims go when the set shrinks, and when it is deleted.

    >>> retention_policy({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}})
    (True, False)
    """
    policy = mapping(statefulset, "spec", "persistentVolumeClaimRetentionPolicy")
    return text(policy, "whenScaled") == "Delete", text(policy, "whenDeleted") == "Delete"


def claim_templates(statefulset: JSON) -> list[str]:
    """The names of spec.volumeClaimTemplates."""
    return [text(t, "metadata", "name") for t in listed(statefulset, "spec", "volumeClaimTemplates")]


def claim_name(template: str, statefulset: str, ordinal: int) -> str:
    """The claim of an ordinal: a Pod that comes again finds it by this name.

    >>> claim_name("data", "kubia", 2)
    'data-kubia-2'
    """
    return f"{template}-{statefulset}-{ordinal}"


def ordinal_of(name: str, statefulset: str) -> int | None:
    """The ordinal in a Pod's name; None when the name is not of this set.

    >>> ordinal_of("kubia-2", "kubia"), ordinal_of("kubia-x", "kubia")
    (2, None)
    """
    stem, _, number = name.rpartition("-")
    return int(number) if stem == statefulset and number.isdecimal() and len(number) < 8 else None


# -- one sync ----------------------------------------------------------------------------------------


def next_acts(statefulset: JSON, members: Sequence[Member], current: str, update: str, kept: int = 0) -> Plan:
    """What the controller does now (updateStatefulSet).

    `current` and `update` are the set's two revisions, `kept` is status.currentReplicas. In order: Pods that should be
    there, from the lowest ordinal up; then those beyond the last ordinal, from the highest down; then the update, from
    the highest down. OrderedReady does one of these at a time and waits at the first Pod that is not available;
    Parallel does all at once, and waits for updated Pods only.

    >>> set_ = {"spec": {"replicas": 3}}
    >>> next_acts(set_, [Member(0, "r1", True, True)], "r1", "r1").acts
    (Act(verb='create', ordinal=1, revision='r1'),)
    >>> next_acts(set_, [Member(0, "r1")], "r1", "r1")
    Plan(acts=(), waits_for=0, why='not-ready')
    """
    start, count = start_ordinal(statefulset), replicas_of(statefulset)
    by_ordinal = {m.ordinal: m for m in members}
    wanted = range(start, start + count)
    condemned = sorted((m for m in members if m.ordinal not in wanted), key=lambda m: -m.ordinal)
    parallel = is_parallel(statefulset)
    acts: list[Act] = []
    for ordinal in wanted:
        step = _living(by_ordinal.get(ordinal), ordinal, _revision_for(statefulset, ordinal, current, update, kept))
        acts += step.acts
        if not parallel and (step.acts or step.why):
            return step
    first_bad = next((m for o in wanted if (m := by_ordinal.get(o)) and m.unavailable), None)
    first_bad = first_bad or next((m for m in reversed(condemned) if m.unavailable), None)
    for member in condemned:
        step = _condemned(member, first_bad, parallel=parallel)
        acts += step.acts
        if not parallel:
            return step
    if updates_on_delete(statefulset):
        return Plan(tuple(acts))
    there = [by_ordinal.get(o) or Member(o, _revision_for(statefulset, o, current, update, kept)) for o in wanted]
    last = _update(statefulset, there, update)
    return last._replace(acts=(*acts, *(act for act in last.acts if act not in acts)))


def _revision_for(statefulset: JSON, ordinal: int, current: str, update: str, kept: int) -> str:
    """Which revision a new Pod is made from (newVersionedStatefulSetPod).

    A strategy that is only named has no partition, not even 0; one that is not named at all is given it (the API's
    defaults): then status.currentReplicas does not count.
    """
    strategy = mapping(statefulset, "spec", "updateStrategy")
    if updates_on_delete(statefulset):
        return update
    by_count = text(strategy, "type") == "RollingUpdate" and not isinstance(strategy.get("rollingUpdate"), Mapping)
    below = start_ordinal(statefulset) + (kept if by_count else partition_of(statefulset))
    return current if ordinal < below else update


def _living(member: Member | None, ordinal: int, revision: str) -> Plan:
    """processReplica: a Pod that should be there."""
    if member is None:
        return Plan((Act("create", ordinal, revision),))
    if member.terminating:
        return Plan((), ordinal, "terminating")
    if member.over:
        return Plan((Act("delete", ordinal, member.revision),))
    if not member.ready:
        return Plan((), ordinal, "not-ready")
    return Plan() if member.available else Plan((), ordinal, "not-available")


def _condemned(member: Member, first_bad: Member | None, *, parallel: bool) -> Plan:
    """processCondemned: a Pod beyond the last ordinal. An unhealthy one may go if no lower one is unhealthy too."""
    if member.terminating:
        return Plan((), member.ordinal, "terminating")
    if not member.available and not parallel and first_bad is not None and first_bad.ordinal != member.ordinal:
        return Plan((), first_bad.ordinal, "not-available" if first_bad.ready else "not-ready")
    return Plan((Act("delete", member.ordinal, member.revision),))


def _update(statefulset: JSON, there: Sequence[Member], update: str) -> Plan:
    """The update, from the top: one Pod after the other, each when the one above is available.

    With maxUnavailable as many at once as may be unavailable, whichever already are
    (updateStatefulSetAfterInvariantEstablished).
    """
    due = list(reversed(there[partition_of(statefulset) :]))
    old = [m for m in due if m.revision != update and not m.terminating]
    if not old:
        return Plan()
    if "maxUnavailable" in mapping(statefulset, "spec", "updateStrategy", "rollingUpdate"):
        bad = [m for m in there if m.unavailable]
        room = max_unavailable(statefulset) - len(bad)
    else:
        bad = [m for m in due if m.unavailable and m.ordinal > old[0].ordinal]
        room = 0 if bad else 1
    if room <= 0:
        return Plan((), bad[0].ordinal, "unhealthy-update")
    return Plan(tuple(Act("delete", m.ordinal, m.revision) for m in old[:room]))
