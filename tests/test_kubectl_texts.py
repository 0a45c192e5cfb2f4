"""What kubectl writes by itself: YAML as Go's library, columns, jsonpath, flags and their errors."""

from __future__ import annotations

import pytest
import yaml

from k8sviz.history import History
from k8sviz.kubectl.jsonpath import JsonPathError, fill
from k8sviz.kubectl.prompt import Prompt
from k8sviz.kubectl.target import Moment
from k8sviz.kubectl.yaml_text import to_yaml

LONG = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as these."
# each as kubectl 1.36 printed it from a cluster, or its emitter's rules say
YAML = [
    ("yes", '"yes"'),
    ("12", '"12"'),
    ("1e3", '"1e3"'),
    ("0x1f", '"0x1f"'),
    ("10.5", '"10.5"'),
    ("", '""'),
    ("a b", "a b"),
    ("a: b", "'a: b'"),
    ("- a", "'- a'"),
    ("#a", "'#a'"),
    ("a #b", "'a #b'"),
    ("a#b", "a#b"),
    ("*", "'*'"),
    ("it's", "it's"),
    ("'q'", "'''q'''"),
    ("a\tb", '"a\\tb"'),
    (" a", "' a'"),
    ("a:", "'a:'"),
    ("2026-11-23", '"2026-11-23"'),
    ("10.0.0.1", "10.0.0.1"),
    ("gzip on;", "gzip on;"),
    ("null", '"null"'),
    ("~", '"~"'),
    ("$(A)", "$(A)"),
    ("{a}", "'{a}'"),
    ("[a]", "'[a]'"),
    ("-1", '"-1"'),
    ("1:30", '"1:30"'),
    ("a\nb", "|-\n  a\n  b"),
    ("a\nb\n", "|\n  a\n  b"),
    ("a \nb", '"a \\nb"'),
]


@pytest.mark.parametrize(("value", "written"), YAML)
def test_yaml_quotes_as_go_does(value, written):
    assert to_yaml({"k": value}) == f"k: {written}\n"


def test_yaml_breaks_long_lines_at_the_first_space_after_column_80():
    first, second = to_yaml({"annotations": {"kubernetes.io/description": LONG}}).splitlines()[1:]
    assert len(first) > 80
    assert first.rindex(" ") <= 81
    assert second.startswith("    ")
    assert second.strip() + "" in LONG


@pytest.mark.parametrize(
    "value", [LONG, "a\n\n", "\n", "x" * 200, "a  b " * 40, "tab\t" * 40, "é ü 中" * 40, {"a10": 1, "a2": 2}]
)
def test_yaml_can_be_read_again(value):
    assert yaml.safe_load(to_yaml({"k": value, "l": [value, {"m": [value]}]})) == {
        "k": value,
        "l": [value, {"m": [value]}],
    }


OBJECT = {"items": [{"n": "a", "v": 1, "l": {"x.y/z": "q"}}, {"n": "b", "v": 2, "ok": True}], "s": "t"}
PATHS = [
    ("{.s}", "t"),
    ("{.items[0].n}", "a"),
    ("{.items[*].n}", "a b"),
    ("{.items[-1].n}", "b"),
    ("{.items[0:2].v}", "1 2"),
    ("{.items[?(@.v>1)].n}", "b"),
    ('{.items[?(@.n=="a")].v}', "1"),
    ("{.items[?(@.ok)].n}", "b"),
    ("{..n}", "a b"),
    ("{.items[0].l.x\\.y/z}", "q"),
    ("{.items[0].l['x.y/z']}", "q"),
    ("{.nothing}", ""),
    ("{.items[1].ok}", "true"),
    ("{range .items[*]}[{.n}]{end}", "[a][b]"),
    ("a{.s}b{'c'}", "atbc"),
    ("{.items[0].l}", '{"x.y/z":"q"}'),
    ("{.items[0]['n','v']}", "a 1"),
]


@pytest.mark.parametrize(("template", "shown"), PATHS)
def test_jsonpath(template, shown):
    assert fill(template, OBJECT) == shown


@pytest.mark.parametrize("template", ["{.a", "{range .items[*]}{.n}", "{end}", "{.items[9].n}", "{.a]}"])
def test_jsonpath_that_is_none(template):
    with pytest.raises(JsonPathError):
        fill(template, OBJECT)


PODS = [
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo", "labels": {"app": app}},
        "spec": {},
    }
    for name, app in (("p10", "a"), ("p2", "b"))
]
SAID = [
    ("get", 1, "You must specify the type of resource to get."),
    ("get frobs", 1, 'error: the server doesn\'t have a resource type "frobs"\n'),
    ("get pod x", 1, 'Error from server (NotFound): pods "x" not found\n'),
    ("get deploy x", 1, 'Error from server (NotFound): deployments.apps "x" not found\n'),
    ("get pods --foo", 1, "error: unknown flag: --foo\nSee 'kubectl get --help' for usage.\n"),
    ("get pods -z", 1, "error: unknown shorthand flag: 'z' in -z\nSee 'kubectl get --help' for usage.\n"),
    ("get pods -o", 1, "error: flag needs an argument: 'o' in -o\nSee 'kubectl get --help' for usage.\n"),
    ("get pods -o foo", 1, 'error: unable to match a printer suitable for the output format "foo"'),
    ("get pods p2 -A", 1, "error: a resource cannot be retrieved by name across all namespaces\n"),
    ("get pods --field-selector a=b", 1, "Error from server (BadRequest): "),
    ("rolling-update a b --image=c", 1, 'error: unknown command "rolling-update" for "kubectl"\n'),
    ("desribe pod p2", 1, 'error: unknown command "desribe" for "kubectl"\n\nDid you mean this?\n\tdescribe\n'),
    ("get svc", 0, "No resources found in demo namespace.\n"),
    ("get pv", 0, "No resources found\n"),
    ("delete pod p2", 1, "Error from server (MethodNotAllowed): "),
    ("edit pod p2", 1, "error: kubectl edit is not there in the built-in kubectl."),
]


@pytest.mark.parametrize(("line", "code", "err"), SAID)
def test_what_kubectl_says_is_wrong(line, code, err):
    answer = Prompt(Moment(History.of(PODS).at(0)), namespace="demo").run(f"kubectl {line}")
    assert answer.code == code
    assert answer.err.startswith(err)


FORMS = [
    ("get pods -o name", "pod/p10\npod/p2\n"),
    ("get pods --sort-by=.metadata.name -o name", "pod/p2\npod/p10\n"),
    ("get po -l app=b -o jsonpath='{.items[*].metadata.name}'", "p2"),
    ("get pods --no-headers -o custom-columns=N:.metadata.name,X:.x", "p10   <none>\np2    <none>\n"),
    ("get pods -L app --no-headers", "p10   0/0         0     <unknown>   a\np2    0/0         0     <unknown>   b\n"),
    ("-n demo get pod/p2 -o jsonpath={.kind}", "Pod"),
    (
        "get pods -A --no-headers",
        "demo   p10   0/0         0     <unknown>\ndemo   p2    0/0         0     <unknown>\n",
    ),
    ("auth can-i delete pods", "yes\n"),
    ("create configmap c --from-literal=a=1 --dry-run=client -o jsonpath='{.data}'", '{"a":"1"}'),
    ("create deployment d --image=httpd:2.4 --replicas=3 --dry-run=client -o jsonpath={.spec.replicas}", "3"),
    (
        "run web --image=nginx --dry-run=client -o jsonpath='{.spec.containers[0].name} {.metadata.labels}'",
        'web {"run":"web"}',
    ),
]


@pytest.mark.parametrize(("line", "out"), FORMS)
def test_forms_of_output(line, out):
    answer = Prompt(Moment(History.of(PODS).at(0)), namespace="demo").run(f"kubectl {line}")
    assert (answer.out, answer.err) == (out, "")


def test_explains_fields():
    said = Prompt(Moment(History.of([]).at(0))).run("kubectl explain pod.spec.volumes.emptyDir").out
    assert said.startswith("KIND:       Pod\nVERSION:    v1\n\nFIELD: emptyDir <EmptyDirVolumeSource>\n")
    assert "  sizeLimit\t<Quantity>\n" in said
    assert max(map(len, said.splitlines())) <= 80
