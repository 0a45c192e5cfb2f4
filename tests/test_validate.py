"""Manifest checking is as strict as the recorded API servers were, points at the line, and says what to write."""

from __future__ import annotations

import ast
import re
import textwrap
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.cli import main
from k8sviz.sources import recording
from k8sviz.sources.labs import lab_names, load_lab
from k8sviz.sources.manifests import ManifestError
from k8sviz.validate import check_files, check_text, problems
from k8sviz.validate.enums import ENUMS
from k8sviz.validate.published import kinds, version, without_nulls
from k8sviz.words import templates

# step → the field that the API server's message names (or, for kubectl's own refusals, the one that is wrong)
REFUSED = {
    "apply-local-without-affinity": "spec.nodeAffinity",
    "old-version": "spec.containers[0].name",
    "apply-number": "data.sleep-interval",
    "apply-bad-mode": "spec.volumes[0].configMap.defaultMode",
    "apply-whole-labels": "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath",
    "apply-v1beta1": "apiVersion",
    "apply-no-selector": "spec.selector",
    "both-zero": "spec.strategy.rollingUpdate.maxUnavailable",
}
# refused updates: the text that was there before, and the field that differs
UPDATES = {
    "change-args": ("demo-args.yaml", "spec.containers[0].args"),
    "change-env": ("demo-args.yaml", "spec.containers[0].env"),
    "change-immutable": ("parallel.yaml", "spec.podManagementPolicy"),
}


def applied() -> list[Any]:
    rows = []
    for name in lab_names():
        spec = load_lab(name)
        history = recording.read(spec.recording)
        for step in spec.steps:
            result = history.step(step.id).result
            for file in step.files:
                if file.endswith(".yaml") and re.search(r"kubectl (apply|create)", step.command):
                    code = 0 if result is None else result.exit_code
                    rows.append(pytest.param(spec, step, file, code, result, id=f"{name}-{step.id}-{file}"))
    return rows


@pytest.mark.parametrize(("spec", "step", "file", "code", "result"), applied())
def test_as_strict_as_the_recorded_api_server(spec: Any, step: Any, file: str, code: int, result: Any) -> None:
    report = check_text(spec.text(file), file)
    errors = [f.problem.field for f in report.findings if f.problem.error]
    if not code:
        assert report.ok, report
    elif step.id in REFUSED:
        assert errors == [REFUSED[step.id]]
        said = result.stderr
        last = REFUSED[step.id].rsplit(".", 1)[-1]
        assert REFUSED[step.id] in said or last in said or "type string" in said or "no matches for kind" in said
    else:
        before, field = UPDATES[step.id]
        assert not errors
        both = check_files([spec.folder / before, spec.folder / file])
        assert [f.problem.field for f in both.findings if f.problem.error] == [field]


def test_every_refused_manifest_is_among_those() -> None:
    seen = {p.values[1].id for p in applied() if p.values[3]}
    assert seen == {*REFUSED, *UPDATES}


def test_the_examples_are_sound() -> None:
    folder = Path(load_lab(lab_names()[0]).folder).parents[1] / "examples"
    assert check_files([folder]).ok


# -- one mistake each ------------------------------------------------------------------------------

POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: demo
  labels: {app: demo}
spec:
  containers:
  - name: main
    image: busybox:1.37
    volumeMounts:
    - name: data
      mountPath: /data
  volumes:
  - name: data
    emptyDir: {}
"""
CLAIM = """\
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: demo
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"""
VOLUME = """\
apiVersion: v1
kind: PersistentVolume
metadata:
  name: demo
spec:
  accessModes: [ReadWriteOnce]
  capacity: {storage: 1Gi}
  hostPath: {path: /data}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: demo
spec:
  replicas: 2
  selector:
    matchLabels: {app: demo}
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 1}
  template:
    metadata:
      labels: {app: demo}
    spec:
      containers:
      - name: main
        image: busybox:1.37
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: demo
spec:
  selector: {app: demo}
  ports:
  - port: 80
"""
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: demo\ndata:\n  color: red\n"
SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: demo\ndata:\n  key: c2VjcmV0\n"

RESOURCE = """\
    image: busybox:1.37
    env:
    - name: A
      valueFrom:
        resourceFieldRef:
          resource: limits.cpu
          divisor: 1Mi"""

BOTH = """\
    image: busybox:1.37
    env:
    - name: A
      value: x
      valueFrom:
        fieldRef: {fieldPath: metadata.name}"""

MISTAKES = [
    # text, what is written wrong, in place of, line, field, part of the message
    (POD, "image: busybox:1.37", "imag: busybox:1.37", 9, "spec.containers[0].imag", "Did you mean image?"),
    (POD, "  name: demo", "  name: Demo_Pod", 4, "metadata.name", "Write for example demo-pod"),
    (POD, "volumeMounts:", "volumemounts:", 10, "spec.containers[0].volumemounts", "Write volumeMounts"),
    (POD, "emptyDir: {}", "emptyDir: {medium: 5}", 15, "spec.volumes[0].emptyDir.medium", 'Write "5"'),
    (POD, "    emptyDir: {}", "    emptyDir: {}\n    hostPath: {path: /x}", 16, "spec.volumes[0].hostPath", "one type"),
    (
        POD,
        "- name: data\n      mountPath",
        "- name: dada\n      mountPath",
        11,
        "spec.containers[0].volumeMounts[0].name",
        "The Pod's volumes: data",
    ),
    (
        POD,
        "      mountPath: /data",
        "      mountPath: /data\n    - name: data\n      mountPath: /data",
        14,
        "spec.containers[0].volumeMounts[1].mountPath",
        "twice",
    ),
    (
        POD,
        "      mountPath: /data",
        "      mountPath: /data\n      subPath: /etc",
        13,
        "spec.containers[0].volumeMounts[0].subPath",
        "inside the volume",
    ),
    (POD, "    image: busybox:1.37\n", "", 8, "spec.containers[0].image", "must be given"),
    (POD, "containers:\n", "containers: main\n  ignored:\n", 7, "spec.containers", "a list"),
    (POD, "  containers:", "  restartPolicy: always\n  containers:", 7, "spec.restartPolicy", "did you mean Always?"),
    (
        POD,
        "    image: busybox:1.37",
        "    image: busybox:1.37\n    env: [{name: A, value: 5}]",
        10,
        "spec.containers[0].env[0].value",
        'Write "5", in quotes.',
    ),
    (POD, "    image: busybox:1.37", BOTH, 13, "spec.containers[0].env[0].valueFrom", "cannot both"),
    (
        POD,
        "    image: busybox:1.37",
        RESOURCE,
        15,
        "spec.containers[0].env[0].valueFrom.resourceFieldRef.divisor",
        "One of: 1m, 1",
    ),
    (
        POD,
        "    image: busybox:1.37",
        "    image: busybox:1.37\n    ports: [{containerPort: '80'}]",
        10,
        "spec.containers[0].ports[0].containerPort",
        "Write 80 without quotes",
    ),
    (
        POD,
        "    image: busybox:1.37",
        "    image: busybox:1.37\n    resources: {limits: {memory: 1 Gi}}",
        10,
        "spec.containers[0].resources.limits.memory",
        "not a quantity",
    ),
    (
        POD,
        "    image: busybox:1.37",
        "    image: busybox:1.37\n    resources: {limits: {cpu: 1}, requests: {cpu: 2}}",
        10,
        "spec.containers[0].resources.requests.cpu",
        "more than the limit",
    ),
    (POD, "kind: Pod", "kind: pod", 2, "kind", "Write Pod"),
    (POD, "apiVersion: v1\n", "", 1, "apiVersion", "Write apiVersion: v1"),
    (POD, "spec:\n", "spec:\n  image: busybox\n", 7, "spec.image", "It belongs in spec.containers[].image"),
    (POD, "app: demo", "app: my demo", 5, "metadata.labels.app", "not a valid label value"),
    (CLAIM, "  accessModes: [ReadWriteOnce]\n", "", 5, "spec.accessModes", "must be given"),
    (CLAIM, "[ReadWriteOnce]", "[ReadWriteTwice]", 6, "spec.accessModes[0]", "did you mean ReadWriteOnce"),
    (CLAIM, "storage: 1Gi", "storage: 1GB", 7, "spec.resources.requests.storage", "not a quantity"),
    (CLAIM, "storage: 1Gi", "storage: 0", 7, "spec.resources.requests.storage", "more than nothing"),
    (
        CLAIM,
        "resources: {requests: {storage: 1Gi}}",
        "capacity: {storage: 1Gi}",
        7,
        "spec.capacity",
        "Here there may be",
    ),
    (CLAIM, "accessModes: [ReadWriteOnce]", "accessModes: ReadWriteOnce", 6, "spec.accessModes", "with a dash before"),
    (VOLUME, "  capacity: {storage: 1Gi}\n", "", 5, "spec.capacity", "must be given"),
    (VOLUME, "  hostPath: {path: /data}\n", "", 5, "spec", "nothing of where it comes from"),
    (VOLUME, "hostPath", "local", 5, "spec.nodeAffinity", "which"),
    (
        VOLUME,
        "spec:\n",
        "spec:\n  persistentVolumeReclaimPolicy: Keep\n",
        6,
        "spec.persistentVolumeReclaimPolicy",
        "known: Delete, Recycle, Retain",
    ),
    (DEPLOYMENT, "apps/v1", "apps/v1beta1", 1, "apiVersion", "1.16 removed it. Write apiVersion: apps/v1"),
    (DEPLOYMENT, "apps/v1", "v1", 1, "apiVersion", "Write apiVersion: apps/v1"),
    (DEPLOYMENT, "matchLabels: {app: demo}", "matchLabels: {app: other}", 13, "spec.template.metadata.labels", "agree"),
    (DEPLOYMENT, "  selector:\n    matchLabels: {app: demo}\n", "", 5, "spec.selector", "must be given"),
    (DEPLOYMENT, "matchLabels: {app: demo}", "app: demo", 8, "spec.selector.app", "Here there may be"),
    (
        DEPLOYMENT,
        "maxSurge: 1, maxUnavailable: 1",
        "maxSurge: 0, maxUnavailable: 0",
        10,
        "spec.strategy.rollingUpdate.maxUnavailable",
        "Raise one of them",
    ),
    (DEPLOYMENT, "maxSurge: 1,", "maxSurge: '1',", 10, "spec.strategy.rollingUpdate.maxSurge", "percentage"),
    (DEPLOYMENT, "  strategy:\n", "  strategy:\n    type: Recreate\n", 11, "spec.strategy.rollingUpdate", "no meaning"),
    (DEPLOYMENT, "replicas: 2", "replicas: two", 6, "spec.replicas", "a whole number"),
    (
        DEPLOYMENT,
        "replicas: 2",
        "replicas: 2\n  progressDeadlineSeconds: 5\n  minReadySeconds: 10",
        7,
        "spec.progressDeadlineSeconds",
        "every rollout would miss it",
    ),
    (SERVICE, "  - port: 80", "  - port: 80\n  - port: 81", 8, "spec.ports[0].name", "each has a name"),
    (SERVICE, "name: demo", "name: a.demo", 4, "metadata.name", "Write for example a-demo"),
    (SERVICE, "port: 80", "port: 80\n    nodePort: 30080", 9, "spec.ports[0].nodePort", "NodePort or LoadBalancer"),
    (SERVICE, "port: 80", "port: 80\n    targetPort: '8080'", 9, "spec.ports[0].targetPort", "without quotes"),
    (SERVICE, "selector: {app: demo}", "selector: {matchLabels: {app: demo}}", 6, "spec.selector.matchLabels", "text"),
    (SERVICE, "port: 80", "port: 800000", 8, "spec.ports[0].port", "1 to 65535"),
    (CONFIG, "color: red", "color: true", 6, "data.color", 'Write "true"'),
    (CONFIG, "color: red", "not a key: red", 6, "data[not a key]", "not a valid key"),
    (CONFIG, "data:\n  color: red", "data: red", 5, "data", "each on a line of its own"),
    (SECRET, "c2VjcmV0", "secret!", 6, "data.key", "stringData"),
    (SECRET, "\ndata:", "\ntype: kubernetes.io/tls\ndata:", 6, "data[tls.crt]", "must hold the key tls.crt"),
]


@pytest.mark.parametrize(("whole", "old", "new", "line", "field", "words"), MISTAKES, ids=lambda v: None)
def test_a_mistake_is_named_with_line_field_and_remedy(
    whole: str, old: str, new: str, line: int, field: str, words: str
) -> None:
    assert check_text(whole).ok
    assert old in whole
    report = check_text(whole.replace(old, new, 1))
    errors = {f.problem.field: f for f in report.findings if f.problem.error}
    assert len(errors) <= 2, report
    assert errors[field].line == line, report
    assert words in str(errors[field])


def test_what_the_api_server_completes_is_no_error() -> None:
    report = check_text(POD.replace("emptyDir: {}", "emptyDir:"))
    assert report.ok
    assert [(f.line, f.problem.field) for f in report.findings] == [(14, "spec.volumes[0]")]
    assert "Write emptyDir: {} with its braces" in str(report)
    assert check_text(POD.replace("/data", "/a:b")).ok
    field = "    env: [{name: A, valueFrom: {fieldRef: {fieldPath: spec.host}}}]\n    image: busybox"
    assert check_text(POD.replace("    image: busybox", field)).ok


def test_what_is_taken_but_likely_wrong_is_a_warning() -> None:
    pod = POD.replace("emptyDir: {}", "persistentVolumeClaim: {claimName: demo}")
    report = check_text(f"{pod}---\n{VOLUME}")
    assert report.ok
    assert "demo" in str(report)
    assert "its claim is not found" in str(report)
    assert not check_text(f"{pod}---\n{VOLUME}---\n{CLAIM}").findings
    lost = check_text(f"{POD}---\n{SERVICE.replace('app: demo', 'app: other')}")
    assert [f.problem.code for f in lost.findings] == ["selects-none"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (CONFIG + "immutable: true\n", CONFIG.replace("red", "blue") + "immutable: true\n", "data"),
        (CONFIG + "immutable: true\n", CONFIG, "immutable"),
        (CLAIM, CLAIM.replace("1Gi", "500Mi"), "spec.resources.requests.storage"),
        (CLAIM, CLAIM.replace("ReadWriteOnce", "ReadWriteMany"), "spec.accessModes"),
        (VOLUME, VOLUME.replace("/data", "/other"), "spec.hostPath"),
        (DEPLOYMENT, DEPLOYMENT.replace("app: demo", "app: other"), "spec.selector"),
        (POD, POD.replace("emptyDir", "persistentVolumeClaim: {claimName: c} #"), "spec.volumes"),
    ],
)
def test_an_object_that_comes_again_is_an_update(old: str, new: str, field: str) -> None:
    errors = [f.problem.field for f in check_text(f"{old}---\n{new}").findings if f.problem.error]
    assert errors == [field]
    assert check_text(f"{old}---\n{old}").ok


def test_a_pods_image_and_a_claims_growth_may_change() -> None:
    assert check_text(f"{POD}---\n{POD.replace('1.37', '1.38')}").ok
    assert check_text(f"{CLAIM}---\n{CLAIM.replace('1Gi', '2Gi')}").ok


def test_lists_are_opened_and_lines_are_those_of_their_items() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n" + textwrap.indent(CONFIG.replace("red", "5"), "  ").replace(
        "  apiVersion", "- apiVersion", 1
    )
    (found,) = check_text(text).findings
    assert (found.line, found.problem.field, found.subject) == (9, "data.color", "configmap/demo")


def test_json_is_checked_too() -> None:
    written = '{"apiVersion": "v1", "kind": "ConfigMap",\n "metadata": {"name": "c"}, "data": {"a": 1}}'
    (found,) = check_text(written).findings
    assert (found.line, found.problem.field) == (2, "data.a")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a\n- b", "This document is a list"),
        ("just words", "apiVersion, kind and metadata"),
        ("kind: Pod\n\tmetadata: {}", "tab"),
        ("kind: [", "not closed"),
        ("a: 1\na: 2", "already set"),
    ],
)
def test_text_that_is_no_manifest(text: str, words: str) -> None:
    try:
        said = str(check_text(text))
    except ManifestError as error:
        said = str(error)
    assert words in said
    assert "line" in said


# -- the tables ------------------------------------------------------------------------------------


def test_the_version_is_stated_and_the_course_s_kinds_are_there() -> None:
    from k8sviz.kinds import KINDS

    assert version() == "1.36"
    missing = {k.name for k in KINDS.values() if (k.api_version, k.name) not in kinds()}
    assert missing <= {"Event", "CustomResourceDefinition"}  # nobody in this course writes these


def test_enumerations_name_fields_that_exist() -> None:
    from k8sviz.validate.published import _by_short

    for name, fields in ENUMS.items():
        assert set(fields) <= set(_by_short()[name]["properties"]), name


def test_every_problem_has_its_words() -> None:
    used: set[str] = set()
    for path in (Path(__file__).parents[1] / "k8sviz" / "validate").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                code = node.args[1]
                used |= {code.value} if isinstance(code, ast.Constant) and isinstance(code.value, str) else set()
    assert len(used) > 40
    assert used <= set(templates("check")["problem"]), used - set(templates("check")["problem"])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(kinds())), json_values, json_values)
def test_no_object_makes_it_stumble(kind: tuple[str, str], meta: Any, spec: Any) -> None:
    for found in problems({"apiVersion": kind[0], "kind": kind[1], "metadata": meta, "spec": spec, "data": spec}):
        assert str(found)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_broken_field_anywhere_makes_it_complain_not_stumble(data: st.DataObject) -> None:
    import yaml

    obj = yaml.safe_load(data.draw(st.sampled_from([POD, CLAIM, VOLUME, DEPLOYMENT, SERVICE, CONFIG, SECRET])))
    place: Any = obj
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[key], dict | list) and place[key] and data.draw(st.booleans()):
            place = place[key]
        else:
            break
    place[key] = data.draw(json_values)
    for found in problems(obj):
        assert str(found)


def test_a_large_text_is_checked_in_time() -> None:
    text = "---\n".join(POD.replace("name: demo", f"name: demo-{i}").replace("busybox", "5") for i in range(300))
    began = time.process_time()
    check_text(text)
    assert time.process_time() - began < 3


def test_nulls_are_absent_fields() -> None:
    assert check_text(POD.replace("  labels:", "  creationTimestamp: null\n  labels:") + "status: {}\n").ok
    assert without_nulls({"a": [None]}) == {"a": [None]}


# -- the command -----------------------------------------------------------------------------------


def test_the_command_exits_with_1_when_something_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(POD)
    bad.write_text(CONFIG.replace("red", "5"))
    assert main(["check", "-f", str(good)]) == 0
    assert "1 checked" in capsys.readouterr().out
    assert main(["check", "-f", str(good), "-f", str(bad)]) == 1
    assert "bad.yaml, line 6: data.color" in capsys.readouterr().out
    assert main(["check", "-f", str(tmp_path / "none.yaml")]) == 2
    assert main(["check", "-f", str(bad), "--json"]) == 1
    assert '"field": "data.color"' in capsys.readouterr().out
