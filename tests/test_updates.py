"""Hot updates on a time axis: the bounds hold what the recorded outputs say, and nothing more."""

import re
from functools import cache

import pytest

from k8sviz.diagrams.timelines.updates import Updates, updates
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.kinds import Ref
from k8sviz.render.charts.updates import update_chart
from k8sviz.sources.labs import data_dir
from k8sviz.sources.recording import read


@cache
def recorded(lab: str) -> History:
    return read(data_dir() / "labs" / lab / "recording.jsonl")


def told(lab: str, pod: str) -> Updates:
    return updates(recorded(lab), Ref("Pod", pod, "demo"))


def test_a_config_map_waits_for_the_kubelets_round() -> None:
    found = told("ch07-configmap-volume", "demo-configmap-volume")
    by_label = {track.label: track for track in found.tracks}
    source = by_label["ConfigMap fortune-config, key gzip.conf"]
    [change] = source.changes
    assert (change.old, change.new) == ("gzip on;", "gzip off;")
    step = recorded("ch07-configmap-volume").step("update")
    assert step.result is not None
    assert step.t < change.t < step.result.t
    [bounds] = by_label["/etc/conf.d/gzip.conf"].arrived
    assert bounds is not None
    poll = recorded("ch07-configmap-volume").step("poll")
    assert poll.result is not None
    lines = poll.result.stdout.splitlines()
    slept = [int(re.match(r"\d+", line)[0]) for line in lines]  # type: ignore[index]
    # the last line that shows the old value was printed after its sleeps, the new one before the end
    assert bounds[0] >= poll.t + slept[-2]
    assert bounds[1] <= poll.result.t
    assert bounds[1] - bounds[0] <= 1.0  # the kubelet's directory is named by the second
    assert 60 < bounds[0] - change.t < bounds[1] - change.t < 90
    assert by_label["/etc/all/gzip.conf"].arrived == (None,)
    assert [s.value for s in by_label["/etc/all/gzip.conf"].stretches] == ["gzip on;", "old or new"]


def test_what_stayed_was_seen_to_stay() -> None:
    found = told("ch07-configmap-volume", "demo-configmap-volume")
    kept = [track for track in found.tracks if track.part in ("variable", "frozen")]
    assert [track.label for track in kept] == ["variable GZIP", "/etc/passwd.d/gzip.conf (subPath)"]
    for track in kept:
        assert [s.value for s in track.stretches] == ["gzip on;"]
        assert track.seen is not None
        assert track.seen[1] == "after"


def test_the_pods_own_label_arrives_at_once() -> None:
    found = told("ch08-downward-volume", "downward")
    source, file = found.tracks
    assert [(c.old, c.new) for c in source.changes] == [('foo="bar"', 'foo="baz"')]
    [bounds] = file.arrived
    assert bounds is not None
    assert bounds[1] - source.changes[0].t < 2
    assert found.notes == ("A change of the Pod itself wakes the kubelet at once.",)


def test_words_say_the_same() -> None:
    words = str(told("ch07-configmap-volume", "demo-configmap-volume"))
    assert "/etc/conf.d/gzip.conf: followed between 73.5 and 74.5 s, 67.5 to 68.5 s after the change" in words
    assert "variable GZIP: stays gzip on; until the container starts again; seen so at 78.0 s in after" in words
    assert "/etc/all/gzip.conf: old or new since 6.0 s" in words
    assert "waits for the kubelet's next round" in words
    words = str(told("ch07-configmap-env", "demo-env-configmap"))
    assert "changed at 28.7 s: 25 → 99" in words
    assert "variable INTERVAL: stays 25" in words


def test_stretches_never_overlap_and_reach_the_end() -> None:
    for lab, pod in (("ch07-configmap-volume", "demo-configmap-volume"), ("ch08-downward-volume", "downward")):
        found = told(lab, pod)
        for track in found.tracks:
            ends = [s.end for s in track.stretches]
            assert [s.start for s in track.stretches][1:] == ends[:-1]
            assert ends[-1] == found.end


def test_nothing_changed() -> None:
    found = told("ch07-secret", "fortune-https")
    assert found.tracks == ()
    assert "Nothing that pod/fortune-https is given changed while it ran." in str(found)
    assert update_chart(found).png().startswith(b"\x89PNG")


def config(value: str) -> dict:
    return {
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": {"name": "c", "namespace": "demo"},
        "data": {"a": value},
    }


def pod() -> dict:
    state = {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": ""}}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "p", "namespace": "demo", "uid": "1"},
        "spec": {
            "containers": [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/v"}]}],
            "volumes": [{"name": "v", "configMap": {"name": "c"}}],
        },
        "status": {"containerStatuses": [state]},
    }


def test_several_changes_and_a_look_that_skips_one() -> None:
    history = History(About(namespace="demo"))
    history.append(0.0, "ADDED", config("one"))
    history.append(1.0, "ADDED", pod())
    history.append(10.0, "MODIFIED", config("two"))
    history.append(20.0, "MODIFIED", config("three"))
    for t, shown in ((15.0, "one"), (30.0, "one"), (90.0, "three")):
        history.begin_step(Step(t, f"look-{t:g}", "kubectl exec p -- cat /v/a"))
        history.end_step(f"look-{t:g}", Result(t + 1, 0, shown))
    found = updates(history, Ref("Pod", "p", "demo"))
    source, file = found.tracks
    assert [c.t for c in source.changes] == [10.0, 20.0]
    # the second version was never seen: the file may have had it, or gone straight to the third
    assert file.arrived == ((30.0, 91.0), (30.0, 91.0))
    assert [(s.value, s.start, s.end) for s in file.stretches] == [("one", 1.0, 30.0), ("old or new", 30.0, 91.0)]
    history.append(100.0, "ADDED", {"kind": "Node", "metadata": {"name": "later"}})
    last = updates(history, Ref("Pod", "p", "demo")).tracks[1].stretches[-1]
    assert (last.value, last.start, last.end) == ("three", 91.0, 100.0)


def test_misses() -> None:
    with pytest.raises(K8svizError, match="did you mean downward"):
        updates(recorded("ch08-downward-volume"), Ref("Pod", "downwar", "demo"))


def test_the_chart_shows_itself_and_its_words() -> None:
    chart = update_chart(told("ch07-configmap-volume", "demo-configmap-volume"))
    data, metadata = chart._repr_mimebundle_()
    assert data["text/plain"] == str(told("ch07-configmap-volume", "demo-configmap-volume"))
    assert "fortune-config" in metadata["image/svg+xml"]["alt"]
    assert chart.svg() == update_chart(told("ch07-configmap-volume", "demo-configmap-volume")).svg()
