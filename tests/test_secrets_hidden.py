"""A Secret's value is in no output unless somebody asked for it: a planted marker, searched for everywhere."""

import base64
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from k8sviz.diagrams.stories.access import access
from k8sviz.diagrams.stories.config import config
from k8sviz.diagrams.stories.downward import downward
from k8sviz.diagrams.timelines.updates import updates
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.kinds import Ref
from k8sviz.observed import received
from k8sviz.predict.container import inspect, users
from k8sviz.render.charts.updates import update_chart
from k8sviz.render.picture import FORMATS, Picture, render
from k8sviz.views.frames import film, pack
from k8sviz.views.inspector import inspector

MARKER = "hunter2marker"
CHANGED = "swordfish9mark"
FORMS = [form for word in (MARKER, CHANGED) for form in (word, base64.b64encode(word.encode()).decode(), word[:-1])]
POD = Ref("Pod", "keeper", "demo")
SECRET = Ref("Secret", "vault", "demo")


def secret(value: str) -> dict[str, Any]:
    return {
        "kind": "Secret",
        "apiVersion": "v1",
        "metadata": {"name": "vault", "namespace": "demo"},
        "data": {"pin": base64.b64encode(value.encode()).decode()},
        "stringData": {"plain": value},
    }


def ref_to(key: str) -> dict[str, Any]:
    return {"secretKeyRef": {"name": "vault", "key": key}}


def keeper(running: bool) -> dict[str, Any]:
    """A Pod that uses the Secret in every way in which a value could slip out."""
    env = [
        {"name": "PIN", "valueFrom": ref_to("pin")},
        {"name": "URL", "value": "db://me:$(PIN)@host"},
        {"name": "AGAIN", "value": "$(URL)/x"},
        {"name": "AGAIN", "value": "harmless"},
        {"name": "PLAIN", "valueFrom": ref_to("plain")},
        {"name": "KUBERNETES_SERVICE_HOST", "valueFrom": ref_to("pin")},
        {"name": "TWICE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "TWICE", "valueFrom": ref_to("pin")},
    ]
    main = {
        "name": "main",
        "image": "busybox",
        "command": ["sh", "-c", "serve $(PIN)"],
        "args": ["$(AGAIN)", "$(FROM_pin)"],
        "env": env,
        "envFrom": [{"prefix": "FROM_", "secretRef": {"name": "vault"}}],
        "volumeMounts": [
            {"name": "whole", "mountPath": "/whole"},
            {"name": "whole", "mountPath": "/one", "subPath": "pin"},
            {"name": "all", "mountPath": "/all"},
            {"name": "items", "mountPath": "/expr", "subPathExpr": "$(PIN)"},
            {"name": "data", "mountPath": "/data", "subPathExpr": "../$(PIN)" if not running else "x$(PIN)"},
        ],
    }
    volumes = [
        {"name": "whole", "secret": {"secretName": "vault"}},
        {"name": "all", "projected": {"sources": [{"secret": {"name": "vault"}}]}},
        {"name": "items", "secret": {"secretName": "vault", "items": [{"key": "pin", "path": "p"}]}},
        {"name": "data", "emptyDir": {}},
    ]
    state = {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:02Z"}}}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": "keeper", "namespace": "demo", "uid": "1"},
        "spec": {"containers": [main], "volumes": volumes, "imagePullSecrets": [{"name": "vault"}]},
        "status": {"phase": "Running", "containerStatuses": [state]} if running else {"phase": "Pending"},
    }


@pytest.fixture(scope="module", params=[True, False], ids=["running", "waiting"])
def history(request: pytest.FixtureRequest) -> History:
    made = History(About(name="planted", namespace="demo", started_at="2026-01-01T00:00:00Z"))
    made.append(0.0, "ADDED", secret(MARKER))
    made.append(1.0, "ADDED", keeper(False))
    if request.param:
        made.append(3.0, "MODIFIED", keeper(True))
    for t, command, shown in (
        (4.0, "kubectl exec keeper -- env", f"PIN={MARKER}\nURL=db://me:{MARKER}@host\n"),
        (5.0, "kubectl exec keeper -- cat /whole/pin", MARKER),
    ):
        made.begin_step(Step(t, f"look-{t:g}", command))
        made.end_step(f"look-{t:g}", Result(t + 0.5, 0, shown))
    made.append(8.0, "MODIFIED", secret(CHANGED))
    made.begin_step(Step(9.0, "again", "kubectl exec keeper -- cat /whole/pin"))
    made.end_step("again", Result(9.5, 0, CHANGED))
    return made


def found_in(words: object) -> list[str]:
    shown = words if isinstance(words, str) else repr(words)
    return [form for form in FORMS if form in shown]


TIMES = (2.0, 6.0, 8.5, 10.0)


def outputs(history: History, *, show: bool = False) -> Iterator[tuple[str, str]]:
    """Every form in which these rooms say anything, by name."""
    for t in TIMES:
        snapshot = history.at(t)
        stories: dict[str, Callable[[], Any]] = {
            "config": partial(config, snapshot, history=history, token=True, show_secrets=show),
            "config now": partial(config, snapshot, show_secrets=show),
            "config pod": partial(config, snapshot, POD, history=history, show_secrets=show),
            "config key": partial(config, snapshot, SECRET, key="pin", history=history, show_secrets=show),
            "downward": partial(downward, snapshot, history=history),
            "access": partial(access, snapshot, history=history),
        }
        for name, story in stories.items():
            diagram = story()
            yield f"{name} at {t} repr", repr(diagram)
            for format_ in (f for f in FORMATS if f != "png"):
                yield f"{name} at {t} {format_}", str(render(diagram, format_))
            yield f"{name} at {t} picture", repr(Picture(diagram)) + str(Picture(diagram)._repr_mimebundle_())
        inspection = inspect(history, t, POD, show_secrets=show)
        yield f"inspect {t}", str(inspection)
        yield f"inspect {t} repr", repr(inspection)
        yield f"inspect {t} json", json.dumps(inspection.to_json())
        if not show:
            yield f"received {t} repr", repr(received(history, t, POD, "main"))
            yield f"sightings {t} repr", repr(received(history, t, POD, "main").seen)
        widget = inspector(history, POD, t, show_secrets=show)
        yield f"widget {t}", repr(widget) + str(widget) + json.dumps(widget.content)
        yield f"widget {t} state", repr(widget.get_state())
        yield f"widget {t} bundle", repr(widget._repr_mimebundle_())
        for key in ("", "pin"):
            yield (
                f"users {t} {key}",
                str(users(snapshot, SECRET, key)) + json.dumps(users(snapshot, SECRET, key).to_json()),
            )
            yield f"users {t} {key} repr", repr(users(snapshot, SECRET, key))
    changes = updates(history, POD, show_secrets=show)
    yield "updates", str(changes) + repr(changes)
    chart = update_chart(changes)
    yield "chart", str(chart) + repr(chart) + chart.alt + chart.svg()
    yield "repr", repr(history) + repr(history.at())


def test_the_marker_is_nowhere(history: History) -> None:
    leaks = {name: found_in(words) for name, words in outputs(history)}
    assert {name: forms for name, forms in leaks.items() if forms} == {}


def test_the_search_would_find_it(history: History) -> None:
    """Asked for, the values are shown: the test above looks in the right places."""
    shown = {name.split(" ")[0] for name, words in outputs(history, show=True) if MARKER in words}
    assert {"config", "inspect", "widget"} <= shown


def test_players_carry_no_value(history: History) -> None:
    made = film(history, partial(config, history=history))
    payload = made.payload()
    assert found_in(json.dumps(payload)) == []
    assert found_in(made.still()) == []
    assert pack(payload)


@pytest.mark.parametrize(
    "fails",
    [
        lambda history: config(history.at(), SECRET, key="pim"),
        lambda history: config(history.at(), Ref("Secret", "vaul", "demo")),
        lambda history: inspect(history, None, POD, "mian"),
        lambda history: inspect(history, 0.5, POD),
        lambda history: updates(history, Ref("Pod", "keeped", "demo")),
    ],
)
def test_errors_carry_no_value(history: History, fails: Callable[[History], object]) -> None:
    with pytest.raises(K8svizError) as raised:
        fails(history)
    assert found_in(str(raised.value) + repr(raised.value)) == []


def test_sizes_are_told(history: History) -> None:
    diagram = config(history.at(6.0), history=history)
    assert f"••• {len(MARKER)} bytes, hidden" in {fact for node in diagram.nodes for fact in node.facts}
    pin = next(v for v in inspect(history, 6.0, POD).variables if v.name == "PIN")
    assert (pin.value, pin.size, pin.hidden) == (None, len(MARKER), True)


def test_what_is_made_of_a_secret_is_hidden_too(history: History) -> None:
    found = inspect(history, 6.0, POD)
    values = {v.name: (v.value, v.hidden) for v in found.variables}
    for name in ("PIN", "URL", "AGAIN", "PLAIN", "FROM_pin", "FROM_plain"):
        assert values[name] == (None, True)
    assert all(word.hidden for word in found.words if "$(" in word.written)


def test_redacted_recordings_say_so() -> None:
    made = History(About(namespace="demo", secret_values="redacted"))
    for obj in (secret("placeholder"), keeper(False)):
        made.append(0.0, "ADDED", obj)
    facts = {fact for node in config(made.at()).nodes if node.kind == "Key" for fact in node.facts}
    assert facts == {"value not recorded"}
    assert "placeholders" in str(inspect(made, None, POD))
