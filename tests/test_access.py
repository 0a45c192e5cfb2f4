"""RBAC as the recorded cluster answers it, and the three questions with what answers each."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.stories.access import access
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.render.picture import render
from k8sviz.rules.access import ANONYMOUS, Subject, account, ambassador, can, grants, named_subject
from k8sviz.rules.role_faults import fault_words, rule_faults
from k8sviz.sources import manifests
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read
from k8sviz.words import say

LAB = "ch08-api-from-pod"
DEFAULT = account("default", "demo")
REPORTS = Path(__file__).parent / "reports"


@cache
def recorded() -> History:
    return read(data_dir() / "labs" / LAB / "recording.jsonl")


def story(at: str | None = None, focus: Ref | None = None) -> Diagram:
    history = recorded()
    return access(history.at(history.time(at)), focus, history=history)


# -- can ---------------------------------------------------------------------------------------------


def test_can_is_what_can_i_printed() -> None:
    step = recorded().step("can-i")
    assert step.result is not None
    asked = re.findall(r"can-i (\S+) (\S+) --as=(\S+?)(?:;|$)", step.command)
    assert len(asked) == 2
    answers = [
        "yes" if can(recorded().at(), user, verb, what, namespace="demo").allowed else "no"
        for verb, what, user in asked
    ]
    assert answers == step.result.stdout.split()


@pytest.mark.parametrize(("step", "allowed"), [("ca-only", False), ("token", False), ("allowed", True)])
def test_can_is_what_curl_got(step: str, allowed: bool) -> None:
    history = recorded()
    result = history.step(step).result
    assert result is not None
    who = ANONYMOUS if step == "ca-only" else DEFAULT
    verdict = can(history.at(result.t), who, "list", "pods", namespace="demo")
    assert verdict.allowed is allowed is ('"kind": "PodList"' in result.stdout)
    if not allowed:
        message = json.loads(result.stdout)["message"]
        assert f'User "{who.user}" cannot list resource "pods"' in message
        assert verdict.reason.code == "no-binding"


def test_the_verdict_names_what_decides() -> None:
    verdict = can(recorded().at(), DEFAULT, "get", "pods", namespace="demo")
    assert verdict.by is not None
    assert verdict.by.binding["metadata"]["name"] == "default-reads-pods"
    assert verdict.by.role["metadata"]["name"] == "pod-reader"
    assert say(f"access.reason.{verdict.reason.code}", **verdict.reason.facts) == (
        "system:serviceaccount:demo:default may get pods: RoleBinding default-reads-pods gives it Role pod-reader."
    )
    for verb, what, namespace in (
        ("delete", "pods", "demo"),
        ("list", "pods", "other"),
        ("list", "pods", ""),
        ("get", "pods/log", "demo"),
    ):
        refused = can(recorded().at(), DEFAULT, verb, what, namespace=namespace)
        assert (refused.allowed, refused.by) == (False, None)
        assert say(f"access.reason.{refused.reason.code}", **refused.reason.facts)


def role(kind: str = "Role", **rule: list[str]) -> dict:
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], **rule}]
    return {
        "kind": kind,
        "metadata": {"name": "r", **({} if kind[0] == "C" else {"namespace": "demo"})},
        "rules": rules,
    }


def binding(kind: str = "RoleBinding", to: str = "Role", **subject: str) -> dict:
    meta = {"name": "b", **({} if kind[0] == "C" else {"namespace": "demo"})}
    return {
        "kind": kind,
        "metadata": meta,
        "roleRef": {"kind": to, "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": "demo", **subject}],
    }


@pytest.mark.parametrize(
    ("objects", "ask", "allowed"),
    [
        ([role(verbs=["*"]), binding()], {"verb": "delete"}, True),
        ([role(resources=["*"]), binding()], {"resource": "pods/log"}, True),
        ([role(resources=["*/log"]), binding()], {"resource": "pods/log"}, True),
        ([role(resources=["*/log"]), binding()], {}, False),
        ([role(resources=["pods/log"]), binding()], {}, False),
        ([role(apiGroups=["apps"]), binding()], {}, False),
        ([role(apiGroups=["*"]), binding()], {"group": "apps"}, True),
        ([role(resourceNames=["web"]), binding()], {"name": "web"}, True),
        ([role(resourceNames=["web"]), binding()], {"name": "db"}, False),
        ([role(resourceNames=["web"]), binding()], {"verb": "get"}, False),
        ([binding()], {}, False),  # the role is gone
        ([role("ClusterRole"), binding(to="ClusterRole")], {}, True),
        ([role("ClusterRole"), binding(to="ClusterRole")], {"namespace": "other"}, False),
        ([role("ClusterRole"), binding("ClusterRoleBinding", "ClusterRole")], {"namespace": "other"}, True),
        ([role("ClusterRole"), binding("ClusterRoleBinding", "ClusterRole")], {"namespace": ""}, True),
        ([role(), binding(kind="RoleBinding", name="other")], {}, False),
        ([role(), binding(namespace="other")], {}, False),
        ([role(), binding(namespace="")], {}, True),
        ([{"kind": "List", "items": [role(), binding()]}], {}, True),
        ([role(), {**binding(), "subjects": [{"kind": "Group", "name": "system:serviceaccounts:demo"}]}], {}, True),
        ([role(), {**binding(), "subjects": [{"kind": "Group", "name": "system:authenticated"}]}], {}, True),
        ([role(), {**binding(), "subjects": [{"kind": "User", "name": DEFAULT.user}]}], {}, True),
        ([role(), {**binding(), "subjects": None}], {}, False),
        ([role(), {"kind": "RoleBinding"}, None, 3], {}, False),
    ],
)
def test_rules(objects: list, ask: dict, allowed: bool) -> None:
    verdict = can(objects, DEFAULT, **{"verb": "get", "resource": "pods", "namespace": "demo", **ask})
    assert verdict.allowed is allowed


def test_masters_may_do_everything() -> None:
    verdict = can([], Subject("root", ("system:masters",)), "delete", "nodes")
    assert (verdict.allowed, verdict.reason.code) == (True, "superuser")


@given(
    st.sampled_from(["get", "list", "*"]),
    st.sampled_from(["pods", "secrets", "*"]),
    st.sampled_from(["", "apps", "*"]),
    st.sampled_from(["get", "list"]),
    st.sampled_from(["pods", "secrets"]),
    st.sampled_from(["", "apps"]),
)
def test_one_rule_allows_what_it_lists_and_no_more(
    v: str, r: str, g: str, verb: str, resource: str, group: str
) -> None:
    objects = [role(verbs=[v], resources=[r], apiGroups=[g]), binding()]
    fits = v in ("*", verb) and r in ("*", resource) and g in ("*", group)
    assert can(objects, DEFAULT, verb, resource, group=group, namespace="demo").allowed is fits
    assert can([], DEFAULT, verb, resource, group=group, namespace="demo").allowed is False
    assert len(list(grants(objects, DEFAULT))) == 1


def test_names_of_subjects() -> None:
    assert named_subject("system:anonymous") == ANONYMOUS
    assert named_subject("system:serviceaccount:demo:default") == DEFAULT


# -- the ambassador ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "port"),
    [
        ({"image": "registry.k8s.io/kubectl:v1.36.2", "args": ["proxy", "--port=8001"]}, 8001),
        ({"image": "r/kubectl@sha256:1", "args": ["proxy", "-p", "9000"]}, 9000),
        ({"image": "tools", "command": ["/usr/bin/kubectl", "proxy"]}, 8001),
        ({"image": "tools", "command": ["sh", "-c", "kubectl proxy --port 8080"]}, 8080),
        ({"image": "kubectl", "args": ["get", "pods"]}, None),
        ({"image": "nginx", "args": ["proxy"]}, None),
        ({}, None),
    ],
)
def test_ambassadors(container: dict, port: int | None) -> None:
    found = ambassador({"spec": {"containers": [{"name": "main"}, {"name": "side", **container}]}})
    assert (found.port if found else None) == port


# -- the story -----------------------------------------------------------------------------------------


def ways(diagram: Diagram) -> set[tuple[str, str, str]]:
    names = {node.id: f"{node.kind} {node.name}" for node in diagram.nodes}
    return {(names[e.source], e.label.replace("\n", " ") or e.relation, names[e.target]) for e in diagram.edges}


PLAIN = {
    ("Container main", "where is it?", "Variable KUBERNETES_SERVICE_HOST"),
    ("Variable KUBERNETES_SERVICE_HOST", "address of", "Service kubernetes"),
    ("Service kubernetes", "server", "Endpoint API server"),
    ("Container main", "whom to trust?", "File ca.crt"),
    ("File ca.crt", "key ca.crt", "ConfigMap kube-root-ca.crt"),
    ("Container main", "who am I?", "Token token"),
    ("Token token", "token of", "ServiceAccount default"),
}
ROLE = {
    ("ServiceAccount default", "named by", "RoleBinding default-reads-pods"),
    ("RoleBinding default-reads-pods", "gives", "Role pod-reader"),
    ("Role pod-reader", "allows", "Permission pods"),
}


def test_the_plain_way_before_and_after_the_binding() -> None:
    curl = Ref("Pod", "curl", "demo")
    assert ways(story("apply", curl)) == PLAIN | {("ServiceAccount default", "allows", "Permission nothing")}
    assert ways(story("apply-rbac", curl)) == PLAIN | ROLE
    nothing = next(n for n in story("apply", curl).nodes if n.name == "nothing")
    assert (nothing.state, nothing.level) == ("403 Forbidden", "bad")
    pods = next(n for n in story("apply-rbac", curl).nodes if n.kind == "Permission")
    assert pods.facts == ("get, list",)


def test_the_ambassador_beside_it() -> None:
    found = ways(story(None, Ref("Pod", "curl-with-ambassador", "demo")))
    answers = {(a.replace("Container main", "Container ambassador"), b, c) for a, b, c in PLAIN}
    assert found == answers | ROLE | {("Container main", "plain HTTP localhost:8001", "Container ambassador")}


def test_an_address_that_an_output_shows() -> None:
    curl = Ref("Pod", "curl", "demo")
    for step, fact in (("apply", "set by Kubernetes"), ("service-env", "= 10.96.0.1")):
        node = next(n for n in story(step, curl).nodes if n.kind == "Variable")
        assert node.facts == (fact, "KUBERNETES_SERVICE_PORT = 443", "or by DNS: kubernetes.default.svc")


def test_no_token_is_anonymous_and_no_certificate_is_untrusted() -> None:
    # an object with a uid has been through admission, which would have added the token's volume
    meta = {"name": "p", "namespace": "demo", "uid": "1"}
    pod = {"kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "main"}]}}
    states = {n.name: (n.state, n.level) for n in access(History.of([pod]).at()).nodes}
    assert states["token"] == ("anonymous: 403", "bad")
    assert states["ca.crt"] == ("x509: unknown authority", "bad")


def test_people_groups_and_roles_that_are_not_there() -> None:
    objects = [
        {**binding(), "subjects": [{"kind": "User", "name": "jane"}, {"kind": "Group", "name": "devs"}]},
        binding("ClusterRoleBinding", "ClusterRole"),
    ]
    objects[1]["metadata"]["name"] = "c"
    diagram = access(History.of(objects).at())
    assert ("User jane", "named by", "RoleBinding b") in ways(diagram)
    assert ("Group devs", "named by", "RoleBinding b") in ways(diagram)
    assert {(n.kind, n.level) for n in diagram.nodes if n.name == "r"} == {("Role", "bad"), ("ClusterRole", "unknown")}


def test_focus_notes_and_misses() -> None:
    assert {n.kind for n in story(None, Ref("Role", "pod-reader", "demo")).nodes} >= {"Pod", "Permission"} - {"Pod"}
    assert story().notes == ("ClusterRoles and their bindings are not in this recording: they may allow more",)
    assert access(History().at()).notes == ("No Pod, account or role here",)
    with pytest.raises(K8svizError, match="did you mean curl"):
        story(None, Ref("Pod", "curk", "demo"))


@pytest.mark.parametrize("pod", ["curl", "curl-with-ambassador"])
def test_it_fits_a_notebook(pod: str) -> None:
    assert int(str(render(story(None, Ref("Pod", pod, "demo")))).split('width="')[1].split('"')[0]) <= 1000


def drawn_report(name: str) -> Any:
    return access(manifests.read(REPORTS / name).at())


def test_a_binding_that_looks_in_the_wrong_namespace_gives_nothing() -> None:
    diagram = drawn_report("35-rbac-wrong-namespace.yaml")
    accounts = {n.ref.namespace: (n.state, n.level) for n in diagram.nodes if n.kind == "ServiceAccount"}
    assert accounts == {"default": ("", ""), "bot": ("no such account in bot", "bad")}
    # the Pod's own account may do nothing; admission gives the Pod its token
    assert ("ServiceAccount bot-sa", "allows", "Permission nothing") in ways(diagram)
    assert {n.name: n.level for n in diagram.nodes if n.kind in ("Token", "File")} == {"token": "", "ca.crt": ""}
    (note,) = [note for note in diagram.notes if "bot-sa" in note]
    assert "it is in default, and gets nothing" in note
    assert not any("recording" in note or "ClusterRoles" in note for note in diagram.notes)


def test_rules_that_match_nothing_are_marked() -> None:
    diagram = drawn_report("36-rbac-wrong-group.yaml")
    permissions = [n for n in diagram.nodes if n.kind == "Permission" and n.name != "nothing"]
    assert [(n.state, n.level) for n in permissions] == [("matches nothing", "bad")] * 3
    said = " ".join(fact for n in permissions for fact in n.facts)
    for words in ("write policy", "without its version: apps", "write pods"):
        assert words in said
    (role,) = [n for n in diagram.nodes if n.name == "pdb-controler"]
    assert role.state == "not among these: pdb-controller?"
    assert role.level == "bad"


def test_workloads_of_manifests_are_drawn_and_aggregated_roles_followed() -> None:
    template = {"spec": {"serviceAccountName": "app", "containers": [{"name": "main", "image": "app:1"}]}}
    meta = {"name": "app", "namespace": "demo"}
    objects: list[dict[str, Any]] = [
        {"kind": "Deployment", "metadata": meta, "spec": {"template": template}},
        {"kind": "CronJob", "metadata": meta, "spec": {"jobTemplate": {"spec": {"template": template}}}},
        {"kind": "ServiceAccount", "metadata": meta},
        {
            "kind": "ClusterRole",
            "metadata": {"name": "whole"},
            "aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"to": "whole"}}]},
        },
        {
            "kind": "ClusterRole",
            "metadata": {"name": "part", "labels": {"to": "whole"}},
            "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
        },
        {
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "app"},
            "roleRef": {"kind": "ClusterRole", "name": "whole"},
            "subjects": [{"kind": "ServiceAccount", "name": "app", "namespace": "demo"}],
        },
    ]
    diagram = access(History.of(objects).at())
    assert {(g.kind, g.name) for g in diagram.groups} == {("Deployment", "app"), ("CronJob", "app")}
    assert sum(n.kind == "Token" for n in diagram.nodes) == 2
    assert ("ClusterRole whole", "takes the rules of", "ClusterRole part") in ways(diagram)
    assert can(objects, account("app", "demo"), "get", "pods", namespace="demo").allowed


def test_a_workload_whose_pods_are_there_is_drawn_by_them() -> None:
    owner = {"kind": "ReplicaSet", "name": "web-1", "uid": "r", "controller": True}
    above = {"kind": "Deployment", "name": "web", "uid": "d", "controller": True}
    template = {"template": {"spec": {"containers": [{"name": "main"}]}}}
    objects = [
        {"kind": "Deployment", "metadata": {"name": "web", "uid": "d"}, "spec": template},
        {"kind": "ReplicaSet", "metadata": {"name": "web-1", "uid": "r", "ownerReferences": [above]}, "spec": template},
        {
            "kind": "Pod",
            "metadata": {"name": "web-1-a", "uid": "p", "ownerReferences": [owner]},
            "spec": template["template"]["spec"],
        },
    ]
    assert [g.name for g in access(History.of(objects).at()).groups] == ["web-1-a"]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ({"apiGroups": ["apps"], "resources": ["Deployment"]}, "write deployments"),
        ({"apiGroups": [""], "resources": ["ingresses"]}, "but in networking.k8s.io"),
        ({"apiGroups": [""], "resources": ["pods/logs"]}, "write pods/log"),
        ({"apiGroups": ["core"], "resources": ["pods"]}, 'is written ""'),
        ({"apiGroups": ["v1"], "resources": ["pods"]}, 'is written ""'),
        ({"apiGroups": ["networking"], "resources": ["ingresses"]}, "write networking.k8s.io"),
        ({"apiGroups": ["batch/v1"], "resources": ["jobs"]}, "batch"),
        ({"apiGroups": ["extensions"], "resources": ["ingresses"]}, "but in networking.k8s.io"),
        ({"apiGroups": [""], "resources": ["pods"], "verbs": ["GET"]}, "write get"),
        # what is right
        ({"apiGroups": ["", "apps"], "resources": ["pods", "deployments", "deployments/finalizers"]}, ""),
        ({"apiGroups": ["*"], "resources": ["anything"]}, ""),
        ({"apiGroups": ["metrics.k8s.io"], "resources": ["nodes"]}, ""),
        ({"apiGroups": ["example.com"], "resources": ["Widgets"]}, ""),
        ({"apiGroups": ["apps", "example.com"], "resources": ["widgets"]}, ""),
        ({"apiGroups": [""], "resources": ["nodes/metrics", "users", "services/proxy"], "verbs": ["impersonate"]}, ""),
        ({"nonResourceURLs": ["/healthz"], "verbs": ["get"]}, ""),
    ],
)
def test_what_a_rule_can_be_about(rule: dict[str, Any], fault: str) -> None:
    said = [fault_words(found) for found in rule_faults(rule)]
    assert (fault in said[0]) if fault else not said
