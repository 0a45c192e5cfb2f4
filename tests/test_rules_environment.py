"""A container's environment is the kubelet's, and every variable knows where it comes from."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.rules.downward import field_value, format_map, go_quote, resource_value
from k8sviz.rules.environment import environment, expand_command, is_valid_name, service_variables
from k8sviz.rules.expansion import expand, references
from k8sviz.rules.objects import Objects

CONFIG = {"kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"A": "config a", "B-b": "config b"}}
SECRET = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"A": "c2VjcmV0IGE="}, "stringData": {"P": "plain"}}


def made(container, *objects, **pod):
    return environment(
        {"kind": "Pod", "metadata": {"name": "web"}, **pod}, container, Objects([CONFIG, SECRET, *objects])
    )


def literal(name, value):
    return {"name": name, "value": value}


def key(kind, name, key, **more):
    return {"valueFrom": {kind: {"name": name, "key": key, **more}}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A)", "1"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$$$$(A)", "$$(A)"),
        ("$(A", "$(A"),
        ("$A", "$A"),
        ("$", "$"),
        ("$$", "$"),
        ("a$(A)b$(B)", "a1b$(A)"),
        ("$(NO)", "$(NO)"),
        ("$()", "$()"),
        ("$(A$(A)", "$(A$(A)"),
        ("($A)", "($A)"),
        ("$($(A))", "$($(A))"),
        ("", ""),
        ("$ (A)", "$ (A)"),
        ("$(E)", ""),
    ],
)
def test_expansion(text, expanded):
    assert expand(text, {"A": "1", "B": "$(A)", "E": ""}) == expanded


@given(st.text(alphabet="ab($)"), st.dictionaries(st.sampled_from(["a", "b", "ab", ""]), st.text(alphabet="x$()")))
def test_expansion_properties(text, values):
    whole = expand(text, values)
    assert expand(text.replace("$", "$$"), values) == text
    if not any(name in values for name in references(text)):
        assert whole == expand(text, {})
    if "$" not in text:
        assert whole == text
    unknown = dict.fromkeys(values)
    assert (expand(text, unknown) is None) == any(name in values for name in references(text))


def test_env_from_in_order_then_env_over_it():
    env_from = [
        {"configMapRef": {"name": "c"}},
        {"secretRef": {"name": "s"}},
        {"prefix": "X_", "configMapRef": {"name": "c"}},
    ]
    found = made({"envFrom": env_from, "env": [literal("P", "own"), literal("L", "$(A) $(P)")]})
    assert found.values() == {"A": "secret a", "B-b": "config b", "P": "own", "L": "secret a own"} | {
        "X_A": "config a",
        "X_B-b": "config b",
    }
    first = found.variables[0]
    assert (first.name, first.origin.kind, first.overridden_by.kind) == ("A", "ConfigMap", "Secret")
    prefixed = next(each for each in found.variables if each.name == "X_A")
    assert (prefixed.origin.mechanism, prefixed.origin.prefix, prefixed.origin.key) == ("envFrom", "X_", "A")


def test_an_optional_reference_that_finds_nothing_leaves_what_was_there():
    entries = [
        literal("A", "first"),
        {"name": "A", **key("configMapKeyRef", "c", "nokey", optional=True)},
        {"name": "A", **key("secretKeyRef", "gone", "a", optional=True)},
    ]
    found = made({"env": entries, "envFrom": [{"configMapRef": {"name": "gone", "optional": True}}]})
    assert found.values() == {"A": "first"}
    assert [reason.code for reason in found.skipped] == ["config-map-not-found", "key-not-found", "secret-not-found"]
    assert not found.problems


def test_a_variable_sees_only_what_comes_before_it_and_a_second_declaration_wins():
    entries = [literal("X", "$(Y)"), literal("Y", "1"), literal("X", "$(X)-$(Y)")]
    assert made({"env": entries}).values() == {"X": "$(Y)-1", "Y": "1"}


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({"name": "V", **key("configMapKeyRef", "gone", "a")}, "config-map-not-found"),
        ({"name": "V", **key("configMapKeyRef", "c", "gone")}, "key-not-found"),
        ({"name": "V", **key("secretKeyRef", "gone", "a")}, "secret-not-found"),
        ({"name": "V", "value": 5}, "value-not-a-string"),
        ({"name": "", "value": "x"}, "invalid-variable-name"),
        ({"name": "A=B", "value": "x"}, "invalid-variable-name"),
        ({"value": "x"}, "invalid-variable-name"),
        ({"name": "V", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}, "field-not-supported"),
        ({"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}, "resource-not-supported"),
        (
            {"name": "V", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "containerName": "no"}}},
            "container-not-found",
        ),
        ({"name": "V", "valueFrom": {"elsewhereRef": {}}}, "source-not-supported"),
        ({"name": "V", "valueFrom": {"fileKeyRef": {"volumeName": "no", "path": "f", "key": "k"}}}, "volume-not-found"),
        ({"name": "V", **key("secretKeyRef", "raw", "binary")}, "value-not-utf-8"),
        ({"name": "V", **key("secretKeyRef", "raw", "nul")}, "value-holds-nul"),
    ],
)
def test_problems(entry, code):
    data = {"binary": base64.b64encode(b"\xff").decode(), "nul": base64.b64encode(b"a\0b").decode()}
    raw = {"kind": "Secret", "metadata": {"name": "raw"}, "data": data}
    found = made({"name": "main", "env": [entry]}, raw)
    assert [reason.code for reason in found.problems] == [code]
    assert found.values() == {}


def test_refused_objects_are_not_there():
    number = {"kind": "ConfigMap", "metadata": {"name": "n"}, "data": {"A": 5}}
    garbled = {"kind": "Secret", "metadata": {"name": "g"}, "data": {"A": "no base64!"}}
    found = made({"envFrom": [{"configMapRef": {"name": "n"}}, {"secretRef": {"name": "g"}}]}, number, garbled)
    assert [reason.code for reason in found.problems] == ["config-map-not-found", "secret-not-found"]


def test_a_key_of_a_file_is_declared_but_unknown():
    source = {"fileKeyRef": {"volumeName": "v", "path": "f.env", "key": "K"}}
    entries = [{"name": "V", "valueFrom": source}, literal("W", "$(V)!")]
    found = made({"env": entries}, spec={"volumes": [{"name": "v", "emptyDir": {}}]})
    assert found.values() == {"V": None, "W": None}
    assert found.variables[0].origin.mechanism == "fileKeyRef"


POD = {
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "kubia"}, "annotations": {"a/b": "it's"}},
    "spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": "1500m"}}}]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "web"),
        ("metadata.namespace", "default"),
        ("metadata.uid", None),
        ("spec.nodeName", None),
        ("spec.serviceAccountName", "default"),
        ("status.podIP", None),
        ("status.hostIPs", None),
        ("metadata.labels['app']", "kubia"),
        ("metadata.labels['gone']", ""),
        ("metadata.annotations['a/b']", "it's"),
    ],
)
def test_fields(path, value):
    assert field_value(path, POD, Objects()) == value


def test_fields_of_a_running_pod():
    status = {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "hostIP": "172.18.0.2"}
    running = {**POD, "status": status}
    shown = [field_value(f"status.{name}", running, Objects()) for name in ("podIP", "podIPs", "hostIP", "hostIPs")]
    assert shown == ["10.0.0.1", "10.0.0.1,fd00::1", "172.18.0.2", "172.18.0.2"]
    on_host = {**POD, "spec": {"hostNetwork": True}, "status": {"hostIP": "172.18.0.2"}}
    assert field_value("status.podIP", on_host, Objects()) == "172.18.0.2"


def node(name="n1", **allocatable):
    return {"kind": "Node", "metadata": {"name": name}, "status": {"allocatable": allocatable}}


def shown(reference, *objects, pod=POD, container=None):
    return resource_value(reference, pod, container or pod["spec"]["containers"][0], Objects(objects))[0]


def test_resources():
    assert shown({"resource": "limits.cpu"}) == "2"
    assert shown({"resource": "requests.cpu", "divisor": "1m"}) == "1500"
    assert shown({"resource": "requests.memory"}) == "0"
    assert shown({"resource": "limits.memory"}) is None
    assert shown({"resource": "limits.memory", "divisor": "1Mi"}, node(memory="2Gi")) == "2048"
    assert shown({"resource": "limits.memory"}, node("n1", memory="2Gi"), node("n2", memory="4Gi")) is None
    assert shown({"resource": "limits.hugepages-2Mi"}) == "0"
    of_pod = {**POD, "spec": {**POD["spec"], "resources": {"limits": {"memory": "1Gi"}}}}
    assert shown({"resource": "limits.memory", "divisor": "1Mi"}, node(memory="2Gi"), pod=of_pod) == "1024"


def test_unlimited_init_containers_are_zero_where_they_are_named_even_to_themselves():
    spec = {**POD["spec"], "initContainers": [{"name": "init"}], "nodeName": "n1"}
    whole = {**POD, "spec": spec}
    reference = {"resource": "limits.memory", "containerName": "init"}
    assert shown(reference, node(memory="2Gi"), pod=whole) == "0"
    itself = {"pod": whole, "container": spec["initContainers"][0]}
    assert shown(reference, node(memory="2Gi"), **itself) == "0"
    assert shown({"resource": "limits.memory"}, node(memory="2Gi"), **itself) == str(2**31)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("", '""'),
        ('"', r'"\""'),
        ("\\", r'"\\"'),
        ("a\tb\n\r", r'"a\tb\n\r"'),
        ("\a\b\f\v", r'"\a\b\f\v"'),
        ("é中文", '"é中文"'),
        ("\x00\x1f\x7f", r'"\x00\x1f\x7f"'),
        ("\u00a0\u200b", r'"\u00a0\u200b"'),
        ("\U000e0001", r'"\U000e0001"'),
        ("😀", '"😀"'),
    ],
)
def test_go_quoting(text, quoted):
    assert go_quote(text) == quoted


@given(st.dictionaries(st.text(alphabet="abc/.-", min_size=1), st.text()))
def test_a_map_is_one_line_a_key_sorted(values):
    lines = format_map(values).split("\n") if values else []
    assert [line.split("=", 1)[0] for line in lines] == sorted(values)


def test_command_and_args():
    container = {"command": ["sh", "-c"], "args": ["$(A) $(UNKNOWN)", "$$(A)", "$(LATER)"]}
    assert expand_command(container, {"A": "1", "LATER": None}) == (["sh", "-c"], ["1 $(UNKNOWN)", "$(A)", None])


def test_service_links():
    ports = [{"name": "http-alt", "port": 80}, {"port": 53, "protocol": "UDP"}]
    service = {"kind": "Service", "metadata": {"name": "my-db"}, "spec": {"clusterIP": "fd00::9", "ports": ports}}
    headless = {"kind": "Service", "metadata": {"name": "peers"}, "spec": {"clusterIP": "None", "ports": ports}}
    found = service_variables([service, headless], "default")
    assert {name: value for name, value in found.items() if name.startswith("MY_DB")} == {
        "MY_DB_SERVICE_HOST": "fd00::9",
        "MY_DB_SERVICE_PORT": "80",
        "MY_DB_SERVICE_PORT_HTTP_ALT": "80",
        "MY_DB_PORT": "tcp://[fd00::9]:80",
        "MY_DB_PORT_80_TCP": "tcp://[fd00::9]:80",
        "MY_DB_PORT_80_TCP_PROTO": "tcp",
        "MY_DB_PORT_80_TCP_PORT": "80",
        "MY_DB_PORT_80_TCP_ADDR": "fd00::9",
        "MY_DB_PORT_53_UDP": "udp://[fd00::9]:53",
        "MY_DB_PORT_53_UDP_PROTO": "udp",
        "MY_DB_PORT_53_UDP_PORT": "53",
        "MY_DB_PORT_53_UDP_ADDR": "fd00::9",
    }
    assert not any(name.startswith("PEERS") for name in found)
    assert found["KUBERNETES_SERVICE_HOST"] is None
    assert all(name.startswith("KUBERNETES_") for name in service_variables([service], "default", links=False))
    assert all(name.startswith("KUBERNETES_") for name in service_variables([service], "elsewhere"))


def test_variables_can_refer_to_services_but_own_ones_come_first():
    entries = [literal("U", "$(KUBERNETES_SERVICE_PORT)"), literal("H", "$(KUBERNETES_SERVICE_HOST)")]
    assert made({"env": entries}).values() == {"U": "443", "H": None}
    own = [literal("KUBERNETES_SERVICE_HOST", "mine"), literal("H", "$(KUBERNETES_SERVICE_HOST)")]
    assert made({"env": own}).values()["H"] == "mine"
    assert made({"env": own}).all_values()["KUBERNETES_SERVICE_HOST"] == "mine"


@given(st.text())
def test_names(name):
    assert is_valid_name(name) is (bool(name) and all(" " <= letter <= "~" and letter != "=" for letter in name))


def doubling(count: int, first: str = "x" * 10) -> dict[str, Any]:
    """A container whose variables each hold the one before twice."""
    rest = [{"name": f"E{i}", "value": f"$(E{i - 1})$(E{i - 1})"} for i in range(1, count)]
    return {"name": "m", "env": [{"name": "E0", "value": first}, *rest]}


@pytest.mark.parametrize("count", [27, 2000])
def test_variables_that_double_are_followed_as_far_as_linux_hands_them_to_a_program(count: int) -> None:
    found = environment({"kind": "Pod"}, doubling(count), Objects())
    assert [(reason.code, reason.facts["variable"]) for reason in found.problems] == [("value-too-long", "E14")]
    assert len(found.values()["E13"] or "") == 10 * 2**13
    assert found.values()["E14"] is None
    assert sum(len(value or "") for value in found.values().values()) < 10 * 2**14


def test_many_variables_that_each_hold_a_long_one_end_at_what_a_program_can_be_handed() -> None:
    copies = [{"name": f"C{i}", "value": "$(LONG)"} for i in range(5000)]
    found = environment({}, {"name": "m", "env": [{"name": "LONG", "value": "x" * 100_000}, *copies]}, Objects())
    assert "environment-too-large" in {reason.code for reason in found.problems}
    assert sum(len(value or "") for value in found.values().values()) < 2.3 * 1024 * 1024


def test_many_arguments_that_each_hold_a_long_variable_end_there_too() -> None:
    container = {"name": "m", "env": [{"name": "LONG", "value": "x" * 100_000}], "args": ["$(LONG)"] * 5000}
    found = environment({}, container, Objects())
    assert [reason.code for reason in found.problems] == ["environment-too-large"]
    _, args = expand_command(container, found.all_values())
    assert args[0] == "x" * 100_000
    assert args[-1] is None
    assert sum(len(word or "") for word in args) <= 2 * 1024 * 1024


def test_what_was_too_long_and_is_set_anew_keeps_nothing_from_starting() -> None:
    container = doubling(15)
    container["env"].append({"name": "E14", "value": "short"})
    found = environment({}, container, Objects())
    assert found.problems == ()
    assert found.values()["E14"] == "short"


def test_a_value_that_is_written_out_too_long_is_told_too() -> None:
    found = environment({}, {"name": "m", "env": [{"name": "A", "value": "x" * 200_000}]}, Objects())
    assert [reason.code for reason in found.problems] == ["value-too-long"]
