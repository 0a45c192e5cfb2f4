"""The StatefulSet controller: Pods with a number, one after the other, each with claims of its own.

Kubernetes' pkg/controller/statefulset (v1.36); what it decides is in `rules/statefulset`, what it writes in
`rules/statefulset_objects`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from k8sviz.cluster.controllers.kit import Controller, Key, key_of, owner_reference, replaced
from k8sviz.cluster.controllers.owned import Owned, adopt, release
from k8sviz.cluster.refused import Refused
from k8sviz.rules.availability import available_from, is_active, is_terminating
from k8sviz.rules.deployment import min_ready_seconds
from k8sviz.rules.fields import integer, mapped, mapping, text
from k8sviz.rules.meta import controller_of
from k8sviz.rules.pods import is_ready
from k8sviz.rules.selectors import labels_of, matches
from k8sviz.rules.statefulset import Act, next_acts, ordinal_of, replicas_of, start_ordinal
from k8sviz.rules.statefulset_objects import (
    claims_of,
    is_stale,
    live_revisions,
    member_of,
    pod_of,
    revision_data,
    revision_of_template,
    surplus_revisions,
    template_of,
    wanted_owners,
    with_status,
)

if TYPE_CHECKING:
    from k8sviz.cluster.cluster import Cluster
    from k8sviz.cluster.controllers.pods import PodIndex
    from k8sviz.history import Object

__all__ = ["StatefulSetController"]

_COMPONENT = "statefulset-controller"


class StatefulSetController(Controller):
    """Looks at a set when it, one of its Pods, or one of its revisions changed."""

    def __init__(self, cluster: Cluster, pods: PodIndex) -> None:
        super().__init__(cluster)
        self.pods = pods
        self.revisions = Owned(cluster.api, "ControllerRevision", "StatefulSet")

    def _seen(self, change: str, obj: Object) -> None:
        kind = obj["kind"]
        if kind == "StatefulSet":
            if change != "DELETED":
                self.enqueue(key_of(obj))
        elif kind == "ControllerRevision":
            self.revisions.seen(change, obj)
        elif kind == "Pod":
            self._pod_seen(change, obj)

    def _pod_seen(self, change: str, pod: Object) -> None:
        owner = controller_of(pod)
        namespace, name = key_of(pod)
        if owner is not None and text(owner, "kind") == "StatefulSet":
            self.enqueue((namespace, text(owner, "name")))
        elif owner is None and change != "DELETED":
            found = self.api.find("StatefulSet", name.rpartition("-")[0], namespace)
            if found is not None and matches(mapped(found, "spec", "selector"), labels_of(pod)):
                self.enqueue(key_of(found))

    def _sync(self, key: Key) -> None:
        """sync and UpdateStatefulSet."""
        statefulset = self.api.find("StatefulSet", key[1], key[0])
        if statefulset is None:
            return
        pods = self._claim(statefulset)
        revisions = sorted(self.revisions.claim(statefulset), key=lambda r: integer(r, "revision") or 0)
        update, revisions, statefulset = self._update_revision(statefulset, revisions)
        names = {text(r, "metadata", "name"): r for r in revisions}
        current = text(statefulset, "status", "currentRevision")
        current = current if current in names else update
        self._act(statefulset, pods, names, current, update)
        live = live_revisions(pods, (current, update))
        for name in surplus_revisions(statefulset, revisions, live):
            self.api.delete("ControllerRevision", name, key[0])

    # -- Pods and revisions ----------------------------------------------------------------------------

    def _claim(self, statefulset: Object) -> list[Object]:
        """The set's Pods by ordinal, after it has adopted those that are its own by name and labels."""
        namespace, name = key_of(statefulset)
        selector = mapped(statefulset, "spec", "selector")
        found = []
        for pod in list(self.pods.of(text(statefulset, "metadata", "uid")).pods.values()):
            if matches(selector, labels_of(pod)):
                found.append(pod)
            elif not is_terminating(statefulset):
                release(self.api, statefulset, pod)
        if not is_terminating(statefulset):
            orphans = self.pods.adoptable(namespace, lambda labels: matches(selector, labels))
            mine = [pod for pod in orphans if ordinal_of(text(pod, "metadata", "name"), name) is not None]
            found += [adopt(self.api, statefulset, pod) for pod in mine]
        return sorted(found, key=lambda pod: self._ordinal(statefulset, pod))

    @staticmethod
    def _ordinal(statefulset: Object, pod: Object) -> int:
        found = ordinal_of(text(pod, "metadata", "name"), text(statefulset, "metadata", "name"))
        return -1 if found is None else found

    def _update_revision(self, statefulset: Object, revisions: list[Object]) -> tuple[str, list[Object], Object]:
        """The revision of the present template: the newest, an older one made the newest, or a new one."""
        data = revision_data(statefulset)
        equal = [r for r in revisions if r.get("data") == data]
        number = (integer(revisions[-1], "revision") or 0) + 1 if revisions else 1
        if equal and equal[-1] is revisions[-1]:
            return text(equal[-1], "metadata", "name"), revisions, statefulset
        if equal:
            again = self.api.replace(replaced(equal[-1], "revision", value=number))
            kept = [r for r in revisions if r is not equal[-1]]
            return text(again, "metadata", "name"), [*kept, again], statefulset
        collisions = integer(statefulset, "status", "collisionCount") or 0
        new = revision_of_template(statefulset, number, collisions, owner_reference(statefulset))
        try:
            made = self.api.create(new)
        except Refused as refusal:
            if refusal.reason == "AlreadyExists":
                status = {**mapping(statefulset, "status"), "collisionCount": collisions + 1}
                self.api.replace({**statefulset, "status": status}, subresource="status")
            raise
        return text(made, "metadata", "name"), [*revisions, made], statefulset

    # -- one look --------------------------------------------------------------------------------------

    def _act(
        self, statefulset: Object, pods: Sequence[Object], revisions: dict[str, Object], current: str, update: str
    ) -> None:
        seconds = min_ready_seconds(statefulset)
        by_ordinal = {self._ordinal(statefulset, pod): pod for pod in pods}
        members = [member_of(statefulset, pod, self.now) for n, pod in by_ordinal.items() if n >= 0]
        kept = integer(statefulset, "status", "currentReplicas") or 0
        updating = 0
        refused = None
        if not is_terminating(statefulset):
            self._keep_claims(statefulset, by_ordinal)
            plan = next_acts(statefulset, members, current, update, kept)
            wanted = {act.ordinal for act in plan.acts if act.verb == "create"}
            for act in plan.acts:
                try:
                    self._do(statefulset, act, by_ordinal.get(act.ordinal), revisions)
                except Refused as refusal:
                    refused = refusal
                    break
            old = {m.ordinal for m in members if m.revision == current and current != update}
            start = {act.ordinal for act in plan.acts if act.verb == "delete"} - wanted
            updating = len(start & old & self._in_range(statefulset))
        status = with_status(statefulset, members, current, update, updating=updating)
        if status != mapping(statefulset, "status"):
            self.api.replace({**statefulset, "status": status}, subresource="status")
        if refused is not None:
            raise refused
        self._look_again(statefulset, pods, seconds)

    @staticmethod
    def _in_range(statefulset: Object) -> set[int]:
        start = start_ordinal(statefulset)
        return set(range(start, start + replicas_of(statefulset)))

    def _look_again(self, statefulset: Object, pods: Sequence[Object], seconds: int) -> None:
        """Ready Pods become available by waiting alone."""
        now = self.now
        times = [t for pod in pods if is_ready(pod) and (t := available_from(pod, seconds)) is not None]
        later = min((t for t in times if t > now), default=None) if seconds > 0 else None
        if later is not None:
            self.enqueue(key_of(statefulset), later - now)

    def _do(self, statefulset: Object, act: Act, pod: Object | None, revisions: dict[str, Object]) -> None:
        if act.verb == "create":
            self._create(statefulset, act, revisions)
        elif pod is not None and not is_terminating(pod):
            self.api.delete("Pod", text(pod, "metadata", "name"), text(pod, "metadata", "namespace"))
            self._tell(statefulset, "Delete", text(pod, "metadata", "name"))

    def _create(self, statefulset: Object, act: Act, revisions: dict[str, Object]) -> None:
        owner = owner_reference(statefulset)
        template = template_of(revisions[act.revision])
        pod = pod_of(statefulset, template, act.revision, act.ordinal, owner)
        name = text(pod, "metadata", "name")
        reference = {"apiVersion": "v1", "kind": "Pod", "name": name, "uid": ""}
        namespace = text(statefulset, "metadata", "namespace")
        for wish in claims_of(statefulset, act.ordinal):
            claim = self.api.find("PersistentVolumeClaim", text(wish, "metadata", "name"), namespace)
            if claim is not None and is_stale(statefulset, claim, reference):
                self.enqueue(key_of(statefulset), 1.0)  # the garbage collector is about to take the claim
                return
        self._make_claims(statefulset, act.ordinal, name)
        try:
            self.api.create(pod)
        except Refused as refusal:
            if refusal.reason != "AlreadyExists":
                self._tell(statefulset, "Create", name, refusal)
            raise
        self._tell(statefulset, "Create", name)

    def _tell(self, statefulset: Object, verb: str, pod: str, refusal: Refused | None = None) -> None:
        what = f"{verb} Pod {pod} in StatefulSet {text(statefulset, 'metadata', 'name')}"
        if refusal is None:
            self.cluster.event(statefulset, "Normal", f"Successful{verb}", f"{what} successful", _COMPONENT)
        else:
            said = f"{what} failed error: {refusal}"
            self.cluster.event(statefulset, "Warning", f"Failed{verb}", said, _COMPONENT)

    # -- claims ----------------------------------------------------------------------------------------

    def _make_claims(self, statefulset: Object, ordinal: int, pod: str) -> None:
        """The claims of an ordinal that are not there (createPersistentVolumeClaims)."""
        namespace, name = key_of(statefulset)
        for wish in claims_of(statefulset, ordinal):
            claim = text(wish, "metadata", "name")
            if self.api.find("PersistentVolumeClaim", claim, namespace) is not None:
                continue
            try:
                self.api.create(wish)
            except Refused as refusal:
                said = f"Create Claim {claim} for Pod {pod} in StatefulSet {name} failed error: {refusal}"
                self.cluster.event(statefulset, "Warning", "FailedCreate", said, _COMPONENT)
                self._tell(statefulset, "Create", pod, refusal)
                raise
            said = f"Create Claim {claim} Pod {pod} in StatefulSet {name} success"
            self.cluster.event(statefulset, "Normal", "SuccessfulCreate", said, _COMPONENT)

    def _keep_claims(self, statefulset: Object, pods: dict[int, Object]) -> None:
        """Claims of pending Pods that are missing come again; owners follow the retention policy."""
        namespace = text(statefulset, "metadata", "namespace")
        owner = owner_reference(statefulset)
        for ordinal, pod in pods.items():
            if text(pod, "status", "phase") == "Pending" and is_active(pod):
                self._make_claims(statefulset, ordinal, text(pod, "metadata", "name"))
            for wish in claims_of(statefulset, ordinal):
                claim = self.api.find("PersistentVolumeClaim", text(wish, "metadata", "name"), namespace)
                if claim is None:
                    continue
                owners = wanted_owners(statefulset, claim, owner, owner_reference(pod), ordinal)
                if owners is not None:
                    self.api.replace(replaced(claim, "metadata", "ownerReferences", value=owners or None))
