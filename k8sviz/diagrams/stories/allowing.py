"""What accounts may do, as the access story draws it: bindings, roles, what each rule allows, and what allows nothing.

A rule that matches nothing is marked (`rules/role_faults`), and so is a subject that is not where its binding looks.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from k8sviz.diagrams.kit.builder import Builder
from k8sviz.diagrams.kit.model import Level
from k8sviz.history import Object, ref_of
from k8sviz.kinds import Ref
from k8sviz.rules.access import account, aggregated, is_bound, role_key
from k8sviz.rules.fields import listed, strings, text
from k8sviz.rules.reasons import Reason
from k8sviz.rules.role_faults import fault_words, role_faults
from k8sviz.rules.selectors import labels_of
from k8sviz.words import say

__all__ = ["Grants"]

_OWN_ROLES: Final = "kubernetes.io/bootstrapping"
_STANDARD: Final = "default"
_SO_NEAR: Final = 0.85


class Grants:
    """Draws accounts, bindings and roles into a story."""

    def __init__(self, builder: Builder) -> None:
        self.b = builder
        self.notes: list[str] = []
        self.roles_of_cluster = builder.snapshot.objects("ClusterRole")
        self.custom = {
            (text(crd, "spec", "group"), text(crd, "spec", "names", "plural"))
            for crd in builder.snapshot.objects("CustomResourceDefinition")
        }

    def everything(self) -> None:
        """All accounts, bindings and roles; roles that Kubernetes itself brings only where something names them."""
        snapshot, namespace = self.b.snapshot, self.b.namespace
        for obj in snapshot.objects("ServiceAccount", namespace=namespace):
            self.account(ref_of(obj))
        for kind in ("RoleBinding", "ClusterRoleBinding"):
            for binding in snapshot.objects(kind, namespace=namespace):
                self.binding(binding)
        named = {role_key(binding) for binding in self.bindings()}
        for kind in ("Role", "ClusterRole"):
            for role in snapshot.objects(kind, namespace=namespace):
                ref = ref_of(role)
                if _OWN_ROLES not in labels_of(role) and (ref.kind, ref.namespace, ref.name) not in named:
                    self.role(role, say("access.state.unbound"))

    def account(self, ref: Ref) -> None:
        """A ServiceAccount, and what it may do; nothing when no binding that is known names it."""
        who = account(ref.name, ref.namespace)
        facts = [say("access.fact.user", user=who.user)]
        if self.b.snapshot.find(ref) is None:
            missing = self.b.snapshot.missing(ref.kind)
            made = ref.name == _STANDARD and missing == "elsewhere"
            state = say("access.state.made") if made else say(f"access.state.{missing}")
            node = self.b.object(ref, facts, state=state, level="" if made else "unknown")
        else:
            node = self.b.object(ref, facts)
        bound = [b for b in self.bindings() if is_bound(b, who)]
        for binding in bound:
            self.b.edge(node, self.binding(binding), "bound", say("access.edge.bound"))
        if not bound:
            nothing = self.b.node(
                "Permission",
                say("access.name.nothing"),
                f"permission/none/{self.b.id_of(ref)}",
                state=say("access.state.nothing"),
                level="bad",
            )
            self.b.edge(node, nothing, "allows", say("access.edge.allows"), "off")

    def bindings(self) -> list[Object]:
        """Every binding there is."""
        return [b for kind in ("ClusterRoleBinding", "RoleBinding") for b in self.b.snapshot.objects(kind)]

    def binding(self, binding: Object) -> str:
        """A RoleBinding or ClusterRoleBinding with its role and its subjects."""
        ref = ref_of(binding)
        where = (
            say("access.fact.in-namespace", namespace=ref.namespace) if ref.namespace else say("access.fact.everywhere")
        )
        node = self.b.object(ref, [where])
        kind, namespace, name = role_key(binding)
        role_ref = Ref(kind, name, namespace)
        role = self.b.snapshot.find(role_ref)
        if role is None:
            self.b.edge(node, self.missing_role(role_ref), "role", say("access.edge.role"), "unknown")
        else:
            self.role(role)
            self.b.edge(node, self.b.id_of(role_ref), "role", say("access.edge.role"), "ok")
        for entry in listed(binding, "subjects"):
            if text(entry, "kind") in ("User", "Group"):
                who = self.b.node(
                    text(entry, "kind"), text(entry, "name"), f"{text(entry, 'kind')}//{text(entry, 'name')}"
                )
                self.b.edge(who, node, "bound", say("access.edge.bound"))
            elif text(entry, "kind") == "ServiceAccount":
                self.subject(entry, ref, node)
        return node

    def missing_role(self, ref: Ref) -> str:
        """A role that a binding names and that is not here: perhaps its name is a mistake."""
        missing = self.b.snapshot.missing(ref.kind)
        names = [each.name for each in map(ref_of, self.b.snapshot.objects(ref.kind))]
        near = difflib.get_close_matches(ref.name, names, n=1, cutoff=_SO_NEAR)
        # a ClusterRole is no part of a namespace's recording
        level: Level = "bad" if near or (missing == "absent" and ref.kind == "Role") else "unknown"
        state = say("access.state.meant", name=near[0]) if near else say(f"access.state.{missing}")
        return self.b.ghost(ref, state, level)

    def subject(self, entry: Mapping[str, Any], binding: Ref, node: str) -> None:
        """An account that a binding names: one that is not in the namespace that it looks in gets nothing."""
        home = text(entry, "namespace") or binding.namespace
        ref = Ref("ServiceAccount", text(entry, "name"), home)
        snapshot = self.b.snapshot
        if ref.name == _STANDARD or snapshot.find(ref) is not None or not self.b.shows(home):
            return
        others = sorted(
            each.namespace for each in map(ref_of, snapshot.objects("ServiceAccount")) if each.name == ref.name
        )
        missing = snapshot.missing(ref.kind)
        wrong = bool(others) or missing == "absent"
        state = say("access.state.no-account", namespace=home) if wrong else say(f"access.state.{missing}")
        level: Level = "bad" if wrong else "unknown"
        self.b.edge(self.b.ghost(ref, state, level), node, "bound", say("access.edge.bound"), level)
        if others:
            facts = {"binding": binding, "name": ref.name, "namespace": home, "home": ", ".join(others)}
            note = say("access.note.nowhere", **facts)
            self.notes += [note] if note not in self.notes else []

    def role(self, role: Mapping[str, Any], state: str = "") -> None:
        """A Role or ClusterRole, and a node for each of its rules; an aggregated one leads to those that it takes."""
        node = self.b.object(ref_of(dict(role)), state=state, level="off" if state else "")
        faults = role_faults(role, self.custom)
        for i, rule in enumerate(listed(role, "rules")):
            self.rule(node, i, rule, [fault for at, fault in faults if at == i])
        if "aggregationRule" in role and not listed(role, "rules"):
            for part in aggregated(role, self.roles_of_cluster):
                self.role(part)
                self.b.edge(node, self.b.id_of(ref_of(dict(part))), "role", say("access.edge.aggregates"), "ok")

    def rule(self, role: str, i: int, rule: Mapping[str, Any], faults: Sequence[Reason]) -> None:
        """What one rule of a role allows, and what in it matches nothing."""
        facts = [say("access.fact.resources", verbs=_all(strings(rule, "verbs")))]
        groups = [group for group in strings(rule, "apiGroups") if group]
        facts += [say("access.fact.group", group=_all(groups))] if groups else []
        names = strings(rule, "resourceNames")
        facts += [say("access.fact.names", names=", ".join(names))] if names else []
        name = _all(strings(rule, "resources")) or ", ".join(strings(rule, "nonResourceURLs"))
        facts += [fault_words(fault) for fault in faults]
        level: Level = "bad" if faults else "ok"
        state = say("access.state.fault") if faults else ""
        target = self.b.node("Permission", name, f"permission/{role}/{i}", facts, level=level, state=state)
        self.b.edge(role, target, "allows", say("access.edge.allows"), level, key=str(i))


def _all(words: list[str]) -> str:
    return say("access.name.everything") if "*" in words else ", ".join(words)
