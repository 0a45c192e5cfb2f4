"""What is written is whole and where it was asked for; what is read are files, and a lab's own."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from k8sviz.cli import main
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Step
from k8sviz.saving import replacing, save
from k8sviz.sources import manifests, recording
from k8sviz.sources.labs import read_lab, safe_name
from k8sviz.sources.production import ANYWHERE, AS_WORDS, looks_like_production
from k8sviz.sources.unpack import unpack

ROOT = Path(__file__).parents[1]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: m, image: x}]}\n"


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(".part")]


def half(place: Path, error: Exception) -> None:
    with replacing(place) as file:
        file.write(b"half")
        raise error


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    place = save(tmp_path / "a.svg", "old")
    with pytest.raises(RuntimeError):
        half(place, RuntimeError())
    assert place.read_text() == "old"
    with pytest.raises(K8svizError, match="No space"):
        half(place, OSError(28, "No space left on device"))
    assert place.read_text() == "old"
    assert not leftovers(tmp_path)


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    mine = save(tmp_path / "mine.txt", "precious")
    (tmp_path / "out.svg").symlink_to(mine)
    save(tmp_path / "out.svg", "picture")
    assert mine.read_text() == "precious"
    assert not (tmp_path / "out.svg").is_symlink()


def test_pipes_devices_and_folders_are_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "null").symlink_to("/dev/null")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "null", "folder"):
        with pytest.raises(K8svizError, match="it is"):
            save(tmp_path / name, "x")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(K8svizError, match="cannot write"):
        save(tmp_path / "nowhere" / "a", "x")
    with pytest.raises(K8svizError, match="cannot write"):
        save(tmp_path / "a\0b", "x")


def test_every_command_that_writes_replaces_a_link(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    tape = tmp_path / "tape.jsonl"
    recording.write(History.of(manifests.parse(POD), About(name="x")), tape)
    mine = save(tmp_path / "mine", "precious")
    for number, (name, words) in enumerate(
        {
            "a.svg": ["draw", "overview", "-f", str(tmp_path / "pod.yaml")],
            "a.png": ["draw", "overview", "-f", str(tmp_path / "pod.yaml")],
            "b.svg": ["chart", "lives", str(tape)],
            "a.html": ["play", str(tape)],
            "a.jsonl": ["redact", str(tape)],
        }.items()
    ):
        (tmp_path / name).symlink_to(mine)
        assert main([*words, "-o", str(tmp_path / name)]) == 0, number
        assert not (tmp_path / name).is_symlink(), words
        assert (tmp_path / name).stat().st_size > 100
    assert mine.read_text() == "precious"
    assert not leftovers(tmp_path)


def test_a_recording_is_written_for_its_owner_alone_until_it_is_redacted(tmp_path: Path) -> None:
    with replacing(tmp_path / "a", private=True) as file:
        file.write(b"x")
    assert (tmp_path / "a").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "name",
    [
        *("../a", "/a", "a/../../b", ".bashrc", "a/.git/config", "-rf", "~root", "a\\b", "c:a", "a\nb", "a\u202eb"),
        *("", ".", "a//b", "lab.yaml", "Recording.jsonl", "x" * 300),
    ],
)
def test_a_recording_with_a_name_that_leads_away_writes_nothing(name: str, tmp_path: Path) -> None:
    with pytest.raises(K8svizError):
        safe_name(name)
    history = History.of([], About(name="x", title="x", namespace="demo", server={"gitVersion": "v1"}))
    history.begin_step(Step(1.0, "one", "true", {"good.yaml": "a", name: "b"}))
    recording.write(history, tmp_path / "tape.jsonl")
    with pytest.raises(K8svizError):
        unpack(tmp_path / "tape.jsonl", tmp_path / "data")
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("link", ["x", "x/conf", "x/conf/a.yaml", "x/lab.yaml"])
def test_unpacking_writes_through_no_link(link: str, tmp_path: Path) -> None:
    history = History.of([], About(name="x", title="x", namespace="demo", server={"gitVersion": "v1"}))
    history.begin_step(Step(1.0, "one", "true", {"conf/a.yaml": "a"}))
    recording.write(history, tmp_path / "tape.jsonl")
    outside = tmp_path / "outside"
    outside.mkdir()
    place = tmp_path / "data" / link
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    with pytest.raises(K8svizError, match="link"):
        unpack(tmp_path / "tape.jsonl", tmp_path / "data")
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "linked.yaml", 5, "absent.yaml", ".env"])
def test_a_lab_names_only_files_of_its_folder(name: object, tmp_path: Path) -> None:
    save(tmp_path / "secret", "hunter2")
    folder = tmp_path / "lab"
    folder.mkdir()
    (folder / "linked.yaml").symlink_to(tmp_path / "secret")
    step = {"id": "one", "command": "true", "files": [name]}
    lab = {"name": "x", "title": "x", "namespace": "demo", "server": "v1", "steps": [step]}
    save(folder / "lab.yaml", json.dumps(lab))
    with pytest.raises(K8svizError) as caught:
        read_lab(folder).text(str(name))
    assert "hunter2" not in str(caught.value)


def test_a_pipe_in_a_folder_keeps_nobody_waiting(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text(POD)
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    found: list[object] = []
    thread = threading.Thread(target=lambda: found.append(manifests.read([tmp_path])), daemon=True)
    thread.start()
    thread.join(10)
    assert found, "it waits for the pipe"


@pytest.mark.parametrize(
    "name",
    [
        *(
            "prod",
            "myproduction",
            "preprod",
            "acmeprod",
            "PRODUKTION",
            "生产",
            "集群-生產",
            "prd1",
            "live",
            "shop-live",
        ),
        *("live2", "ｐｒｏｄ", "Producción", "pro\u200bd", "eu_PROD_2", "arn:aws:eks:eu-1:1:cluster/prod", "本番環境"),
    ],
)
def test_what_looks_like_production_does(name: str) -> None:
    assert looks_like_production(name)


@pytest.mark.parametrize(
    "name", ["kind-k8sviz", "minikube", "dev", "staging", "delivery", "docker-desktop", "", "olivia"]
)
def test_what_does_not_look_like_production_does_not(name: str) -> None:
    assert not looks_like_production(name)


def test_the_docs_list_what_looks_like_production() -> None:
    written = (ROOT / "SECURITY.md").read_text()
    assert [word for word in (*ANYWHERE, *AS_WORDS) if f"`{word}`" not in written] == []
