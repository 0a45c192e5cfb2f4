"""Who may do what: asked only when a request names an account, since nobody else's rights are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from k8sviz.cluster.refused import forbidden
from k8sviz.kinds import Kind
from k8sviz.rules.access import can, named_subject

if TYPE_CHECKING:
    from k8sviz.cluster.api import API

__all__ = ["authorize"]

_RULES: Final = ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")


def authorize(api: API, user: str, verb: str, kind: Kind, name: str, namespace: str) -> None:
    """Let a user do this; '' and the cluster's own components may do everything.

    Raises Refused, in the words of the RBAC authorizer.
    """
    is_account = user.startswith("system:serviceaccount:")
    if not user or (user.startswith("system:") and not is_account and user != "system:anonymous"):
        return
    objects = [obj for rules in _RULES for obj in api.list(rules)]
    api_group, slash, _ = kind.api_version.partition("/")
    group = api_group if slash else ""
    where = namespace if kind.namespaced else ""
    if can(objects, named_subject(user), verb, kind.plural, name, group, where).allowed:
        return
    place = f'in the namespace "{where}"' if where else "at the cluster scope"
    why = f'User "{user}" cannot {verb} resource "{kind.plural}" in API group "{group}" {place}'
    raise forbidden(kind.name, name, why)
