"""Lives on a time axis: the same states as the fold's, told and drawn without a gap, a lie or a warning."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8sviz.diagrams.timelines.lives import Life, Lives, Row, lives, lives_text
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Step
from k8sviz.kinds import Ref
from k8sviz.render.charts import Chart
from k8sviz.render.charts.lives import lives_chart
from k8sviz.render.charts.sheet import Text, inches
from k8sviz.render.charts.timeline import spread
from k8sviz.render.palette import DARK, LIGHT
from k8sviz.sources import recording

DATA = Path(__file__).parent.parent / "data" / "labs"
LABS = sorted(p.parent.name for p in DATA.glob("*/recording.jsonl"))
KINDS = ("PersistentVolume", "PersistentVolumeClaim", "Pod")


def told(lab: str, **options: Any) -> Lives:
    return lives(recording.read(DATA / lab / "recording.jsonl"), **options)


def naive_fold(lab: str) -> Iterator[tuple[float, float, dict[tuple[str, str, str], dict[str, Any]]]]:
    """For each time between two changes: from, until, and the objects there, computed from the file alone."""
    lines = [json.loads(line) for line in (DATA / lab / "recording.jsonl").read_text("utf-8").splitlines()[1:]]
    end = max(line["t"] for line in lines)
    events = sorted((line for line in lines if "object" in line), key=lambda line: line["t"])
    there: dict[tuple[str, str, str], dict[str, Any]] = {}
    for i, event in enumerate(events):
        meta = event["object"]["metadata"]
        key = (event["object"]["kind"], meta.get("namespace", ""), meta["name"])
        if event["type"] == "DELETED":
            there.pop(key, None)
        else:
            there[key] = event["object"]
        until = events[i + 1]["t"] if i + 1 < len(events) else end
        if until > event["t"]:
            yield event["t"], until, there


def phase(obj: dict[str, Any]) -> str:
    return "Terminating" if "deletionTimestamp" in obj["metadata"] else obj["status"]["phase"]


def state(pod: dict[str, Any], container: str) -> str | None:
    for part in ("initContainerStatuses", "containerStatuses"):
        for status in pod["status"].get(part, ()):
            if status["name"] == container:
                (word,) = status["state"]
                return str(word).capitalize()
    return None


def during(row: Row, t: float) -> str | None:
    """The phase that a row tells for a time that is no border."""
    found = [span.phase for life in row.lives for span in life.spans if span.start < t < span.end]
    assert len(found) <= 1
    return found[0] if found else None


@pytest.mark.parametrize("lab", LABS)
def test_every_phase_is_the_folds(lab: str) -> None:
    lived = told(lab)
    objects = {(r.ref.kind, r.ref.namespace, r.ref.name): r for r in lived.rows if not r.container}
    inner = [r for r in lived.rows if r.container]
    for since, until, there in naive_fold(lab):
        t = (since + until) / 2
        assert {key for key in there if key[0] in KINDS} <= set(objects)
        for key, row in objects.items():
            assert during(row, t) == (phase(there[key]) if key in there else None)
        for row in inner:
            pod = there.get((row.ref.kind, row.ref.namespace, row.ref.name))
            assert during(row, t) == (state(pod, row.container) if pod else None)


@pytest.mark.parametrize("lab", LABS)
def test_spans_tile_each_life(lab: str) -> None:
    lived = told(lab)
    for row in lived.rows:
        assert row.lives or row.container
        for life in row.lives:
            assert_tiled(life)
            assert 0 <= life.start <= life.end <= lived.end
            assert life.gone or life.end == lived.end
        for before, after in pairwise(row.lives):
            assert before.gone
            assert before.end <= after.start


def assert_tiled(life: Life) -> None:
    assert life.spans
    for before, after in pairwise(life.spans):
        assert before.end == after.start
        assert (before.phase, before.level, before.detail) != (after.phase, after.level, after.detail)
    assert len(life.spans) == 1 or all(span.start < span.end for span in life.spans)


@pytest.mark.parametrize("lab", LABS)
def test_restarts_are_those_that_the_kubelet_counted(lab: str) -> None:
    last: dict[tuple[str, str], dict[str, int]] = {}
    for _, _, there in naive_fold(lab):
        for (kind, _, name), pod in there.items():
            for part in ("initContainerStatuses", "containerStatuses"):
                for status in pod["status"].get(part, ()) if kind == "Pod" else ():
                    last.setdefault((name, status["name"]), {})[pod["metadata"]["uid"]] = status["restartCount"]
    # a Pod of the same name begins to count again
    expected = {key: sum(counts.values()) for key, counts in last.items() if any(counts.values())}
    found = {(r.ref.name, r.container): len(r.restarts) for r in told(lab).rows if r.restarts}
    assert found == expected


def test_the_life_of_a_volume_as_the_course_tells_it() -> None:
    lived = told("ch06-static-binding")
    volume, claim, pod, container = lived.rows
    assert [span.phase for span in volume.lives[0].spans] == [
        "Pending",
        "Available",
        "Bound",
        "Released",
        "Available",
        "Bound",
        "Released",
        "Terminating",
    ]
    assert [[span.phase for span in life.spans] for life in claim.lives] == [["Pending", "Bound", "Terminating"]] * 2
    assert len(pod.lives) == 2
    assert (container.container, len(container.lives)) == ("main", 1)
    # the claim in use waits for its Pod, and the volume outlives both
    assert claim.lives[0].spans[-1].start < pod.lives[1].end <= claim.lives[0].end < volume.lives[0].end
    assert [(link.relation, round(link.t)) for link in lived.links] == [("binds", 23), ("uses", 32), ("binds", 53)]
    assert [tick.id for tick in lived.ticks][:3] == ["apply-local-without-affinity", "apply-pvc", "pvc-pending"]


def test_a_restart_has_its_count_and_exit_code() -> None:
    (row,) = [r for r in told("ch06-emptydir").rows if r.restarts]
    assert (row.container, [(r.count, r.exit_code) for r in row.restarts]) == ("html-generator", [(1, 1)])
    levels = [(span.phase, span.level) for span in row.lives[0].spans]
    assert ("Terminated", "bad") in levels
    assert levels[-1] == ("Terminated", "ending")  # exit 137, but because it was told to stop


@pytest.mark.parametrize("lab", LABS)
def test_the_words_name_every_object_and_step(lab: str) -> None:
    lived = told(lab)
    words = lives_text(lived)
    for row in lived.rows:
        assert f"{row.ref.kind} {row.ref.name}" in words
        assert not row.container or row.container in words
    for tick in lived.ticks:
        assert tick.id in words
    for span in (span for row in lived.rows for life in row.lives for span in life.spans):
        assert f"{span.start:.1f} s {span.phase}" in words


@pytest.mark.parametrize("lab", LABS)
def test_a_chart_is_drawn_without_a_warning(lab: str, caplog: pytest.LogCaptureFixture) -> None:
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        drawn = lives_chart(told(lab)).png()
    assert drawn.startswith(b"\x89PNG")
    assert len(drawn) < 600_000
    assert not caplog.records


def test_a_chart_shows_itself_with_the_same_in_words(tmp_path: Path) -> None:
    lived = told("ch06-static-binding")
    chart = lives_chart(lived)
    data, metadata = chart._repr_mimebundle_()
    assert data["text/plain"] == lives_text(lived) == str(chart)
    assert "pv/demo-pv" in metadata["image/svg+xml"]["alt"]
    again = lives_chart(told("ch06-static-binding"))
    assert chart.svg() == again.svg()
    assert chart.png() == again.png()
    assert chart.svg().startswith("<svg")
    assert chart.alt in chart.svg()
    assert [chart.save(tmp_path / f"x.{kind}").stat().st_size > 5000 for kind in ("png", "svg", "pdf")] == [True] * 3
    with pytest.raises(K8svizError, match=r"\.png, \.svg or \.pdf"):
        chart.save(tmp_path / "x.gif")
    with pytest.raises(K8svizError, match="cannot write"):
        chart.save(tmp_path / "none" / "x.png")


def test_a_chart_is_svg_without_matplotlib_and_a_figure_without_pyplot() -> None:
    code = """if True:
        import sys
        from k8sviz.diagrams.timelines.lives import lives
        assert "matplotlib" not in sys.modules
        from k8sviz.history import History
        from k8sviz.render.charts.lives import lives_chart
        chart = lives_chart(lives(History()))
        chart.svg()
        assert "matplotlib" not in sys.modules
        chart.pdf()
        assert "matplotlib.pyplot" not in sys.modules
    """
    subprocess.run([sys.executable, "-c", code], check=True)


def pod(name: str, phase: str = "Running", restarts: int = 0, uid: str = "u", **meta: Any) -> dict[str, Any]:
    status = {"name": "main", "restartCount": restarts, "state": {"running": {}}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "demo", "uid": uid, **meta},
        "spec": {"containers": [{"name": "main"}]},
        "status": {"phase": phase, "containerStatuses": [status] if phase == "Running" else []},
    }


def test_names_of_any_script_and_sign_are_drawn() -> None:
    history = History(About(name="x", title="卷的一生 $x_1$ <b>&\u202e 😀 \U0001f9ff"))
    history.append(0.0, "ADDED", pod("名字-$a^2$-<&>-" + "x" * 200))
    history.append(5.0, "MODIFIED", pod("名字-$a^2$-<&>-" + "x" * 200, phase="待定\n$\\frac"))
    history.begin_step(Step(1.0, "步骤-$1$-" + "y" * 100, "ls"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chart = lives_chart(lives(history))
        chart.png()
        assert "\u202e" not in chart.svg()


def test_empty_and_still_histories_are_drawn() -> None:
    assert "Nothing of these kinds" in str(lives_chart(lives(History())))
    still = lives(History.of([pod("a")]))
    assert [life.gone for life in still.rows[0].lives] == [False]
    assert_tiled(still.rows[0].lives[0])
    assert lives_chart(still).png()


def test_a_new_object_of_the_same_name_is_a_new_life_even_unseen() -> None:
    history = History()
    for t, uid in ((0.0, "a"), (1.0, "a"), (2.0, "b"), (3.0, "c")):
        history.append(t, "MODIFIED", pod("x", uid=uid))
    history.append(4.0, "DELETED", pod("x", uid="c"))
    row = lives(history).rows[0]
    assert [(life.start, life.end, life.gone) for life in row.lives] == [(0, 2, True), (2, 3, True), (3, 4, True)]


def test_namespaces_and_kinds_are_chosen_as_kubectl_names_them() -> None:
    history = History()
    history.append(0.0, "ADDED", {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "v"}})
    history.append(1.0, "ADDED", pod("a"))
    history.append(2.0, "ADDED", pod("b", namespace="other", uid="v"))
    assert [r.ref for r in lives(history, ("po", "pv"), containers=False, namespace="other").rows] == [
        Ref("Pod", "b", "other"),
        Ref("PersistentVolume", "v"),
    ]
    assert "demo/a" in lives_text(lives(history))
    with pytest.raises(K8svizError, match="unknown kind"):
        lives(history, ("pots",))


def test_many_rows_are_cut_and_said_to_be() -> None:
    history = History()
    for i in range(300):
        history.append(i / 10, "ADDED", pod(f"p{i}", uid=str(i)))
        history.begin_step(Step(i / 10, f"s{i}", "ls"))
    lived = lives(history)
    began = time.process_time()
    chart = lives_chart(lived)
    chart.png()
    assert time.process_time() - began < 10
    assert chart.sheet.height < 50
    assert "Pod p299" in chart.words
    assert "300 s299" in chart.words
    assert all(f"Pod p{i}" in chart.words for i in range(300))


def test_hours_have_a_clock() -> None:
    history = History()
    history.append(0.0, "ADDED", pod("a"))
    history.append(40_000.0, "MODIFIED", pod("a", restarts=7))
    chart = lives_chart(lives(history))
    assert "h:mm:ss" in chart.svg()
    assert ">2:00:00<" in chart.svg()


def test_a_chart_has_the_same_shapes_in_both_themes_and_no_dark_ink_on_a_dark_card() -> None:
    chart = lives_chart(told("ch06-static-binding"))
    light, dark = chart.svg(), chart.svg(theme="dark")
    assert light != dark
    assert light.count("<text") == dark.count("<text") == chart.svg(theme="auto").count("<text")
    assert f"fill:{DARK.text}" in dark
    assert LIGHT.text not in dark
    assert f"[data-jp-theme-light=false] .kc-auto .kc-f-text-100{{fill:{DARK.text}}}" in chart.svg(theme="auto")


@pytest.mark.parametrize("lab", LABS)
def test_nothing_of_a_chart_lies_outside_its_sheet(lab: str) -> None:
    sheet = lives_chart(told(lab)).sheet
    for shape in sheet.shapes:
        if isinstance(shape, Text):
            width = inches(shape.text, shape.size, bold=shape.bold)
            left = shape.x - {"start": 0, "middle": width / 2, "end": width}[shape.anchor]
            assert left >= 0, shape
            assert left + width <= sheet.width, shape
            assert 0 <= shape.y <= sheet.height, shape


changes = st.lists(
    st.tuples(
        st.integers(0, 20),
        st.sampled_from(["ADDED", "MODIFIED", "DELETED"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["u", "v"]),
        st.sampled_from(["Pending", "Running", "Failed"]),
        st.integers(0, 3),
    ),
    max_size=20,
)


@given(changes)
@settings(max_examples=150, deadline=None)
def test_any_history_is_tiled_and_equals_its_fold(rows: list[tuple[Any, ...]]) -> None:
    history = History()
    for t, change, name, uid, phase, restarts in rows:
        history.append(t, change, pod(name, phase=phase, uid=uid, restarts=restarts))
    lived = lives(history)
    for row in lived.rows:
        for life in row.lives:
            assert_tiled(life)
    for row in (r for r in lived.rows if not r.container):
        for t in range(20):
            obj = history.at(t + 0.5).find(row.ref) if t + 0.5 < history.end else None
            assert during(row, t + 0.5) == (obj["status"]["phase"] if obj else None)
    lives_text(lived)


@given(st.lists(st.floats(0, 10), max_size=30).map(sorted), st.floats(0.1, 2))
def test_spread_keeps_order_distance_and_borders(wanted: list[float], gap: float) -> None:
    places = spread(wanted, gap, 0.0, 10.0)
    wide = min(gap, 10 / max(len(wanted) - 1, 1))
    assert len(places) == len(wanted)
    assert all(b - a >= wide - 1e-4 for a, b in pairwise(places))
    assert all(-1e-4 <= place <= 10 + 1e-4 for place in places)


def test_a_chart_says_what_it_is() -> None:
    assert repr(Chart(lives_chart(lives(History())).sheet, "words", "alt")) == "<Chart: alt>"
