"""The command line: each example of its help works, each mistake is one line on stderr and exit code 2."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import k8sviz
from k8sviz import cli
from k8sviz.sources.labs import lab_names, load_lab

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data" / "labs"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: fortune, namespace: demo}
spec:
  containers:
  - name: main
    image: busybox
    volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: 声明}}]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with some manifests, which is the current one."""
    (tmp_path / "manifests").mkdir()
    for name in ("demo-pv.yaml", "demo-pvc.yaml", "fortune.yaml"):
        (tmp_path / "manifests" / name).write_bytes((DATA / "ch06-static-binding" / name).read_bytes())
    for name, source in (("volumes.yaml", "pvs.yaml"), ("claims.yaml", "smallest.yaml")):
        (tmp_path / name).write_bytes((DATA / "ch06-binding-choice" / source).read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def kubectl_get(lab: str, *kinds: str, at: str | None = None) -> str:
    """What `kubectl get pv,pvc,pod,sc -o yaml` prints: one List."""
    history = k8sviz.open_source(lab)
    assert isinstance(history, k8sviz.History)
    items = [obj for kind in kinds for obj in history.at(history.time(at)).objects(kind)]
    return yaml.safe_dump({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Standard output of a command that must work."""
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, f"k8sviz {shlex.join(arguments)}: {err}"
    assert "Traceback" not in err
    return out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that a command which must fail prints on stderr."""
    try:
        code = cli.main(arguments)
    except SystemExit as left:
        code = left.code  # type: ignore[assignment]
    out, err = capsys.readouterr()
    assert code == 2, f"k8sviz {shlex.join(arguments)} should exit with 2, not {code}: {out[:200]}"
    assert out == "", "an error goes to stderr alone"
    assert err.startswith("k8sviz")
    assert err.count("\n") == 1, f"an error is one line, not {err!r}"
    return err.strip()


# -- what the help promises ----------------------------------------------------------------------


def examples() -> list[str]:
    lines = [line.strip() for line in cli._EXAMPLES.splitlines()[1:] if line.strip()]
    return [line for line in lines if " -n demo" not in line and "--context" not in line]  # tests/live has a cluster


def test_the_help_has_an_example_of_each_of_the_first_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    for command in ("labs", "draw", "why", "play"):
        assert f"k8sviz {command}" in said


@pytest.mark.parametrize("example", examples())
def test_each_example_of_the_help_works(
    example: str, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _, after = example.rpartition(" | ")
    if before:
        assert before == "kubectl get pv,pvc,pod,sc -o yaml"
        give(monkeypatch, kubectl_get("ch06-static-binding", "pv", "pvc", "pod", "sc", at="pod-running"))
    words = shlex.split(after)
    assert words[0] == "k8sviz"
    said = run(capsys, *words[1:])
    if "-o" in words:
        made = Path(words[words.index("-o") + 1])
        assert made.stat().st_size > 1000, f"{example} wrote next to nothing"
        assert said == "", "what was written where is no output"
    else:
        assert said.strip(), f"{example} said nothing"
    if before:
        assert "PersistentVolumeClaim demo-pvc · ✓ Bound" in said
        assert "[Pod fortune-for-pvc]" in said


# -- labs ----------------------------------------------------------------------------------------


def test_labs_lists_every_lab_and_one_labs_steps(capsys: pytest.CaptureFixture[str]) -> None:
    listed = run(capsys, "labs").splitlines()
    assert [line.split()[0] for line in listed] == list(lab_names())
    one = run(capsys, "labs", "ch06-static-binding")
    for step in load_lab("ch06-static-binding").steps:
        assert re.search(rf"^  {re.escape(step.id)} +{re.escape(step.command.splitlines()[0])}", one, re.MULTILINE)


def test_labs_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "labs", "--json"))
    assert [lab["name"] for lab in found] == list(lab_names())
    assert all(step["id"] and step["command"] for lab in found for step in lab["steps"])
    (one,) = json.loads(run(capsys, "labs", "ch06-dynamic", "--json"))
    assert one["name"] == "ch06-dynamic"


def test_no_labs_at_all_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("K8SVIZ_DATA", str(tmp_path))
    assert "no labs in" in refused(capsys, "labs")
    assert json.loads(run(capsys, "labs", "--json")) == []
    assert "there are none" in refused(capsys, "labs", "ch06-dynamic")


# -- draw ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "Storage of demo\n"), ("svg", "<svg "), ("dot", "digraph"), ("mermaid", "flowchart LR")],
)
def test_draw_prints_each_format(form: str, start: str, capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "draw", "storage", "ch06-dynamic", "--format", form, "--at", "bound")
    assert said.startswith(start)
    assert "demo-pvc" in said


def test_draw_writes_what_the_suffix_says_or_the_format(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, more, start in (
        ("a.svg", (), b"<svg"),
        ("a.png", (), b"\x89PNG"),
        ("a.mmd", (), b"flowchart"),
        ("no-suffix", ("--format", "dot"), b"digraph"),
    ):
        assert run(capsys, "draw", "storage", "ch06-dynamic", "-o", name, *more) == ""
        assert Path(name).read_bytes().startswith(start)
    dark = run(capsys, "draw", "storage", "ch06-dynamic", "--format", "svg", "--theme", "dark")
    assert "kv-dark" in dark


def test_draw_at_a_step_means_its_settled_state_and_seconds_mean_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    history = k8sviz.open_source("ch06-dynamic")
    assert isinstance(history, k8sviz.History)
    by_step = run(capsys, "draw", "storage", "ch06-dynamic", "--at", "bound")
    assert by_step == run(capsys, "draw", "storage", "ch06-dynamic", "--at", str(history.settled("bound")))
    assert by_step != run(capsys, "draw", "storage", "ch06-dynamic", "--at", str(history.step("apply-class").t))
    assert run(capsys, "draw", "storage", "ch06-dynamic") == run(
        capsys, "draw", "storage", "ch06-dynamic", "--at", str(history.end)
    )


def test_source_and_object_come_in_either_order(capsys: pytest.CaptureFixture[str]) -> None:
    one = run(capsys, "draw", "storage", "ch06-binding-choice", "pvc/too-large", "--at", "list-all")
    assert one == run(capsys, "draw", "storage", "pvc/too-large", "ch06-binding-choice", "--at", "list-all")
    assert one == run(capsys, "draw", "storage", "--at", "list-all", "ch06-binding-choice", "pvc/too-large")
    assert one == run(capsys, "draw", "storage", "ch06-binding-choice", "--at", "list-all", "pvc/too-large")
    assert one.startswith("Which volume may pvc/too-large have?")


def test_a_recording_file_is_a_source_like_its_lab(capsys: pytest.CaptureFixture[str]) -> None:
    path = DATA / "ch06-dynamic" / "recording.jsonl"
    assert run(capsys, "draw", "storage", str(path)) == run(capsys, "draw", "storage", "ch06-dynamic")


def test_several_objects_are_drawn_beside_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "draw", "storage", "ch06-binding-choice", "pvc/too-large", "pvc/wrong-mode", "--at", "list-all")
    assert "[Which volume may pvc/too-large have?]" in said
    assert "[Which volume may pvc/wrong-mode have?]" in said


def test_a_namespace_keeps_cluster_scoped_objects(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "draw", "storage", "ch06-dynamic", "--at", "bound", "-n", "elsewhere")
    assert "PersistentVolumeClaim" not in said.replace("finalizer", "").split("StorageClass")[0]
    assert "StorageClass standard" in said
    assert "[Pod" not in said


def test_draw_json_is_the_diagram(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "draw", "storage", "ch06-dynamic", "--at", "bound", "--json"))
    assert set(found) >= {"story", "title", "nodes", "edges", "groups", "notes"}
    ids = {node["id"] for node in found["nodes"]}
    assert {edge["source"] for edge in found["edges"]} <= ids


def test_files_folders_lists_and_standard_input_are_manifests(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from_folder = run(capsys, "draw", "storage", "-f", "manifests")
    assert "PersistentVolumeClaim demo-pvc" in from_folder
    files = [word for path in sorted(Path("manifests").iterdir()) for word in ("-f", str(path))]
    assert run(capsys, "draw", "storage", *files).splitlines()[1:] == from_folder.splitlines()[1:]
    give(monkeypatch, POD)
    assert "PersistentVolumeClaim 声明" in run(capsys, "draw", "storage", "-f", "-")
    give(monkeypatch, json.dumps(yaml.safe_load(POD)))
    assert "PersistentVolumeClaim 声明" in run(capsys, "draw", "storage", "-f", "-")
    give(monkeypatch, kubectl_get("ch06-dynamic", "pod", "pvc", "pv", "sc", at="bound"))
    listed = run(capsys, "draw", "storage", "pvc/lost-pvc", "-f", "-")
    give(monkeypatch, kubectl_get("ch06-dynamic", "pod", "pvc", "pv", "sc", at="bound"))
    assert run(capsys, "draw", "storage", "-f", "-", "pvc/lost-pvc") == listed, "the order of words means nothing"
    assert listed.startswith("Which volume may pvc/lost-pvc have?")


# -- why -----------------------------------------------------------------------------------------


def test_why_says_rule_evidence_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "why", "pvc/too-large", "ch06-binding-choice", "--at", "list-all")
    for word in ("pvc/too-large", "Rule:", "Evidence:", "10Gi", "Do:"):
        assert word in said
    found = json.loads(run(capsys, "why", "pvc/too-large", "ch06-binding-choice", "--at", "list-all", "--json"))
    assert isinstance(found, dict)
    both = ("why", "pvc/too-large", "pvc/wrong-mode", "ch06-binding-choice", "--at", "list-all", "--json")
    assert len(json.loads(run(capsys, *both))) == 2


def test_asking_why_twice_in_one_process_works(capsys: pytest.CaptureFixture[str]) -> None:
    """`k8sviz.why` is a function, although a room of the package has the same name."""
    import k8sviz.why.model  # the import system would now put the room in the function's place

    assert str(k8sviz.why("pvc/too-large", "ch06-binding-choice", at="list-all")).startswith("pvc/too-large")


def test_why_a_step_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = run(capsys, "why", "ch06-static-binding", "--at", "apply-local-without-affinity")
    assert "nodeAffinity" in said


# -- mistakes ------------------------------------------------------------------------------------

LAB = "ch06-dynamic"
MISTAKES: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "COMMAND"),
    "unknown command": (("drow",), "drow"),
    "no story": (("draw",), "STORY"),
    "no source": (("draw", "storage"), "one SOURCE is needed (none was given)"),
    "no source to inspect": (("inspect", "pod/a", "-n", "x"), "one SOURCE is needed (none was given)"),
    "no source of users": (("users", "configmap/a"), "one SOURCE is needed (none was given)"),
    "no source to chart": (("chart", "lives", "--context", "x"), "one SOURCE is needed (none was given)"),
    "no source for why": (("why", "pvc/x"), "one SOURCE is needed"),
    "two sources": (("draw", "storage", "a", "b"), "got a and b"),
    "source and -f": (("draw", "storage", LAB, "-f", "x.yaml"), "not both"),
    "unknown story": (("draw", "storrage", LAB), "did you mean storage?"),
    "unknown lab": (("draw", "storage", "ch06-dynamicc"), "did you mean ch06-dynamic?"),
    "unknown lab of labs": (("labs", "ch06-dynamicc"), "did you mean ch06-dynamic?"),
    "unknown step": (("draw", "storage", LAB, "--at", "bond"), "did you mean bound?"),
    "unknown object": (("draw", "storage", LAB, "pvc/demo-pv"), "did you mean demo-pvc"),
    "unknown object of why": (("why", "pvc/nope", LAB), "no pvc/nope here"),
    "unknown kind": (("draw", "storage", LAB, "pdo/x"), "pdo/x"),
    "no such file": (("draw", "storage", "-f", "nope.yaml"), "nope.yaml"),
    "no such recording": (("draw", "storage", "nope.jsonl"), "cannot read nope.jsonl"),
    "an empty folder": (("draw", "storage", "-f", "empty"), "no Kubernetes object here"),
    "not a recording": (("draw", "storage", "odd.jsonl"), "odd.jsonl, line 1: not a k8sviz recording"),
    "not a manifest": (("draw", "storage", "-f", "odd.yaml"), "odd.yaml"),
    "unknown format": (("draw", "storage", LAB, "--format", "svgg"), "did you mean svg?"),
    "unknown suffix": (("draw", "storage", LAB, "-o", "x.gif"), "cannot tell a format"),
    "unknown theme": (("draw", "storage", LAB, "--theme", "red"), "red"),
    "unknown option": (("draw", "storage", LAB, "--zoom", "3"), "zoom"),
    "a time that is none": (("draw", "storage", LAB, "--at", "nan"), "seconds or a step"),
    "no place to write": (("draw", "storage", LAB, "-o", "none/x.svg"), "cannot write"),
    "a folder to write": (("draw", "storage", LAB, "-o", "empty", "--format", "svg"), "cannot write"),
    "play without a file": (("play", LAB), "-o"),
    "play an unknown story": (("play", LAB, "-o", "x.html", "--story", "storrage"), "did you mean storage?"),
    "play from an unknown step": (("play", LAB, "-o", "x.html", "--start", "bond"), "did you mean bound?"),
    "play to nowhere": (("play", LAB, "-o", "none/x.html"), "cannot write"),
    "a name with two lines": (("draw", "storage", "a\nb\x1b[31m"), "a b\ufffd[31m"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_line_that_helps(
    arguments: tuple[str, ...], words: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty").mkdir()
    (folder / "odd.jsonl").write_text("hello\n")
    (folder / "odd.yaml").write_text("a: [\n")
    before = set(folder.rglob("*"))
    assert words in refused(capsys, *arguments)
    assert set(folder.rglob("*")) == before, "a command that fails leaves no file behind"


# -- as a process --------------------------------------------------------------------------------


def shell(*arguments: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "k8sviz", *arguments]
    return subprocess.run(command, capture_output=True, cwd=ROOT, env={**os.environ, **more}, timeout=60)


def test_python_m_k8sviz_is_the_command() -> None:
    done = shell("--version")
    assert (done.returncode, done.stdout.decode().strip()) == (0, f"k8sviz {k8sviz.__version__}")
    failed = shell("draw", "storage", "nope")
    assert failed.returncode == 2
    assert failed.stdout == b""
    assert failed.stderr.startswith(b"k8sviz: nope is no lab")
    assert failed.stderr.count(b"\n") == 1


def test_a_terminal_that_knows_only_ascii_gets_the_picture_too() -> None:
    done = shell("draw", "storage", LAB, "--at", "bound", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u2713 Bound" in done.stdout


def test_a_reader_who_has_had_enough_is_no_error() -> None:
    code = f"{shlex.quote(sys.executable)} -m k8sviz labs --json | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", code], capture_output=True, cwd=ROOT, timeout=60)
    assert done.stderr == b"", "no BrokenPipeError is shown"
    assert done.stdout.endswith(b"0\n")


def test_a_png_goes_down_a_pipe() -> None:
    done = shell("draw", "storage", LAB, "--format", "png")
    assert done.stdout.startswith(b"\x89PNG")
    assert done.stderr == b""


# -- play ----------------------------------------------------------------------------------------


def test_play_writes_one_page_that_loads_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "play", LAB, "-o", "x.html", "--start", "bound") == ""
    page = Path("x.html").read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert page.count("</html>") == 1
    loaded = re.findall(r"""(?:\ssrc|\shref)=["']?([^"'\s>]+)|@import|url\(\s*["']?(?!data:|#)([^)"']+)""", page)
    assert not [hit for hit in loaded if any(hit) and not any(part.startswith(("#", "data:")) for part in hit)]
    assert "demo-pvc" in page


def test_svg_on_a_pipe_is_a_file_that_a_browser_opens(capsys: pytest.CaptureFixture[str]) -> None:
    assert ElementTree.fromstring(run(capsys, "draw", "storage", LAB, "--format", "svg")).tag.endswith("}svg")
