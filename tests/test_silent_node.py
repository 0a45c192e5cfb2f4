"""The silent node of ch10-node-failure: what the axis says, and what one moment shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8sviz.diagrams.stories.node import node, node_story
from k8sviz.diagrams.timelines.silence import silence, silence_text
from k8sviz.errors import K8svizError
from k8sviz.history import About, History
from k8sviz.kinds import Ref
from k8sviz.render.charts.silence import silence_chart
from k8sviz.render.text import text
from k8sviz.rules.node_health import leaves_after
from k8sviz.sources.recording import read
from k8sviz.views.frames import film

DATA = Path(__file__).parent.parent / "data" / "labs"


@pytest.fixture(scope="module")
def history() -> History:
    return read(DATA / "ch10-node-failure" / "recording.jsonl")


def test_the_story_has_its_stages_in_order(history: History) -> None:
    told = silence(history)
    assert told.node == "k8sviz-worker2"
    words = [m.text for m in told.moments]
    expected = [
        "last heartbeat",
        "grace period is over",
        "taint unreachable:NoExecute",
        "tolerated it for 30 s",
        "deleted by force",
        "replacement",
        "cannot follow its volume",
        "answers again",
        "gets k8sviz-worker2",
    ]
    assert len(words) == len(expected)
    for part, word in zip(expected, words, strict=True):
        assert part in word
    assert [m.t for m in told.moments] == sorted(m.t for m in told.moments)


def test_the_toleration_clock_runs_from_the_taint_to_the_mark(history: History) -> None:
    lanes = {lane.label: lane.spans for lane in silence(history).lanes}
    (clock,) = lanes["toleration clock"]
    assert 29.9 < clock.end - clock.start <= 30.0
    may_run, forgotten = lanes["its process"]
    assert may_run.end == forgotten.start
    assert forgotten.end == pytest.approx(99.1, abs=0.1)
    assert [s.phase for s in lanes["kubia-0"]][-3:] == ["no node fits", "not Ready", "available"]


def test_the_chart_says_it_in_words(history: History) -> None:
    chart = silence_chart(silence(history))
    assert str(chart) == silence_text(silence(history))
    assert "didn't match PersistentVolume's node affinity" in chart.alt
    assert chart.png().startswith(b"\x89PNG")


def test_one_moment_shows_what_is_known(history: History) -> None:
    words = text(node(history.at(40.0)))
    assert "tolerates it for 30 s" in words
    assert "until 61 s" in words
    words = text(node(history.at(70.0)))
    assert "only its node could confirm" in words
    words = text(node(history.at(90.0)))
    assert "Pod kubia-0 · ✗ no node fits" in words
    assert "only on → Node k8sviz-worker2" in words
    assert "kubia-1" not in text(node(history.at(90.0), Ref("Node", "k8sviz-worker2")))


def test_a_player_of_it_fits(history: History) -> None:
    shown = film(history, node_story(history))
    assert shown.layout.width < 1300
    assert len(shown.frames) > 10


def test_no_silence_and_no_node_are_said(history: History) -> None:
    with pytest.raises(K8svizError, match="stayed Ready"):
        silence(read(DATA / "ch10-peers" / "recording.jsonl"))
    with pytest.raises(K8svizError, match="no Node"):
        silence(history, "nowhere")
    with pytest.raises(K8svizError, match="no Node"):
        node_story(history, "nowhere")


def test_the_shortest_toleration_counts() -> None:
    def pod(*rows: dict) -> dict:
        return {"spec": {"tolerations": list(rows)}}

    key = "node.kubernetes.io/unreachable"
    taint = {"key": key, "effect": "NoExecute"}
    exists = {"key": key, "operator": "Exists"}
    assert leaves_after(pod({**exists, "tolerationSeconds": 300}, {**exists, "tolerationSeconds": 20}), [taint]) == 20
    assert leaves_after(pod({"operator": "Exists"}), [taint]) is None
    assert leaves_after(pod({**exists, "effect": "NoSchedule"}), [taint]) == 0
    assert leaves_after(pod({"key": "other", "operator": "Exists"}), [taint]) == 0


def _node(ready: str, heartbeat: str, taint: bool = False) -> dict:
    ready_condition = {"type": "Ready", "status": ready, "lastHeartbeatTime": heartbeat}
    taints = [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}] if taint else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": "n1"},
        "spec": {"taints": taints},
        "status": {"conditions": [ready_condition]},
    }


def _pod(**meta: object) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "demo", "uid": "1", **meta},
        "spec": {
            "nodeName": "n1",
            "tolerations": [{"key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "tolerationSeconds": 30}],
        },
        "status": {"phase": "Running"},
    }


def test_the_last_heartbeat_is_the_leases_where_there_is_one() -> None:
    history = History(About(namespace="demo", started_at="2026-01-01T00:10:00Z"))
    history.append(0.0, "ADDED", _node("True", "2026-01-01T00:07:00Z"))
    history.append(60.0, "MODIFIED", _node("Unknown", "2026-01-01T00:07:00Z"))
    lease = {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": "n1", "namespace": "kube-node-lease"},
        "spec": {"renewTime": "2026-01-01T00:10:21.500000Z"},
    }
    assert silence(history).moments[0].t == 0.0  # all that the Node itself says: minutes ago
    history.append(60.0, "ADDED", lease)
    assert silence(history).moments[0].t == 21.5


def test_a_pod_that_somebody_deleted_was_not_evicted() -> None:
    history = History(About(namespace="demo", started_at="2026-01-01T00:10:00Z"))
    history.append(0.0, "ADDED", _node("True", "2026-01-01T00:10:00Z"))
    history.append(0.0, "ADDED", _pod())
    history.append(40.0, "MODIFIED", _node("Unknown", "2026-01-01T00:10:10Z", taint=True))
    history.append(45.0, "MODIFIED", _pod(deletionTimestamp="2026-01-01T00:11:15Z"))
    assert not [m for m in silence(history).moments if "tolerated" in m.text]
