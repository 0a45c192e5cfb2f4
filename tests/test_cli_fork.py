"""`k8sviz fork` and `k8sviz try` on the command line."""

from __future__ import annotations

import json

from k8sviz.cli import main

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: demo}
spec:
  containers: [{name: c, image: "busybox:1.36", command: [sleep, infinity]}]
"""


def test_fork_runs_lines(capsys):
    assert main(["fork", "ch09-rolling-update", "--at", "status-v1", "-c", "get deployment kubia -o name"]) == 0
    assert capsys.readouterr().out == "deployment.apps/kubia\n"
    assert main(["fork", "ch09-rolling-update", "-c", "get pod nothing"]) == 1
    assert "NotFound" in capsys.readouterr().err


def test_try_says_what_a_change_would_do(tmp_path, capsys):
    good = tmp_path / "pod.yaml"
    good.write_text(POD)
    assert main(["try", "-f", str(good), "ch06-static-binding", "--at", "apply-pv"]) == 0
    said = capsys.readouterr().out
    assert "pod/web created" in said
    bad = tmp_path / "bad.yaml"
    bad.write_text(POD.replace("spec:", "spec:\n  nodeSelector: {disk: none}"))
    assert main(["try", "-f", str(bad), "ch06-static-binding", "--at", "apply-pv", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["troubles"]
    assert {"object": "Pod/demo/web", "change": "created"} in found["changes"]


def test_try_says_what_would_be_refused(tmp_path, capsys):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(POD.replace("name: c,", "name: C_C,"))
    assert main(["try", "-f", str(wrong), "ch06-static-binding"]) == 1
    assert "is invalid" in capsys.readouterr().out


def test_try_needs_a_file(capsys):
    assert main(["try", "ch06-static-binding"]) == 2
    assert "-f" in capsys.readouterr().err
