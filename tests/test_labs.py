"""The labs in `data/` are what the recordings hold, and their commands work when a person types them in order."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from k8sviz.errors import K8svizError
from k8sviz.sources import labs
from k8sviz.sources.labs import safe_name
from k8sviz.sources.unpack import dump_lab, unpack

DATA = Path(__file__).resolve().parents[1] / "data"
LABS = labs.lab_names(DATA)
# `-f NAME` and `--from-file=[KEY=]NAME`, inside chains of commands too
NAMED = re.compile(r"(?:\s-f|--from-file=)\s*(?:[\w.-]+=)?([\w./-]+)")
# what a command writes: `> NAME`, openssl's `-keyout NAME` and `-out NAME`
MADE = re.compile(r"(?:>|-keyout|-out)\s+([\w.-]+)")


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def recorded_steps(lab: str) -> Iterator[dict]:
    """Read without the package's reader, so that both are checked."""
    with (DATA / "labs" / lab / "recording.jsonl").open(encoding="utf-8") as stream:
        yield from (row for row in map(json.loads, stream) if row.get("type") == "STEP")


def recording_of(folder: Path, *steps: dict, name: str = "a-lab") -> Path:
    """A small recording file that holds these steps."""
    head = {
        "format": "k8sviz.recording/v1",
        "name": name,
        "title": "题: a title",
        "namespace": "demo",
        "startedAt": "2026-01-01T00:00:00Z",
        "server": {"gitVersion": "v1.36.2"},
        "secretValues": "kept",
    }
    rows = [head]
    for t, step in enumerate(steps):
        rows.append({"t": float(t), "type": "STEP", **step})
    rows.append({"t": float(len(steps)), "type": "END"})
    path = folder / "some.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_all_chapters_are_there() -> None:
    assert len(LABS) == 27
    assert {name[:4] for name in LABS} == {"ch06", "ch07", "ch08", "ch09", "ch10"}


@pytest.mark.parametrize("lab", LABS)
def test_unpacking_again_gives_what_is_committed(lab: str, tmp_path: Path) -> None:
    made = unpack(DATA / "labs" / lab / "recording.jsonl", tmp_path)
    assert made == tmp_path / lab
    committed = tree(DATA / "labs" / lab)
    typed = {name for step in recorded_steps(lab) for name in MADE.findall(step["command"])}
    assert tree(made) == {name: content for name, content in committed.items() if name not in typed}


@pytest.mark.parametrize("lab", LABS)
def test_lab_says_what_the_recording_did(lab: str) -> None:
    spec = labs.load_lab(lab, DATA)
    rows = list(recorded_steps(lab))
    assert [(step.id, step.about) for step in spec.steps] == [(row["id"], row.get("about", "")) for row in rows]
    for step, row in zip(spec.steps, rows, strict=True):
        assert [spec.text(name) for name in step.files] == list(row.get("files", {}).values())


@pytest.mark.parametrize("lab", LABS)
def test_commands_name_files_as_they_were_then(lab: str) -> None:
    spec = labs.load_lab(lab, DATA)
    held: dict[str, str] = {}
    made: set[str] = set()
    for step, row in zip(spec.steps, recorded_steps(lab), strict=True):
        held |= row.get("files", {})
        made |= set(MADE.findall(row["command"]))
        printed, recorded = NAMED.findall(step.command), NAMED.findall(row["command"])
        assert len(printed) == len(recorded)
        for name, old in zip(printed, recorded, strict=True):
            path = spec.folder / name
            if old in made:
                assert name == old
            elif path.is_dir():
                inside = {f"{name}/{file}": text.decode() for file, text in tree(path).items()}
                assert inside == {key: text for key, text in held.items() if key.startswith(f"{old}/")}
            else:
                assert path.read_bytes().decode() == held[old]


def test_only_names_that_come_again_change_a_command() -> None:
    changed = {
        (lab, step.id)
        for lab in LABS
        for step, row in zip(labs.load_lab(lab, DATA).steps, recorded_steps(lab), strict=True)
        if step.command != row["command"]
    }
    assert changed == {
        ("ch09-surge-unavailable", step)
        for step in ("surge-0-unavailable-1", "surge-2-unavailable-1", "surge-100-unavailable-0", "both-zero")
    }


def test_a_file_that_comes_again(tmp_path: Path) -> None:
    recording = recording_of(
        tmp_path,
        {"id": "one", "command": "kubectl apply -f a.yaml", "files": {"a.yaml": "1\n", "k.conf": "x\n"}},
        {"id": "two", "command": "kubectl apply -f a.yaml -f ./a.yaml.bak", "files": {"a.yaml": "2\n"}},
        {"id": "later", "command": "cat a.yaml; kubectl delete -fa.yaml"},
        {"id": "key", "command": "kubectl create cm c --from-file=k.conf", "files": {"k.conf": "y\n"}},
        {"id": "back", "command": "kubectl apply -f a.yaml", "files": {"a.yaml": "1\n"}},
    )
    spec = labs.read_lab(unpack(recording, tmp_path / "data"))
    assert [step.command for step in spec.steps] == [
        "kubectl apply -f a.yaml",
        "kubectl apply -f a.two.yaml -f ./a.yaml.bak",
        "cat a.two.yaml; kubectl delete -fa.two.yaml",
        "kubectl create cm c --from-file=k.conf=k.key.conf",  # a ConfigMap's key is the file's name
        "kubectl apply -f a.yaml",
    ]
    assert spec.text("a.yaml") == "1\n"
    assert spec.text("a.two.yaml") == "2\n"
    assert spec.title == "题: a title"


def test_versions_inside_a_folder_are_refused(tmp_path: Path) -> None:
    recording = recording_of(
        tmp_path,
        {"id": "one", "command": "kubectl create cm c --from-file=d", "files": {"d/a": "1"}},
        {"id": "two", "command": "kubectl create cm e --from-file=d", "files": {"d/a": "2"}},
    )
    with pytest.raises(K8svizError, match="step two: d/a comes again"):
        unpack(recording, tmp_path / "data")


@pytest.mark.parametrize("clash", ["a.two.yaml", "A.TWO.yaml"])
def test_a_kept_name_that_is_taken_is_refused(clash: str, tmp_path: Path) -> None:
    recording = recording_of(
        tmp_path,
        {"id": "one", "command": "true", "files": {"a.yaml": "1", clash: "other"}},
        {"id": "two", "command": "true", "files": {"a.yaml": "2"}},
    )
    with pytest.raises(K8svizError, match="is taken"):
        unpack(recording, tmp_path / "data")


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../x",
        "a/../../x",
        "..",
        "c:\\x",
        "a\\..\\x",
        "C:x",
        "",
        ".",
        "./x",
        "a//b",
        "a/",
        "a\nb",
        "a\0b",
        "lab.yaml",
        "LAB.YAML",
        "recording.jsonl",
    ],
)
def test_hostile_file_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(K8svizError):
        safe_name(name)
    recording = recording_of(tmp_path, {"id": "one", "command": "true", "files": {name: "x"}})
    with pytest.raises(K8svizError):
        unpack(recording, tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "../a", ".hidden", "a b"])
def test_hostile_lab_names_and_step_ids_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(K8svizError, match="lab name"):
        unpack(recording_of(tmp_path, name=name), tmp_path / "data")
    with pytest.raises(K8svizError, match="step id"):
        unpack(recording_of(tmp_path, {"id": name, "command": "true"}), tmp_path / "data")


def test_a_step_id_that_comes_twice_is_refused(tmp_path: Path) -> None:
    twice = [{"id": "one", "command": "true"}] * 2
    with pytest.raises(K8svizError, match="comes twice"):
        unpack(recording_of(tmp_path, *twice), tmp_path / "data")


# YAML holds no control characters unescaped, nor do half surrogates reach a file
TEXT = st.text(st.characters(codec="utf-8"), max_size=200) | st.text("ab; &#:'\"-|>\\\n\t ", max_size=300)
STEPS = st.lists(
    st.builds(
        labs.StepSpec, id=TEXT, command=TEXT, about=TEXT, files=st.tuples(TEXT), goes_on=st.none() | st.just(0.2)
    ),
    max_size=4,
)


@given(TEXT, STEPS)
def test_lab_yaml_round_trips(title: str, steps: list[labs.StepSpec]) -> None:
    spec = labs.LabSpec("a", title, "demo", "v1.36.2", tuple(steps), Path())
    again = yaml.safe_load(dump_lab(spec))
    assert again["title"] == title
    for step, item in zip(steps, again["steps"], strict=True):
        made = (item["id"], item["command"], item.get("about", ""), tuple(item["files"]))
        assert labs.StepSpec(*made, tuple(item.get("waits", ())), item.get("goes_on")) == step


@pytest.mark.parametrize("lab", LABS)
def test_committed_lab_yaml_round_trips(lab: str) -> None:
    assert dump_lab(labs.load_lab(lab, DATA)) == (DATA / "labs" / lab / "lab.yaml").read_text(encoding="utf-8")


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(K8svizError, match=r"did you mean .*ch06-static-binding"):
        labs.load_lab("ch06-static-bindings")
    with pytest.raises(K8svizError, match="did you mean apply-pv"):
        labs.load_lab("ch06-static-binding").step("aply-pv")
    with pytest.raises(K8svizError, match=r"did you mean demo-pv\.yaml"):
        labs.load_lab("ch06-static-binding").text("demo-pv.yml")


def test_data_may_lie_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("K8SVIZ_DATA", str(tmp_path))
    assert labs.lab_names() == ()
    monkeypatch.setenv("K8SVIZ_DATA", str(tmp_path / "gone"))
    with pytest.raises(K8svizError, match="K8SVIZ_DATA points to"):
        labs.data_dir()


@pytest.mark.parametrize("text", ["", "- 1\n", "a: [", "name: 3\n", "name: a\ntitle: b\nnamespace: c\nserver: d\n"])
def test_a_broken_lab_yaml_names_the_file(text: str, tmp_path: Path) -> None:
    (tmp_path / "lab.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(K8svizError, match=r"lab\.yaml"):
        labs.read_lab(tmp_path)
