"""Why a RoleBinding or ClusterRoleBinding gives nothing: its subject or its role is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8sviz.errors import nearest
from k8sviz.history import Object
from k8sviz.rules.fields import listed, mapping, text
from k8sviz.why.case import Case, Matcher, called, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.words import say

__all__ = ["BINDING"]

JSON = Mapping[str, Any]


def _subjects(case: Case) -> list[tuple[str, str]]:
    """The ServiceAccounts that the binding names: (namespace, name)."""
    return [
        (text(subject, "namespace") or case.namespace, text(subject, "name"))
        for subject in listed(case.obj, "subjects")
        if text(subject, "kind") == "ServiceAccount"
    ]


def _fact(case: Case, namespace: str, name: str) -> Evidence:
    source = say("why.text.field", path="subjects", subject=called(case.ref))
    return Evidence(source, f"ServiceAccount {namespace}/{name}")


def _subject_elsewhere(case: Case) -> Explanation | None:
    """An account of that name exists, but in another namespace than the binding says."""
    accounts = case.snapshot.objects("ServiceAccount")
    for namespace, name in _subjects(case):
        homes = sorted({text(a, "metadata", "namespace") for a in accounts if text(a, "metadata", "name") == name})
        if not homes or namespace in homes:
            continue
        pods = [pod for home in homes for pod in _pods_of(case, home, name)]
        told: dict[str, Any] = {
            "account": f"{namespace}/{name}",
            "homes": join(homes),
            "namespace": namespace,
            "pods": say("why.binding-words.pods", pods=join(map(called, pods))) if pods else "",
        }
        proof = [_fact(case, namespace, name), *(Evidence(f"serviceaccount/{name}", home) for home in homes)]
        return case.tell("binding.subject-elsewhere", say("why.state.gives-nothing"), "error", evidence=proof, **told)
    return None


def _pods_of(case: Case, namespace: str, account: str) -> list[Object]:
    pods = case.snapshot.objects("Pod", namespace=namespace)
    return [pod for pod in pods if (text(pod, "spec", "serviceAccountName") or "default") == account]


def _subject_missing(case: Case) -> Explanation | None:
    for namespace, name in _subjects(case):
        there = [text(a, "metadata", "name") for a in case.snapshot.objects("ServiceAccount", namespace=namespace)]
        hint = nearest(name, there)
        # of files only what looks like a slip is told: the account may be in another file
        known = case.snapshot.missing("ServiceAccount") == "absent" or hint.startswith("did you mean")
        if not known or name in there:
            continue
        proof = [_fact(case, namespace, name)]
        account = f"{namespace}/{name}"
        return case.tell(
            "binding.subject-missing",
            say("why.state.gives-nothing"),
            "warning",
            evidence=proof,
            account=account,
            hint=hint,
        )
    return None


def _role_missing(case: Case) -> Explanation | None:
    role = mapping(case.obj, "roleRef")
    kind, name = text(role, "kind"), text(role, "name")
    if kind not in ("Role", "ClusterRole") or case.snapshot.missing(kind) != "absent":
        return None
    home = case.namespace if kind == "Role" else ""
    if case.snapshot.get(kind, name, home) is not None:
        return None
    source = say("why.text.field", path="roleRef", subject=called(case.ref))
    state = say("why.state.gives-nothing")
    return case.tell(
        "binding.role-missing", state, "warning", evidence=[Evidence(source, f"{kind} {name}")], kind=kind, name=name
    )


def _gives(case: Case) -> Explanation:
    role = mapping(case.obj, "roleRef")
    source = say("why.text.field", path="roleRef", subject=called(case.ref))
    given = f"{text(role, 'kind')} {text(role, 'name')}"
    subjects = join(
        "/".join(part for part in (text(s, "namespace"), text(s, "name")) if part) for s in listed(case.obj, "subjects")
    )
    told: dict[str, Any] = {"role": given, "subjects": subjects or say("why.text.none")}
    return case.tell("binding.gives", say("why.state.there"), evidence=[Evidence(source, given)], **told)


BINDING: tuple[Matcher, ...] = (_subject_elsewhere, _subject_missing, _role_missing, _gives)
