"""Role-based access control: may somebody do this, and which binding, role and rule says so.

Rules: plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/apis/rbac/v1/evaluation_helpers.go,
pkg/registry/rbac/validation/rule.go (Kubernetes v1.36). Access is only ever added: no rule forbids.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from k8sviz.rules.admission import TOKEN_MOUNT_PATH, in_start_order, service_account
from k8sviz.rules.fields import JSON, listed, mapping, strings, text
from k8sviz.rules.objects import flattened
from k8sviz.rules.reasons import Reason
from k8sviz.rules.selectors import labels_of, matches

__all__ = [
    "ANONYMOUS",
    "Ambassador",
    "Grant",
    "Subject",
    "Verdict",
    "account",
    "account_of",
    "aggregated",
    "ambassador",
    "can",
    "can_reach_api",
    "grants",
    "is_bound",
    "named_subject",
    "role_key",
    "rules_of",
]

_PREFIX = "system:serviceaccount:"
_BINDINGS = ("ClusterRoleBinding", "RoleBinding")


class Subject(NamedTuple):
    """Who asks: a user name and the groups that the API server found for it."""

    user: str
    groups: tuple[str, ...] = ()


ANONYMOUS = Subject("system:anonymous", ("system:unauthenticated",))
"""Who nobody is who has not logged in."""


class Grant(NamedTuple):
    """One rule that a subject has: the binding that names it, the role, the rule, where it holds ('' everywhere)."""

    binding: JSON
    role: JSON
    rule: JSON
    namespace: str


class By(NamedTuple):
    """What allows a request."""

    binding: JSON
    role: JSON
    rule: JSON


class Verdict(NamedTuple):
    """Whether a request is allowed, the first rule that allows it, and why (a Reason of `rules.access`)."""

    allowed: bool
    by: By | None
    reason: Reason


def account(name: str, namespace: str) -> Subject:
    """A ServiceAccount as the API server sees the bearer of its token.

    >>> account("default", "demo").user
    'system:serviceaccount:demo:default'
    """
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return Subject(f"{_PREFIX}{namespace}:{name}", groups)


def account_of(pod: JSON) -> Subject:
    """Whom a Pod's token stands for."""
    return account(service_account(pod), text(pod, "metadata", "namespace"))


def named_subject(name: str) -> Subject:
    """A user by name, with the groups that follow from it, as `kubectl auth can-i --as NAME` asks.

    >>> named_subject("system:serviceaccount:demo:default").groups[1]
    'system:serviceaccounts:demo'
    >>> named_subject("jane").groups
    ('system:authenticated',)
    """
    namespace, colon, own = name.removeprefix(_PREFIX).partition(":")
    if name.startswith(_PREFIX) and colon:
        return account(own, namespace)
    return ANONYMOUS if name == ANONYMOUS.user else Subject(name, ("system:authenticated",))


def can(
    objects: Iterable[object],
    subject: Subject | str,
    verb: str,
    resource: str,
    name: str = "",
    group: str = "",
    namespace: str = "",
) -> Verdict:
    """Whether a subject may do this to a resource (`pods`, `pods/log`) of an API group, in a namespace ('' is all).

    `objects` are the Roles, ClusterRoles and their bindings that are known, among whatever else; `name` is one
    object's, '' where none is named (list, watch, create).

    >>> role = {"kind": "Role", "metadata": {"name": "r", "namespace": "demo"},
    ...         "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}]}
    >>> binding = {"kind": "RoleBinding", "metadata": {"name": "b", "namespace": "demo"},
    ...            "roleRef": {"kind": "Role", "name": "r"},
    ...            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "demo"}]}
    >>> may = can([role, binding], account("default", "demo"), "list", "pods", namespace="demo")
    >>> may.allowed, may.by.rule["verbs"]
    (True, ['get', 'list'])
    >>> can([role, binding], account("default", "demo"), "list", "secrets", namespace="demo").reason.code
    'no-rule'
    """
    who = named_subject(subject) if isinstance(subject, str) else subject
    facts = {"user": who.user, "verb": verb, "resource": resource, "namespace": namespace, "group": group}
    if "system:masters" in who.groups:  # pkg/kubeapiserver/authorizer: before any rule is read
        return Verdict(True, None, Reason("superuser", facts))
    known = list(flattened(objects))
    bound = False
    for grant in grants(known, who):
        if grant.namespace not in ("", namespace) or (grant.namespace and not namespace):
            continue
        bound = True
        if _covers(grant.rule, verb, group, resource, name):
            facts |= {"binding": _name(grant.binding), "role": _name(grant.role)}
            facts |= {"binding_kind": text(grant.binding, "kind"), "role_kind": text(grant.role, "kind")}
            return Verdict(True, By(grant.binding, grant.role, grant.rule), Reason("allowed", facts))
    return Verdict(False, None, Reason("no-rule" if bound else "no-binding", facts))


def grants(objects: Iterable[object], subject: Subject) -> Iterator[Grant]:
    """Every rule that a subject has, those of the whole cluster first."""
    known = list(flattened(objects))
    roles = {(text(o, "kind"), _home(o), _name(o)): o for o in known if text(o, "kind") in ("Role", "ClusterRole")}
    for kind in _BINDINGS:
        for binding in (o for o in known if text(o, "kind") == kind):
            if not is_bound(binding, subject):
                continue
            role = roles.get(role_key(binding))
            for rule in rules_of(role or {}, known):
                yield Grant(binding, role or {}, rule, "" if kind == _BINDINGS[0] else _home(binding))


def rules_of(role: JSON, known: Iterable[JSON]) -> list[JSON]:
    """A role's rules; an aggregated ClusterRole's, which a controller fills in, are those of the roles it selects.

    Rule: pkg/controller/clusterroleaggregation.

    >>> labels = {"to": "view"}
    >>> part = {"kind": "ClusterRole", "metadata": {"name": "a", "labels": labels}, "rules": [{"verbs": ["get"]}]}
    >>> whole = {"kind": "ClusterRole", "metadata": {"name": "b"},
    ...          "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "view"}}]}}
    >>> rules_of(whole, [part, whole])
    [{'verbs': ['get']}]
    """
    own = listed(role, "rules")
    if own or "aggregationRule" not in role:
        return own
    return [rule for part in aggregated(role, known) for rule in listed(part, "rules")]


def aggregated(role: JSON, known: Iterable[JSON]) -> list[JSON]:
    """The ClusterRoles that an aggregated one takes its rules from."""
    selectors = listed(role, "aggregationRule", "clusterRoleSelectors")
    return [
        other
        for other in known
        if text(other, "kind") == "ClusterRole"
        and _name(other) != _name(role)
        and any(matches(selector, labels_of(other)) for selector in selectors)
    ]


def role_key(binding: JSON) -> tuple[str, str, str]:
    """Kind, namespace and name of the role that a binding names."""
    kind = text(binding, "roleRef", "kind")
    return kind, _home(binding) if kind == "Role" else "", text(binding, "roleRef", "name")


def is_bound(binding: JSON, subject: Subject) -> bool:
    """Whether a binding names the subject, or a group that it is in."""
    return any(_is(entry, subject, _home(binding)) for entry in listed(binding, "subjects"))


def _is(entry: JSON, subject: Subject, namespace: str) -> bool:
    match text(entry, "kind"):
        case "User":
            return text(entry, "name") == subject.user
        case "Group":
            return text(entry, "name") in subject.groups
        case "ServiceAccount":
            home = text(entry, "namespace") or namespace
            return bool(home) and subject.user == f"{_PREFIX}{home}:{text(entry, 'name')}"
    return False


def _covers(rule: JSON, verb: str, group: str, resource: str, name: str) -> bool:
    """Whether one rule covers a request (RuleAllows); rules for nonResourceURLs cover none."""
    names = strings(rule, "resourceNames")
    return (
        _any(strings(rule, "verbs"), verb)
        and _any(strings(rule, "apiGroups"), group)
        and _resource(strings(rule, "resources"), resource)
        and (not names or name in names)
    )


def _any(allowed: list[str], wanted: str) -> bool:
    return "*" in allowed or wanted in allowed


def _resource(allowed: list[str], wanted: str) -> bool:
    """`*` covers every resource with its parts, `*/log` that part of all; `pods` does not cover `pods/log`."""
    part = wanted.partition("/")[2]
    return "*" in allowed or wanted in allowed or (bool(part) and f"*/{part}" in allowed)


def _name(obj: JSON) -> str:
    return text(obj, "metadata", "name")


def _home(obj: JSON) -> str:
    return "" if text(obj, "kind").startswith("Cluster") else text(obj, "metadata", "namespace")


# -- how a Pod reaches the API server ------------------------------------------------------------------


class Ambassador(NamedTuple):
    """A container that runs `kubectl proxy`, and the port on localhost where it listens."""

    container: str
    port: int


def ambassador(pod: JSON) -> Ambassador | None:
    """The Pod's container that runs `kubectl proxy`; None when there is none.

    >>> proxy = {"name": "ambassador", "image": "registry.k8s.io/kubectl:v1.36.2", "args": ["proxy", "--port=8001"]}
    >>> ambassador({"spec": {"containers": [{"name": "main"}, proxy]}})
    Ambassador(container='ambassador', port=8001)
    """
    for container, _ in in_start_order(pod):
        words = [*strings(container, "command"), *strings(container, "args")]
        image = text(container, "image").rpartition("/")[2].partition("@")[0].partition(":")[0]
        runs_kubectl = "kubectl" in image or any(word.rpartition("/")[2] == "kubectl" for word in words[:1])
        script = " ".join(words)
        if (runs_kubectl and "proxy" in words) or "kubectl proxy" in script:
            return Ambassador(text(container, "name"), _port(script.split()))
    return None


def _port(words: list[str]) -> int:
    for i, word in enumerate(words):
        flag, equals, value = word.partition("=")
        if flag in ("--port", "-p"):
            shown = value if equals else words[i + 1] if i + 1 < len(words) else ""
            if shown.isdigit():
                return int(shown)
    return 8001


def can_reach_api(container: JSON, volumes: Iterable[JSON]) -> dict[str, str]:
    """Where a container finds a token and a certificate of the API server: `token` and `ca` → path, if it has them.

    Reads projected volumes with a serviceAccountToken, and Secrets of type service-account-token at their usual place.
    """
    known = {text(volume, "name"): volume for volume in volumes}
    found: dict[str, str] = {}
    for mount in listed(container, "volumeMounts"):
        folder = text(mount, "mountPath").rstrip("/")
        for source in listed(known.get(text(mount, "name"), {}), "projected", "sources"):
            token = text(source, "serviceAccountToken", "path")
            if token and not text(source, "serviceAccountToken", "audience"):
                found.setdefault("token", f"{folder}/{token}")
            for item in listed(source, "configMap", "items"):
                if text(source, "configMap", "name") == "kube-root-ca.crt" and text(item, "key") == "ca.crt":
                    found.setdefault("ca", f"{folder}/{text(item, 'path')}")
        volume = known.get(text(mount, "name"), {})
        if mapping(volume, "secret") and folder == TOKEN_MOUNT_PATH:
            found.setdefault("token", f"{folder}/token")
            found.setdefault("ca", f"{folder}/ca.crt")
    return found
