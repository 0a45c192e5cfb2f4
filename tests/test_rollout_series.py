"""The numbers of rollouts, against a second method that reads the recordings' lines and asks at every moment."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import pytest

from k8sviz.diagrams.timelines.rollouts import by_revision, rollout_records, rollout_series, rollout_text, rollouts_of
from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import Ref
from k8sviz.render.charts.rollout import rollout_chart, rollouts_chart
from k8sviz.sources.recording import read

DATA = Path(__file__).parent.parent / "data" / "labs"
LABS = sorted(p.name for p in DATA.glob("ch09-*"))


def lab(name: str) -> History:
    return read(DATA / name / "recording.jsonl")


# -- the second method: brute force over the lines, with no code of the package ------------------------


def lines(name: str) -> tuple[float, list[dict]]:
    rows = [json.loads(row) for row in (DATA / name / "recording.jsonl").read_text().splitlines()]
    started = datetime.fromisoformat(rows[0]["startedAt"].replace("Z", "+00:00")).timestamp()
    return started, [row for row in rows[1:] if "object" in row]


def seconds(stamp: str, started: float) -> float:
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp() - started


def ready_since(pod: dict, started: float) -> float | None:
    for c in pod.get("status", {}).get("conditions", []):
        if c["type"] == "Ready" and c["status"] == "True":
            return seconds(c["lastTransitionTime"], started)
    return None


def percent(value: int | str, total: int, up: bool) -> int:
    if isinstance(value, int):
        return value
    exact = int(value[:-1]) * total / 100
    return int(-(-exact // 1)) if up else int(exact // 1)


def promised(spec: dict) -> tuple[int, int]:
    replicas = spec["replicas"]
    if spec["strategy"]["type"] == "Recreate":
        return replicas, 0
    rolling = spec["strategy"]["rollingUpdate"]
    surge = percent(rolling["maxSurge"], replicas, True)
    unavailable = percent(rolling["maxUnavailable"], replicas, False)
    if surge == unavailable == 0:
        unavailable = 1
    return replicas + surge, replicas - unavailable


def brute(name: str, deployment: str) -> list[dict]:
    started, rows = lines(name)
    uids = {
        r["object"]["metadata"]["uid"]
        for r in rows
        if r["object"]["kind"] == "Deployment" and r["object"]["metadata"]["name"] == deployment
    }
    sets = {
        r["object"]["metadata"]["uid"]
        for r in rows
        if r["object"]["kind"] == "ReplicaSet"
        and {o["uid"] for o in r["object"]["metadata"].get("ownerReferences", [])} & uids
    }
    mine = [
        r
        for r in rows
        if r["object"]["kind"] == "Pod"
        and {o["uid"] for o in r["object"]["metadata"].get("ownerReferences", [])} & sets
    ]
    own = [r for r in rows if r["object"]["kind"] == "Deployment" and r["object"]["metadata"]["name"] == deployment]
    starts = [
        i
        for i, r in enumerate(own)
        if r["type"] != "DELETED"
        and (i == 0 or own[i - 1]["object"]["spec"]["template"] != r["object"]["spec"]["template"])
    ]
    end = max(r["t"] for r in rows)
    # every moment at which anything can change: an event, or a Pod that has been Ready for long enough
    waits = {r["object"]["spec"].get("minReadySeconds", 0) for r in own}
    moments = {r["t"] for r in rows}
    for r in mine:
        since = ready_since(r["object"], started)
        if since is not None:
            moments |= {max(r["t"], since + w) for w in waits}
    found = []
    for n, i in enumerate(starts):
        begin = own[i]["t"]
        stop = (
            own[starts[n + 1]]["t"]
            if n + 1 < len(starts)
            else next((r["t"] for r in own if r["type"] == "DELETED"), end + 1)
        )
        inside = sorted({begin, *(m for m in moments if begin <= m < stop and m <= end)})
        totals, availables = [], []
        for t in inside:
            state: dict[str, dict] = {}
            for r in mine:
                if r["t"] <= t:
                    state[r["object"]["metadata"]["name"]] = r
            wait = [r for r in own if r["t"] <= t][-1]["object"]["spec"].get("minReadySeconds", 0)
            alive = [
                r["object"]
                for r in state.values()
                if r["type"] != "DELETED" and "deletionTimestamp" not in r["object"]["metadata"]
            ]
            totals.append(len(alive))
            stamps = [(ready_since(p, started), p) for p in alive]
            availables.append(sum(s is not None and (wait == 0 or s + wait <= t + 1e-9) for s, _ in stamps))
        specs = [r["object"]["spec"] for r in own if begin <= r["t"] < stop]
        most, least = zip(*map(promised, specs), strict=True)
        found.append(
            {
                "revision": n + 1,
                "maxTotal": max(totals),
                "totalBound": max(most),
                "minAvailable": None if n == 0 else min(availables),
                "availableBound": None if n == 0 else min(least),
                "kind": "rollout",
            }
        )
    return found


@pytest.mark.parametrize("name", LABS)
def test_records_equal_the_second_method_and_keep_the_bounds(name: str) -> None:
    history = lab(name)
    for ref in rollouts_of(history):
        if ref.kind != "Deployment":
            continue
        records = rollout_records(history, ref)
        assert records == brute(name, ref.name)
        for record in records:
            assert record["maxTotal"] <= record["totalBound"]
            if record["availableBound"] is not None:
                assert record["minAvailable"] >= record["availableBound"]


def test_the_known_answers() -> None:
    assert [tuple(r.values()) for r in rollout_records(lab("ch09-surge-unavailable"))] == [
        (1, 4, 5, None, None, "rollout"),
        (2, 5, 5, 4, 4, "rollout"),
        (3, 4, 4, 3, 3, "rollout"),
        (4, 6, 6, 3, 3, "rollout"),
        (5, 8, 8, 4, 4, "rollout"),
    ]
    assert rollout_records(lab("ch09-recreate"))[1] == {
        "revision": 2,
        "maxTotal": 3,
        "totalBound": 3,
        "minAvailable": 0,
        "availableBound": 0,
        "kind": "rollout",
    }


@pytest.mark.parametrize("name", LABS)
def test_a_pod_lives_through_its_spells_without_a_gap(name: str) -> None:
    history = lab(name)
    for ref in rollouts_of(history):
        series = rollout_series(history, ref)
        for pod in series.pods:
            for one, other in zip(pod.spells, pod.spells[1:], strict=False):
                assert one.end == other.start
                assert one.stage != other.stage
            assert pod.end <= history.end
        for t in history.times():
            count = series.at(t)
            assert count.available <= count.total
            assert count.total == len(
                [
                    p
                    for p in series.pods
                    for s in p.spells
                    if s.start <= t
                    and (t < s.end or (s.end == p.end and p.gone is None and t <= s.end))
                    and s.stage not in ("terminating", "ended")
                ]
            )


def test_availability_begins_between_two_events() -> None:
    series = rollout_series(lab("ch09-pause-resume"))
    pod = series.pods[0]
    ready, available = pod.first("ready"), pod.first("available")
    assert ready is not None
    assert available is not None
    # minReadySeconds is 3, and the API's stamps are whole seconds
    assert 2 <= available - ready <= 3.001


def test_replication_controllers_are_told_together() -> None:
    series = rollout_series(lab("ch09-replicationcontroller"))
    assert len(series.versions) == 2
    assert not series.revisions
    assert max(w.replicas for w in series.wishes) == 4
    assert "at most" in rollout_text(series)


def test_several_deployments_must_be_chosen_from() -> None:
    history = lab("ch09-blue-green")
    with pytest.raises(K8svizError, match="choose one of"):
        rollout_series(history)
    assert rollout_series(history, Ref("Deployment", "kubia-green")).revisions[0].max_total == 2
    with pytest.raises(K8svizError, match="kubia"):
        rollout_series(history, Ref("Deployment", "kubia-gren"))


def test_nothing_to_chart_is_said() -> None:
    with pytest.raises(K8svizError, match="no Deployment"):
        rollout_series(History())


def test_the_chart_says_one_line_a_revision_and_one_a_pod() -> None:
    series = rollout_series(lab("ch09-surge-unavailable"))
    chart = rollout_chart(series)
    assert "revision 4 (1.37) from 19.8 s: at most 6 Pods (bound 6), at least 3 available (bound 3)" in str(chart)
    assert sum(line.startswith("  kubia-") for line in str(chart).splitlines()) == 20
    assert chart.png().startswith(b"\x89PNG")


def test_rollouts_side_by_side() -> None:
    parts = by_revision(rollout_series(lab("ch09-surge-unavailable")))
    assert [p.title for p in parts] == [
        "revision 2: maxSurge 1, maxUnavailable 0",
        "revision 3: maxSurge 0, maxUnavailable 1",
        "revision 4: maxSurge 2, maxUnavailable 1",
        "revision 5: maxSurge 100%, maxUnavailable 0",
    ]
    chart = rollouts_chart(parts, title="four")
    assert str(chart).count("at most") == 4


def test_a_chart_of_nothing_much_is_still_a_chart() -> None:
    history = History.of(
        [
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {"name": "web"},
                "spec": {"replicas": 2, "template": {}},
            }
        ]
    )
    series = rollout_series(history)
    assert [r.record()["maxTotal"] for r in series.revisions] == [0]
    assert rollout_chart(series).png()


def test_a_fork_says_from_where_on_it_predicts() -> None:
    history = lab("ch09-rolling-update")
    assert rollout_series(history).seam is None
    history.predicted_from = 17.0
    series = rollout_series(history)
    assert "from 17.0 s on predicted" in rollout_text(series)
    assert "predicted from here" in rollout_chart(series).svg()
    assert by_revision(series)[0].seam is None
