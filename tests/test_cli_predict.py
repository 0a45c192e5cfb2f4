"""`k8sviz predict` prints the shapes that were promised, and tables for people; `make fidelity` counts."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from k8sviz.cli import main

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT / "tests" / "cases"


def case(kind: str, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CASES / f"{kind}.json").read_text())[place]
    return found


def written(folder: Path, objects: list[Any]) -> str:
    path = folder / "objects.json"
    path.write_text("\n".join(map(json.dumps, objects)))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["predict", *arguments]) == 0
    return capsys.readouterr().out


def test_binding_prints_bound_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    it = case("binding")
    file = written(tmp_path, [*it["volumes"], *it["claims"]])
    found = json.loads(said(capsys, "binding", "-f", file, "--json"))
    assert found["bound"] == it["bound"]
    assert set(found) == {"bound", "why"}
    table = said(capsys, "binding", "-f", file)
    for claim, volume in it["bound"].items():
        assert any(row.split()[:2] == [claim, volume or "(Pending)"] for row in table.splitlines())


def test_files_in_the_order_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    it = case("binding")
    arguments = []
    for number, thing in enumerate([*it["volumes"], *it["claims"]]):
        path = tmp_path / f"{99 - number}.json"
        path.write_text(json.dumps(thing))
        arguments += ["-f", str(path)]
    assert json.loads(said(capsys, "binding", *arguments, "--json"))["bound"] == it["bound"]


@pytest.mark.parametrize(("kind", "answer"), [("env", "env"), ("files", "files")])
def test_env_and_files_print_what_the_cluster_showed(
    kind: str, answer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in range(3):
        it = case(kind, place)
        file = written(tmp_path, [*it["objects"], it["pod"]])
        found = json.loads(said(capsys, kind, "-f", file, "--json"))
        assert found == {it["pod"]["metadata"]["name"]: {"main": it[answer]}}
        table = said(capsys, kind, "-f", file)
        assert all(name in table for name in it[answer])


def test_a_pod_that_does_not_start_says_so_and_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "k"}}}]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [{"name": "c"}]}}
    pod["spec"]["containers"][0]["env"] = env  # type: ignore[index]
    file = written(tmp_path, [pod])
    assert "The Secret default/gone does not exist." in said(capsys, "env", "-f", file)
    assert "web, container c: does not start" in said(capsys, "env", "-f", file)
    assert json.loads(said(capsys, "env", "-f", file, "--json"))["web"] == {}


def test_a_table_shows_no_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "hidden!"}}
    volumes = [{"name": "v", "secret": {"secretName": "s"}}]
    container = {
        "name": "c",
        "envFrom": [{"secretRef": {"name": "s"}}],
        "volumeMounts": [{"name": "v", "mountPath": "/v"}],
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {"containers": [container], "volumes": volumes},
    }
    file = written(tmp_path, [secret, pod])
    for kind in ("env", "files"):
        table = said(capsys, kind, "-f", file)
        assert "hidden!" not in table
        assert "7 bytes" in table
    assert json.loads(said(capsys, "env", "-f", file, "--json"))["web"]["c"] == {"k": "hidden!"}


def test_a_value_steers_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    container = {"name": "c", "env": [{"name": "A", "value": "x\x1b[2J\ny"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": [container]}}
    table = said(capsys, "env", "-f", written(tmp_path, [pod]))
    assert "\x1b" not in table
    assert "\\ny" in table


@pytest.mark.parametrize("kind", ["binding", "env", "files"])
def test_nothing_to_predict_is_said(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = written(tmp_path, [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}])
    assert "among these manifests" in said(capsys, kind, "-f", file)
    assert main(["predict", kind, "-f", str(tmp_path / "none.yaml")]) == 2


def test_fidelity_counts_and_fails_on_a_miss(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = importlib.util.spec_from_file_location("fidelity", ROOT / "tools" / "fidelity.py")
    assert spec is not None
    assert spec.loader is not None
    fidelity = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fidelity)
    assert fidelity.main() == 0
    assert "binding   11 of  11 predicted exactly" in capsys.readouterr().out
    for kind in ("binding", "env", "files"):
        cases = json.loads((CASES / f"{kind}.json").read_text())
        if kind == "env":
            cases[0]["env"]["EXTRA"] = "1"
        (tmp_path / f"{kind}.json").write_text(json.dumps(cases))
    assert fidelity.main(tmp_path) == 1
    assert f"not: {case('env')['id']}" in capsys.readouterr().out


def test_files_after_one_flag_as_a_shell_makes_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    claim = (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec: {storageClassName: '', "
        "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    )
    volume = (
        "apiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\nspec: {capacity: {storage: 1Gi}, "
        "accessModes: [ReadWriteOnce], hostPath: {path: /x}}\n"
    )
    files = [tmp_path / "claim.yaml", tmp_path / "volume.yaml"]
    for file, text in zip(files, (claim, volume), strict=True):
        file.write_text(text, encoding="utf-8")
    for flags in (["-f", *map(str, files)], [word for file in files for word in ("-f", str(file))]):
        assert main(["predict", "binding", *flags, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["bound"] == {"c": "v"}
