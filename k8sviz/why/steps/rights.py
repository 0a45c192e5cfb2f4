"""Who may not do what: 403, and `kubectl auth can-i`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from k8sviz.rules.fields import listed, text
from k8sviz.why.case import fact, join
from k8sviz.why.model import Evidence, Explanation
from k8sviz.why.steps.case import StepCase
from k8sviz.words import say

__all__ = ["cannot", "forbidden"]

JSON = Mapping[str, Any]
Match = re.Match[str]


def forbidden(case: StepCase, match: Match) -> Explanation:
    """The API server answered 403: who asked for what, and which bindings there are."""
    user, where = match["user"], match["where"] or ""
    namespace = match["namespace"] or ""
    told: dict[str, Any] = {"user": user, "verb": match["verb"], "resource": match["resource"], "where": where.strip()}
    proof: list[Evidence | None] = [case.said(match[0])]
    if user == "system:anonymous":
        return case.tell("step.forbidden-anonymous", evidence=proof, **told)
    account = re.match(r"system:serviceaccount:([^:]+):(.+)", user)
    proof += _bindings(case, namespace, account, user)
    if account:
        return case.tell(
            "step.forbidden-account",
            evidence=proof,
            account=account[2],
            owner=account[1],
            namespace=namespace or account[1],
            **told,
        )
    return case.tell("step.forbidden", evidence=proof, **told)


def _bindings(case: StepCase, namespace: str, account: Match | None, user: str) -> list[Evidence | None]:
    """Which bindings name the user: usually none."""
    found: list[Evidence | None] = []
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in case.snapshot.objects(kind, namespace=namespace or None):
            subjects = listed(binding, "subjects")
            found += [fact(binding, "roleRef", "name")] if any(_is_subject(s, account, user) for s in subjects) else []
    return found or [Evidence("RoleBinding", say("why.step-words.no-binding", user=user))]


def _is_subject(subject: JSON, account: Match | None, user: str) -> bool:
    if text(subject, "kind") == "ServiceAccount" and account:
        return (text(subject, "namespace"), text(subject, "name")) == (account[1], account[2])
    return text(subject, "name") == user


def cannot(case: StepCase) -> Explanation:
    """`kubectl auth can-i` said no, which it tells by its exit code too."""
    asked = re.findall(r"auth can-i (\S+) (\S+)(?:[^;&|]*--as[= ](\S+))?", case.step.command)
    answers = re.findall(r"^(yes|no)\b", case.result.stdout, re.MULTILINE)
    proof: list[Evidence | None] = [
        Evidence(f"can-i {verb} {resource}{' --as ' + user.strip(';') if user else ''}", answer)
        for (verb, resource, user), answer in zip(asked, answers, strict=False)
    ]
    denied = [
        f"{verb} {resource}" for (verb, resource, _), answer in zip(asked, answers, strict=False) if answer == "no"
    ]
    return case.tell("step.cannot", "fine", evidence=proof, denied=join(denied) or say("why.step-words.something"))
