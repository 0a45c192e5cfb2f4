"""Folders as repositories have them: what is no manifest is left out and named, the rest is drawn and checked."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from k8sviz.cli import main
from k8sviz.sources.folders import gather
from k8sviz.sources.manifests import ManifestError, load
from k8sviz.validate import check_files

REPORTS = Path(__file__).parent / "reports"
CHART = "apiVersion: v2\nname: web\nversion: 0.1.0\n"
TEMPLATE = "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ .Release.Name }}\n"


def config(name: str = "web", data: str = "a: b", kind: str = "ConfigMap") -> str:
    return f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: {name}}}\ndata: {{{data}}}\n"


def folder(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def names(path: Path) -> list[str]:
    return [m.object["metadata"]["name"] for m in load([path]).manifests]


@pytest.mark.parametrize("part", ["a", "b", "c", "d"])
def test_the_reported_folders_are_drawn_and_checked(part: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(REPORTS / "mixed" / part)
    assert main(["draw", "overview", "-f", path]) == 0
    drawn = capsys.readouterr().out
    assert "Pod web" in drawn
    assert "envFrom → ConfigMap web" in drawn
    assert main(["check", "-f", path]) == 0
    checked = capsys.readouterr().out
    assert "2 checked: the API server would accept all of it." in checked
    word = {"a": "docker-compose.yml", "b": "helm template", "c": "kubectl kustomize", "d": "JSON patch"}[part]
    for told in (drawn, checked):
        assert word in told
        assert "left out" in told


def test_a_charts_templates_are_left_out_and_its_plain_files_stay(tmp_path: Path) -> None:
    folder(
        tmp_path,
        {
            "charts/web/Chart.yaml": CHART,
            "charts/web/values.yaml": "kind: Deployment\nimage: {tag: 1}\n",
            "charts/web/templates/service.yaml": TEMPLATE,
            "charts/web/templates/quoted.yaml": config('"{{ .Release.Name }}"'),
            "charts/web/templates/_helpers.yaml": '{{- define "x" -}}\n{{- end }}\n',
            "charts/web/crds/plain.yaml": config("crds"),
            "charts/web/templates/plain.yaml": config("plain"),
            "app.yaml": config("app"),
        },
    )
    assert sorted(names(tmp_path)) == ["app", "crds", "plain"]
    (chart,) = [note for note in load([tmp_path]).notes if "chart" in note and "templates of" in note]
    assert f"helm template {tmp_path}/charts/web" in chart
    assert chart.startswith("3 templates")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (TEMPLATE, "Helm template"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ name }}\n", "a template"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata:\n{% if x %}\n  name: a\n{% endif %}\n", "a template"),
        (config('"${NAME}-config"'), "a template"),
    ],
)
def test_templates_of_any_tool_are_left_out(tmp_path: Path, text: str, word: str) -> None:
    folder(tmp_path, {"a.yaml": text, "b.yaml": config()})
    loaded = load([tmp_path])
    assert len(loaded.manifests) == 1
    (note,) = loaded.notes
    assert word in note
    assert not any(each.error for each in loaded.left_out)
    assert check_files([tmp_path]).ok


def test_text_with_braces_that_is_no_template_stays(tmp_path: Path) -> None:
    folder(tmp_path, {"a.yaml": config(data='rule: "{{ $labels.pod }} is down"')})
    assert names(tmp_path) == ["web"]


def test_what_a_kustomization_reads_is_no_object(tmp_path: Path) -> None:
    partial = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}\n"
    folder(
        tmp_path,
        {
            "base/kustomization.yaml": "resources: [web.yaml]\n",
            "base/web.yaml": config(),
            "prod/kustomization.yml": (
                "resources: [../base]\n"
                "patches: [{path: more.yaml}]\n"
                "patchesStrategicMerge: [old.yaml, '- op: add\n  path: /a']\n"
                "patchesJson6902: [{path: json.yaml, target: {kind: Deployment, name: web}}]\n"
                "configMapGenerator: [{name: c, files: [conf.yaml, k=other.yaml]}]\n"
                "transformers: [t.yaml]\n"
            ),
            "prod/more.yaml": partial,
            "prod/old.yaml": partial,
            "prod/json.yaml": "- {op: replace, path: /spec/replicas, value: 3}\n",
            "prod/conf.yaml": config("conf"),
            "prod/other.yaml": config("other"),
            "prod/t.yaml": "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: n, namespace: x}\n",
        },
    )
    assert names(tmp_path) == ["web"]
    notes = "\n".join(load([tmp_path]).notes)
    assert f"3 patches of the kustomization in {tmp_path}/prod" in notes
    assert "3 files left out, since the kustomization" in notes
    report = check_files([tmp_path])
    assert report.ok
    assert report.objects == 1


def test_a_file_whose_name_says_patch_is_one(tmp_path: Path) -> None:
    folder(tmp_path, {"web.yaml": config(), "web-patch.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: web}\n"})
    assert names(tmp_path) == ["web"]
    assert check_files([tmp_path]).ok


def test_one_bad_file_never_stops_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder(
        tmp_path,
        {
            "a.yaml": config("a"),
            "twice.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d}\ndata:\n  k: 1\n  k: 2\n",
            "open.yaml": "apiVersion: v1\nkind: 'Pod\n",
            "nameless.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {}\n---\n" + config("beside"),
            "mkdocs.yml": "theme: !!python/name:x\n",
            "binary.json": "\x00\x01",
        },
    )
    assert main(["draw", "overview", "-f", str(tmp_path)]) == 1
    drawn = capsys.readouterr().out
    assert "ConfigMap a" in drawn
    assert "ConfigMap beside" in drawn
    assert "twice.yaml, line 6: left out: the key 'k' is already set" in drawn
    assert "nameless.yaml, line 1: left out: a Pod without metadata.name" in drawn
    assert "mkdocs.yml: left out" in drawn or "files left out" in drawn
    assert main(["check", "-f", str(tmp_path)]) == 1
    checked = capsys.readouterr().out
    assert "twice.yaml, line 6: the key 'k' is already set" in checked
    assert "open.yaml, line 3" in checked
    assert "2 files left out." in checked


def test_pipes_and_broken_links_do_not_hold_anybody_up(tmp_path: Path) -> None:
    folder(tmp_path, {"a.yaml": config("a")})
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere.yaml")
    (tmp_path / "round").symlink_to(tmp_path)
    loaded = load([tmp_path])
    assert len(loaded.manifests) == 1
    assert {each.code: each.error for each in loaded.left_out} == {"special": False, "unreadable": True}


def test_alternatives_are_asked_for_and_never_mixed(tmp_path: Path) -> None:
    folder(
        tmp_path,
        {
            "dev/web.yaml": config(data="a: dev") + "---\n" + config("only-dev"),
            "prod/web.yaml": config(data="a: prod") + "---\n" + config("only-prod"),
            "same/web.yaml": config(data="a: dev"),
        },
    )
    loaded = load([tmp_path])
    assert {m.object["metadata"]["name"] for m in loaded.manifests} == {"web", "only-dev"}
    assert {m.object["data"]["a"] for m in loaded.manifests} == {"dev", "b"}
    (note,) = loaded.notes
    assert f"another ConfigMap web than {tmp_path}/dev/web.yaml" in note
    assert f"-f {tmp_path}/prod/web.yaml" in note
    assert "replace" not in note
    # every one of them is checked, as a thing of its own
    report = check_files([tmp_path])
    assert report.objects == 5
    assert report.ok


def test_two_files_that_are_named_are_an_update(tmp_path: Path) -> None:
    folder(tmp_path, {"old.yaml": config(data="a: b") + "immutable: true\n", "new.yaml": config(data="a: c")})
    report = check_files([tmp_path / "old.yaml", tmp_path / "new.yaml"])
    assert [f.problem.code for f in report.findings] == ["stays-immutable", "immutable"]


def test_a_named_template_is_refused_with_what_to_do(tmp_path: Path) -> None:
    folder(tmp_path, {"service.yaml": TEMPLATE, "web.yaml": config()})
    with pytest.raises(ManifestError, match=r"this is a Helm template.* helm template"):
        load([tmp_path / "service.yaml"])
    both = load([tmp_path / "service.yaml", tmp_path / "web.yaml"])
    assert len(both.manifests) == 1
    assert [each.error for each in both.left_out] == [True]


def test_custom_resources_lie_where_their_definition_says(tmp_path: Path) -> None:
    definition = (
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: %ss.x.io}\n"
        "spec: {group: x.io, names: {kind: %s, plural: %ss}, scope: %s, versions: [{name: v1, served: true, "
        "storage: true, schema: {openAPIV3Schema: {type: object}}}]}\n"
    )
    folder(
        tmp_path,
        {
            "a.yaml": "---\n".join(
                [
                    *(f"apiVersion: x.io/v1\nkind: {kind}\nmetadata: {{name: one}}\n" for kind in ("Wide", "Near")),
                    definition % ("wide", "Wide", "wide", "Cluster"),
                    definition % ("near", "Near", "near", "Namespaced"),
                ]
            )
        },
    )
    found = {m.object["kind"]: m.object["metadata"].get("namespace", "") for m in load([tmp_path]).manifests}
    assert found["Wide"] == ""
    assert found["Near"] == "default"
    report = check_files([tmp_path])
    assert report.ok
    assert not report.findings
    assert dict(report.others) == {"Wide": 1, "Near": 1}


def test_somebody_elses_kind_of_the_same_name_is_no_wrong_version(tmp_path: Path) -> None:
    folder(tmp_path, {"a.yaml": "apiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: web}\nspec: {}\n"})
    report = check_files([tmp_path])
    assert not report.findings
    assert dict(report.others) == {"Service": 1}


def test_programs_configurations_are_no_objects(tmp_path: Path) -> None:
    folder(
        tmp_path,
        {
            "kind.yaml": "kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes: []\n",
            "drone.yml": "kind: pipeline\nname: default\n",
            "web.yaml": config(),
        },
    )
    assert names(tmp_path) == ["web"]
    assert gather([tmp_path]).left_out[0].code == "foreign"
