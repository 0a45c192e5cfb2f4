"""Labs on a real control plane: at each step the same relations as in the recording, and nothing left behind.

No process runs in a container here, no kubelet mounts, and nothing provisions: LABS says how far each lab can go.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import k8sviz
from k8sviz.cli import main
from k8sviz.errors import K8svizError
from k8sviz.sources.labs import lab_names
from k8sviz.sources.live_lab import LABEL
from k8sviz.sources.recording import read
from tests.live.cluster import Existing, Local
from tools.real import relations

# lab: (story, the last step that can be compared, steps that somebody's pace decides: Pods that just start or end, and
# claims that the volume controller looks at again in up to 15 seconds)
LABS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "ch06-static-binding": ("storage", "delete-all", ("apply-pv",)),
    "ch06-binding-choice": ("storage", "list-end", ("apply-late-pv",)),
    "ch06-dynamic": ("storage", "after-delete", ("apply-consumer", "apply-consumer2")),
    "ch06-emptydir": ("storage", "read-page", ()),
    "ch07-args-env": ("config", "old-version", ()),
    "ch07-configmap-env": ("config", "bad-key", ()),
    "ch07-configmap-volume": ("config", "apply", ()),
    "ch08-downward-env": ("downward", "env-nolimit", ()),
    "ch08-downward-volume": ("downward", "relabel", ()),
    "ch09-bad-version": ("rollout", "apply-v3", ("apply-v1", "apply-v3")),
    "ch09-blue-green": ("rollout", "remove-blue", ("apply-blue", "apply-green")),
    "ch09-pause-resume": ("rollout", "ready", ("apply-v1",)),
    "ch09-recreate": ("rollout", "after", ("apply-v1", "apply-v2")),
    "ch09-replicationcontroller": ("rollout", "after", ()),
    "ch09-rolling-update": (
        "rollout",
        "describe",
        ("apply-v1", "apply-v2", "status-v2", "undo", "status-undo", "undo-to", "status-to"),
    ),
    "ch09-surge-unavailable": ("rollout", "done-2", ("apply", "surge-1-unavailable-0", "surge-0-unavailable-1")),
    "ch10-identity": ("stateful", "pvc-left", ("apply", "delete-pod", "scale-up", "scale-down")),
    "ch10-order": (
        "storage",
        "claims-gone",
        ("apply-ordered", "partition", "roll-all", "apply-parallel", "scale-down"),
    ),
    "ch10-peers": ("stateful", "ready", ("apply",)),
    "ch10-static-volumes": ("storage", "complete", ("apply",)),
}
VOLUME = """
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec:
  storageClassName: "{storage_class}"
  capacity: {{storage: {size}}}
  accessModes: [ReadWriteOnce]
  hostPath: {{path: /x}}
"""


@pytest.fixture
def live(local: Local, monkeypatch: pytest.MonkeyPatch) -> Local:
    monkeypatch.setenv("KUBECONFIG", str(local.kubeconfig))
    monkeypatch.setenv("K8SVIZ_SOURCE", "live")
    monkeypatch.setenv("K8SVIZ_CONTEXT", local.context)
    monkeypatch.setenv("K8SVIZ_KUBECTL", str(local.assets / "kubectl"))
    return local


@pytest.mark.parametrize("name", LABS)
def test_the_same_relations_live_and_recorded_at_each_step(name: str, live: Local) -> None:
    story, last, midway = LABS[name]
    lab, recorded = k8sviz.Lab(name), k8sviz.Lab(name, source="recorded")
    wrong = []
    try:
        for step in lab.steps:
            here, there = lab.do(step.id), recorded.do(step.id)
            if step.id not in midway:
                one, other = relations(lab.draw(story).diagram), relations(recorded.draw(story).diagram)
                if one != other:
                    wrong.append(f"{step.id}: live only {dict(one - other)}, recorded only {dict(other - one)}")
                if not here.notes and here.exit_code != there.exit_code:
                    wrong.append(f"{step.id}: exit code {here.exit_code}, recorded {there.exit_code}")
            if step.id == last:
                break
        assert not wrong, "\n".join(wrong)
    finally:
        lab.cleanup()
    assert "demo" not in live.kubectl("get", "namespace", "-o", "name")


def test_every_lab_is_tried_or_known_to_need_more() -> None:
    more = {
        "ch06-hostpath-gitrepo": "a kubelet that refuses to mount",
        "ch07-secret": "files in a container",
        "ch08-api-from-pod": "a process that calls the API",
        "ch09-config-change": "the environment of a process",
        "ch09-undo-midway": "containers that take their time to become ready",
        "ch10-node-failure": "a kubelet that falls silent",
        "ch10-unhealthy": "a readiness probe that looks at a file",
    }
    assert {*LABS, *more} == set(lab_names())


def test_what_a_lab_makes_is_labelled_and_goes_and_nothing_else(live: Local) -> None:
    volume = VOLUME.format(name="mine", size="1Gi", storage_class="of-others")
    live.kubectl("apply", "-f", "-", text=volume)
    live.kubectl("create", "namespace", "other")
    try:
        lab = k8sviz.Lab("ch06-binding-choice")
        lab.do_until("apply-smallest")
        assert LABEL in live.kubectl("get", "namespace", "demo", "-o", "yaml")
        made = live.kubectl("get", "pv", "-l", f"{LABEL}=ch06-binding-choice", "-o", "name").split()
        assert made
        again = k8sviz.Lab("ch06-binding-choice")  # a kernel that died has not cleaned up
        again.do_until("list-pvs")
        with pytest.raises(K8svizError, match="begin it anew"):
            lab.do("apply-rwx")
        assert live.kubectl("-n", "demo", "get", "pvc", "-o", "name") == ""
        other = k8sviz.Lab("ch06-dynamic")
        other.do("apply-class")
        assert live.kubectl("get", "pv", "-o", "name").split() == ["persistentvolume/mine"]
        other.cleanup()
        assert live.kubectl("get", "sc", "-o", "name").split() == ["storageclass.storage.k8s.io/standard"]
        assert "namespace/other" in live.kubectl("get", "namespace", "-o", "name")
    finally:
        live.kubectl("delete", "pv/mine", "namespace/other", "--wait=false")


def test_a_namespace_of_somebody_else_is_left_alone(live: Local) -> None:
    live.kubectl("create", "namespace", "demo")
    try:
        with pytest.raises(K8svizError, match="was not made by a lab"):
            k8sviz.Lab("ch06-dynamic").do("apply-class")
        assert "demo" in live.kubectl("get", "namespace", "-o", "name")
    finally:
        live.kubectl("delete", "namespace", "demo")


def test_a_volume_of_somebody_else_is_left_alone(live: Local) -> None:
    volume = VOLUME.format(name="demo-pv", size="7Gi", storage_class="of-others")
    live.kubectl("apply", "-f", "-", text=volume)
    lab = k8sviz.Lab("ch06-static-binding")
    try:
        said = lab.do_until("apply-pv")
        assert said.exit_code == 1
        assert "was not made by this lab" in said.stderr
        lab.cleanup()
        assert "7Gi" in live.kubectl("get", "pv", "demo-pv")
    finally:
        lab.cleanup()
        live.kubectl("delete", "pv", "demo-pv")


def test_a_volume_that_would_mix_with_the_labs_is_named_before_it_begins(live: Local) -> None:
    live.kubectl("apply", "-f", "-", text=VOLUME.format(name="free", size="7Gi", storage_class=""))
    try:
        with pytest.raises(K8svizError, match="free could bind with what ch06-binding-choice makes"):
            k8sviz.Lab("ch06-binding-choice").do("apply-pvs")
        assert "demo" not in live.kubectl("get", "namespace", "-o", "name")
    finally:
        live.kubectl("delete", "pv", "free")


def test_no_write_without_a_named_context(live: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("K8SVIZ_CONTEXT")
    with pytest.raises(K8svizError, match=f"name it.*{live.context}"):
        k8sviz.Lab("ch06-dynamic")
    assert k8sviz.Lab("ch06-dynamic", context=live.context).steps


def test_production_needs_a_yes(live: Local, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if isinstance(live, Existing):
        pytest.skip("this cluster's credentials are not ours to write into files")
    for context in ("prod", "eu-production-1", "live", "my-prd"):
        live.write_kubeconfig(tmp_path / "config", live.token, context)
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        with pytest.raises(K8svizError, match="looks like production"):
            k8sviz.Lab("ch06-dynamic", context=context)
        assert k8sviz.Lab("ch06-dynamic", context=context, yes=True).steps


def test_a_recorded_lab_replays_as_it_was(live: Local, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    assert main(["record", "ch06-static-binding", "-o", str(path)]) == 0
    made = read(path)
    assert made.complete
    spec = k8sviz.Lab("ch06-static-binding", source="recorded")
    assert [s.id for s in made.steps] == [s.id for s in spec.steps]
    for step in (s for s in made.steps if s.id not in LABS["ch06-static-binding"][2]):
        live_then = relations(k8sviz.draw("storage", made, at=step.id).diagram)
        assert live_then == relations(k8sviz.draw("storage", spec.history, at=step.id).diagram), step.id
    assert "demo" not in live.kubectl("get", "namespace", "-o", "name")


def test_watch_prints_what_changes(live: Local, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "storage", "-n", "default", "--for", "1.5"]) == 0
    assert "--- " in capsys.readouterr().out


def test_a_namespace_that_is_not_there_is_an_error_that_names_those_that_are(
    live: Local, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["draw", "storage", "-n", "defualt"]) != 0
    assert "has no namespace 'defualt'; did you mean default?" in capsys.readouterr().err
    assert main(["why", "-n", "default"]) == 0
    assert capsys.readouterr().out == "Nothing fails here, and nothing waits.\n"
