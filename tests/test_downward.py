"""The Downward API story: each reference to a field or resource is an edge, its sums as the recordings have them."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.diagrams.kit.model import Diagram
from k8sviz.diagrams.stories.downward import arithmetic, downward
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.render.picture import render
from k8sviz.rules.downward import ResourceTerms, resource_terms, resource_value
from k8sviz.rules.objects import Objects
from k8sviz.rules.quantity import Quantity, parse_quantity
from k8sviz.rules.reasons import Reason
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read

LABS = sorted(path.parent.name for path in data_dir().glob("labs/*/recording.jsonl"))


@cache
def recorded(lab: str) -> History:
    return read(data_dir() / "labs" / lab / "recording.jsonl")


def story(lab: str, at: str | None = None, focus: str = "", **more: bool) -> Diagram:
    history = recorded(lab)
    ref = Ref("Pod", focus, "demo") if focus else None
    return downward(history.at(history.time(at)), ref, history=history, **more)


def edges(diagram: Diagram) -> dict[str, tuple[str, str, str]]:
    """Variable or file → what it shows, the words on the line, what follows a change."""
    names = {node.id: node.name for node in diagram.nodes}
    return {names[e.target]: (names[e.source], e.label, e.level) for e in diagram.edges if e.relation != "allocatable"}


def from_spec(pod: dict, token: bool) -> set[tuple[str, str, str]]:
    """(container, what is shown, variable or file) of everything that the spec asks for."""
    found = set()
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    for container in [*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]]:
        for entry in container.get("env", ()):
            for part, key in (("fieldRef", "fieldPath"), ("resourceFieldRef", "resource")):
                if part in entry.get("valueFrom", {}):
                    found.add((container["name"], entry["valueFrom"][part][key], entry["name"]))
        for mount in container.get("volumeMounts", ()):
            volume = volumes[mount["name"]]
            if mount["name"].startswith("kube-api-access") and not token:
                continue
            for source in [volume, *volume.get("projected", {}).get("sources", ())]:
                for item in source.get("downwardAPI", {}).get("items", ()):
                    shown = (
                        item["fieldRef"]["fieldPath"] if "fieldRef" in item else item["resourceFieldRef"]["resource"]
                    )
                    found.add((container["name"], shown, f"{mount['mountPath']}/{item['path']}"))
    return found


@pytest.mark.parametrize("token", [False, True])
@pytest.mark.parametrize("lab", LABS)
def test_edges_are_the_specs(lab: str, token: bool) -> None:
    snapshot = recorded(lab).at()
    for pod in snapshot.objects("Pod"):
        focus = Ref("Pod", pod["metadata"]["name"], pod["metadata"]["namespace"])
        diagram = downward(snapshot, focus, token=token)
        groups = {group.id: group for group in diagram.groups}
        nodes = {node.id: node for node in diagram.nodes}
        drawn = {
            (groups[nodes[e.target].group].name, nodes[e.source].name, nodes[e.target].name)
            for e in diagram.edges
            if e.relation != "allocatable"
        }
        assert drawn == from_spec(pod, token)


def test_values_and_arithmetic_are_what_was_printed() -> None:
    result = recorded("ch08-downward-env").step("env").result
    assert result is not None
    printed = dict(line.split("=", 1) for line in result.stdout.splitlines() if "=" in line)
    diagram = story("ch08-downward-env", focus="downward")
    shown = {n.name: n.facts[0].removeprefix("= ") for n in diagram.nodes if n.kind == "Variable"}
    assert shown == printed
    found = edges(diagram)
    assert found["CPU_REQUEST_MILLICORES"][1] == "resourceFieldRef\n15m ÷ 1m = 15\nfrozen"
    assert found["CPU_REQUEST_CORES"][1] == "resourceFieldRef\n15m ÷ 1 = 0.015\nrounded up: 1\nfrozen"
    assert found["MEMORY_LIMIT_MEGABYTES"][1] == "resourceFieldRef\n20Mi ÷ 1M = 20.971…\nrounded up: 21\nfrozen"
    assert found["APP_LABEL"] == ("metadata.labels['app']", "fieldRef\nfrozen", "off")
    for name, (_, label, _) in found.items():  # the last number of every sum is the value
        if "÷" in label:
            assert label.removesuffix("\nfrozen").split()[-1] == printed[name]


def test_a_missing_limit_is_what_the_node_can_allocate() -> None:
    result = recorded("ch08-downward-env").step("env-nolimit").result
    assert result is not None
    diagram = story("ch08-downward-env", focus="downward-nolimit")
    assert result.stdout.splitlines()[-1] == "2"
    assert edges(diagram)["CPU_LIMIT"][1] == "resourceFieldRef\n2 ÷ 1 = 2\nfrozen"
    field = {node.name: node for node in diagram.nodes if node.kind == "Field"}
    assert field["limits.cpu"].facts == ("of container main", "what the node can allocate counts")
    assert (field["limits.cpu"].state, field["requests.cpu"].facts[-1]) == ("not set", "counts as 0")
    names = {node.id: node.name for node in diagram.nodes}
    allocatable = [e for e in diagram.edges if e.relation == "allocatable"]
    assert [(names[e.source], names[e.target]) for e in allocatable] == [("k8sviz-worker", "limits.cpu")]


def test_files_follow_at_once_and_labels_change() -> None:
    for step, value in (("files", 'foo="bar"'), ("relabel", 'foo="baz"')):
        diagram = story("ch08-downward-volume", step)
        labels = next(node for node in diagram.nodes if node.name == "/etc/downward/labels")
        assert labels.facts == ("mode 0644", f"= {value}")
        assert (labels.state, labels.level) == ("follows at once", "ok")
    found = edges(story("ch08-downward-volume"))
    assert found["/etc/downward/containerMemoryLimitBytes"] == (
        "limits.memory",
        "volume downward\n20Mi ÷ 1 = 20971520\nlive",
        "ok",
    )
    annotations = next(n for n in story("ch08-downward-volume").nodes if n.name == "metadata.annotations")
    assert annotations.facts == ("entries: 3", "and two that the kubelet adds")


def test_a_label_variable_stays_when_the_label_changes() -> None:
    variable = {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}}
    state = {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": ""}}}

    def pod(label: str) -> dict:
        meta = {"name": "p", "namespace": "demo", "uid": "1", "labels": {"app": label}}
        return {
            "kind": "Pod",
            "apiVersion": "v1",
            "metadata": meta,
            "spec": {"containers": [{"name": "main", "env": [variable]}]},
            "status": {"containerStatuses": [state]},
        }

    history = History.of([pod("old")])
    history.append(5.0, "MODIFIED", pod("new"))
    node = next(n for n in downward(history.at(), history=history).nodes if n.kind == "Variable")
    assert (node.facts, node.state, node.level) == (("= old",), "frozen: the field has changed", "off")


def test_a_refused_field_is_an_error() -> None:
    variable = {"name": "LABELS", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['']"}}}
    whole = {"name": "ALL", "valueFrom": {"fieldRef": {"fieldPath": "spec.containers"}}}
    pod = {
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "main", "env": [variable, whole]}]},
    }
    levels = {n.name: n.level for n in downward(History.of([pod]).at()).nodes if n.kind == "Field"}
    assert levels["spec.containers"] == "bad"


@given(
    st.integers(0, 10**7), st.sampled_from(["", "1", "1m", "1k", "1Ki", "1M", "1Mi"]), st.sampled_from(["", "m", "Ki"])
)
def test_the_sum_always_ends_in_the_value(amount: int, divisor: str, suffix: str) -> None:
    main = {"name": "main", "resources": {"limits": {"memory": f"{amount}{suffix}"}, "requests": {"memory": "1"}}}
    reference = {"resource": "limits.memory", **({"divisor": divisor} if divisor else {})}
    pod = {"spec": {"containers": [main], "nodeName": "n"}}
    node = {"kind": "Node", "metadata": {"name": "n"}, "status": {"allocatable": {"memory": "9Gi"}}}
    terms = resource_terms(reference, pod, main, Objects([node]))
    assert not isinstance(terms, Reason)
    value, refused = resource_value(reference, pod, main, Objects([node]))
    assert (terms.value, None) == (value, refused)
    assert terms.origin == ("node" if amount == 0 else "own")
    assert arithmetic(terms).split()[-1] == value


@pytest.mark.parametrize(
    ("amount", "divisor", "words"),
    [
        ("250m", None, "250m ÷ 1 = 0.25\nrounded up: 1"),
        ("2", "1m", "2 ÷ 1m = 2000"),
        ("1500m", "0", "1500m ÷ 1 = 1.5\nrounded up: 2"),
    ],
)
def test_arithmetic_in_words(amount: str, divisor: str | None, words: str) -> None:
    terms = ResourceTerms("limits", "cpu", parse_quantity(amount), parse_quantity(divisor) if divisor else None, "own")
    assert arithmetic(terms) == words


def test_unknown_amounts_have_no_sum() -> None:
    terms = ResourceTerms("limits", "cpu", None, Quantity(1), "node")
    assert (terms.value, arithmetic(terms)) == (None, "")


def test_nothing_and_nobody() -> None:
    diagram = story("ch07-args-env")
    assert diagram.nodes == ()
    assert diagram.notes == ("No Pod here shows its fields through the Downward API",)
    with pytest.raises(K8svizError, match="did you mean downward"):
        story("ch08-downward-env", focus="downwar")


@pytest.mark.parametrize("lab", ["ch08-downward-env", "ch08-downward-volume"])
def test_it_fits_a_notebook(lab: str) -> None:
    assert int(str(render(story(lab))).split('width="')[1].split('"')[0]) <= 1300
