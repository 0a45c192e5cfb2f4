# ruff: noqa: PT017 - an error is one of two right answers
"""What is fuzzed: each target takes one input to its end.

A K8svizError of one line is a right answer; any other exception is not.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import functools
import io
import json
import random
import re
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import k8sviz
from k8sviz.diagrams import story
from k8sviz.errors import K8svizError
from k8sviz.history import About, History, Result, Step
from k8sviz.kinds import Ref
from k8sviz.render.picture import render
from k8sviz.stories import STORIES
from tests.fuzz import made

_SCRIPTING = re.compile(r"^(on|href$|xlink:href$|src$)")
_RAW = re.compile(r"<\s*(script|img|svg onload|b>)", re.IGNORECASE)


def manifests(chance: random.Random) -> None:
    """Any text as a manifest."""
    from k8sviz.sources.manifests import parse

    History.of(parse(made.text(chance))).at().objects()


def check(chance: random.Random) -> None:
    """Any text, judged as the API server would."""
    from k8sviz.validate import check_text

    report = check_text(made.text(chance))
    str(report)
    json.dumps(report.to_json())


def check_objects(chance: random.Random) -> None:
    """Broken objects, judged."""
    from k8sviz.validate import check_text

    str(check_text("\n---\n".join(made.as_json(one) for one in made.objects(chance))))


def recordings(chance: random.Random) -> None:
    """A broken recording, and every question that it may be asked."""
    from k8sviz.sources import recording

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.jsonl"
        file.write_bytes(made.recording(chance))
        found = recording.read(file)
        for t in found.times()[:3]:
            _asked(found.at(t))
        recording.write(found, Path(folder) / "y.jsonl")
        assert len(recording.read(Path(folder) / "y.jsonl")) == len(found)


def _asked(snapshot: Any) -> None:
    for obj in snapshot.objects():
        snapshot.owner(obj)
        snapshot.owned(obj)
        snapshot.events(obj)


def history(chance: random.Random) -> History:
    """A History with clocks that go back, and some steps."""
    found = History(About(made.word(chance), made.word(chance), chance.choice(("demo", "", made.word(chance)))))
    for t, kind, obj in made.events(chance):
        found.append(t, kind, obj)  # type: ignore[arg-type]
    for i in range(chance.randrange(3)):
        name = chance.choice((f"s{i}", made.word(chance)))
        files = {made.word(chance): made.word(chance)}
        found.begin_step(Step(chance.uniform(-1, found.end + 1), name, made.word(chance), files, made.word(chance)))
        if chance.random() < 0.8:
            said = Result(chance.uniform(0, found.end + 1), chance.choice((0, 1)), made.word(chance), made.word(chance))
            found.end_step(name, said)
    found.partial = chance.random() < 0.3
    return found


def _focus(found: History, chance: random.Random) -> Ref | None:
    refs = found.refs()
    return chance.choice(refs) if refs and chance.random() < 0.4 else None


def _story(name: str) -> Callable[[random.Random], None]:
    def target(chance: random.Random) -> None:
        found = history(chance)
        snapshot = found.at(chance.choice((None, 0.0, found.end / 2)))
        diagram = story(name, found)(snapshot, _focus(found, chance))
        everything(diagram, chance)

    return target


def everything(diagram: Any, chance: random.Random) -> None:
    """Every form of a Diagram; no word in it becomes markup."""
    svg = render(diagram, "svg", theme=chance.choice(("light", "dark")))
    assert isinstance(svg, str)
    safe_svg(svg)
    words = render(diagram, "text")
    assert isinstance(words, str)
    assert not any(c in words for c in "\x00\x1b\u202e\u2066")
    mermaid = render(diagram, "mermaid")
    assert isinstance(mermaid, str)
    assert not _RAW.search(mermaid)
    assert not re.search(r"^\s*(click|href|style|%%)", re.sub(r'"[^"]*"', "", mermaid), re.MULTILINE)
    assert isinstance(render(diagram, "dot"), str)
    if chance.random() < 0.05:
        assert bytes(render(diagram, "png"))[:4] == b"\x89PNG"  # type: ignore[arg-type]
    json.dumps([getattr(diagram, part) for part in ("title", "notes")])


def safe_svg(svg: str) -> None:
    """It is XML, and holds only elements and attributes that run nothing."""
    for element in ET.fromstring(svg).iter():
        tag = element.tag.rpartition("}")[2]
        assert tag in {"svg", "title", "desc", "style", "rect", "text", "g", "path", "circle"}, tag
        assert not any(_SCRIPTING.search(name) for name in element.attrib), element.attrib


def why(chance: random.Random) -> None:
    """The cause of every object's state, and of every step."""
    found = history(chance)
    subjects: list[Any] = [*found.refs()[:6], *(s.id for s in found.steps)]
    for one in subjects:
        try:
            because = k8sviz.why(one, found)
            str(because)
            json.dumps(because.explanation.to_json())
            safe_html(because._repr_mimebundle_())
        except K8svizError as error:
            assert "\n" not in str(error)


def safe_html(bundle: Any) -> None:
    """A mime bundle whose HTML holds no element of the input's."""
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert not _RAW.search(data.get("text/html", ""))


def predictions(chance: random.Random) -> None:
    """Binding, environment and files of broken manifests."""
    from k8sviz.predict import predict_binding, predict_environment, predict_files
    from k8sviz.predict.text import binding_text, environment_text, files_text

    objects = made.objects(chance)
    for predict, words in (
        (predict_binding, binding_text),
        (predict_environment, environment_text),
        (predict_files, files_text),
    ):
        told: Any = predict(objects)
        words(told)
        json.dumps(told.to_json())


def rollouts(chance: random.Random) -> None:
    """Predicted rollouts from one broken version to the next."""
    from k8sviz.predict.rollout import predict_rollout, rollout_prediction_text

    first = made.objects(chance)
    rollout_prediction_text(predict_rollout(first, first if chance.random() < 0.5 else made.objects(chance)))


def statefulsets(chance: random.Random) -> None:
    """Predicted StatefulSets."""
    from k8sviz.predict.statefulset import Action, predict_statefulset, stateful_prediction_text

    first = made.objects(chance)
    stateful_prediction_text(predict_statefulset(first, [Action("apply", made.objects(chance))]))


def inspect(chance: random.Random) -> None:
    """What containers get, and who uses what."""
    found = history(chance)
    for ref in found.refs()[:6]:
        try:
            if ref.kind in ("ConfigMap", "Secret"):
                str(k8sviz.users(f"{ref.kind.lower()}/{ref.name}", found))
            elif ref.kind == "Pod":
                shown = k8sviz.inspect(ref, found)
                [str(one) for one in shown.inspections]
                json.dumps([one.to_json() for one in shown.inspections])
        except K8svizError as error:
            assert "\n" not in str(error)


def player(chance: random.Random) -> None:
    """A film of any story, its payload and its page."""
    from k8sviz.show import told
    from k8sviz.views.frames import film, pack
    from k8sviz.views.page import film_page

    found = history(chance)
    made_film = film(found, told(chance.choice(list(STORIES)), found))
    page = film_page(made_film, title=found.about.title)
    safe_page(page)
    assert pack(made_film.payload() if hasattr(made_film, "payload") else {})


class _Tags(HTMLParser):
    """The elements of a page that run or load something."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "img", "iframe", "object", "embed", "link", "base", "form"):
            self.found.append(tag)
        self.found += [name for name, _ in attrs if _SCRIPTING.search(name)]


@functools.cache
def _tags_of_any_page() -> list[str]:
    return _tags(film_page_of(History()))


def _tags(page: str) -> list[str]:
    parser = _Tags()
    parser.feed(page)
    return parser.found


def film_page_of(found: History) -> str:
    """A film of nothing much."""
    from k8sviz.show import told
    from k8sviz.views.frames import film
    from k8sviz.views.page import film_page

    return film_page(film(found, told("overview", found)), title="x")


def safe_page(page: str) -> None:
    """Nothing runs in it but what runs in a page about nothing."""
    assert _tags(page) == _tags_of_any_page(), _tags(page)


def charts(chance: random.Random) -> None:
    """Lives and rollouts over time, as words and as a picture."""
    found = history(chance)
    for drawn in (lambda: k8sviz.lives(found), lambda: k8sviz.chart(found)):
        try:
            chart = drawn()
            str(chart)
            if chance.random() < 0.1:
                with tempfile.TemporaryDirectory() as folder:
                    chart.save(Path(folder) / "x.svg")
        except K8svizError as error:
            assert "\n" not in str(error)


class _Server:
    """A cluster that answers with nonsense."""

    server = "https://nowhere"

    def __init__(self, chance: random.Random, end: Callable[[], None]) -> None:
        self.chance, self.end = chance, end

    def get(self, path: str, **query: Any) -> Any:
        page = {"metadata": {"resourceVersion": "1"}, "items": made.objects(self.chance, 4)}
        if self.chance.random() < 0.3:
            made._put([page], self.chance)
        return page

    def version(self) -> Any:
        return {"gitVersion": "v1.36.0"}

    def within(self, budget: Any) -> Any:
        return contextlib.nullcontext()

    def stream(self, path: str, **query: Any) -> Any:
        rows = [{"type": kind, "object": obj} for _, kind, obj in made.events(self.chance)]
        for row in rows:
            if self.chance.random() < 0.2:
                made._put([row], self.chance)
        lines = [made.as_json(row).encode() for row in rows]
        if lines and self.chance.random() < 0.3:
            lines[self.chance.randrange(len(lines))] = self.chance.choice(
                (b"{", b"[]", b"null", b"3", b"\xff", b'{"type":')
            )
        return _Stream(lines, self.end)


class _Stream(io.BytesIO):
    def __init__(self, lines: list[bytes], end: Callable[[], None]) -> None:
        super().__init__(b"\n".join(lines))
        self.end = end

    def close(self) -> None:
        super().close()
        self.end()


def watch(chance: random.Random) -> None:
    """Lists and watches of a cluster that answers with nonsense."""
    from k8sviz.sources.follow import Follower

    follower: Any = None
    server = _Server(chance, lambda: follower._closed.set())
    follower = Follower(server, "demo", kinds=("Pod", "Node", "ConfigMap"))
    follower._list_all()
    for feed in follower._feeds:
        follower._closed.clear()
        follower._follow(feed)
    _asked(follower.history.at())


def redaction(chance: random.Random) -> None:
    """A History with its secrets taken out holds none of them, wherever they stood."""
    from k8sviz.secrets.redact import redacted

    marker = chance.choice(("pLaNtEd5ecretMarker", "pLa 5ecret\n\"Marker'\\", "pLa5ecret\u4e2d&<Marker>=%"))
    encoded = base64.b64encode(f"x{marker}".encode()).decode()
    found = history(chance)
    said = json.dumps(marker) + encoded
    found.begin_step(Step(0.5, "x", said, {"x.yaml": made.text(chance) + marker}, said, Result(0.6, 0, said, marker)))
    planted = History(found.about)
    for event in found:
        obj = copy.deepcopy(event.object)
        shown = (id(obj), id(obj.get("metadata")))  # what makes it this object stays
        where = [(i, k) for i, k in made.places(obj) if id(i) not in shown and isinstance(i, dict)]
        for inside, key in chance.sample(where, min(2, len(where))):
            inside[key] = chance.choice((marker, f"{made.word(chance)} {said}", {marker: [marker]}))
        planted.append(event.t, event.type, obj)
    planted.append(
        0.5,
        "ADDED",
        {
            "kind": "Secret",
            "metadata": {"name": "s", "namespace": "demo"},
            "stringData": {made.word(chance): marker, "x": made.word(chance)},
        },
    )
    for step in found.steps:
        planted.begin_step(step)
    shared = redacted(planted)
    text = json.dumps([list(shared), list(shared.steps)], ensure_ascii=False)
    assert json.dumps(marker, ensure_ascii=False)[1:-1] not in text
    assert encoded[4:-4] not in text


def deep_json(chance: random.Random) -> None:
    """What msgspec and json read differently."""
    from k8sviz.sources.manifests import parse

    parse(
        made.as_json(
            {"apiVersion": "v1", "kind": made.word(chance) or "X", "metadata": {"name": "x"}, "spec": made.deep(chance)}
        )
    )


def large(chance: random.Random) -> None:
    """A megabyte where a word was expected, in every story's picture."""
    objects = made.objects(chance, 6)
    where = list(made.places(objects))
    for inside, key in chance.sample(where, min(3, len(where))):
        if inside is not objects:
            inside[key] = chance.choice(("x", "<", "a b ", "中", "\n", '"', "\u202e")) * (1 << chance.randrange(10, 20))
    found = History.of(o for o in objects if isinstance(o, dict))
    everything(story(chance.choice(list(STORIES)), found)(found.at()), chance)


def command_line(chance: random.Random) -> None:
    """A command with hostile words and a hostile file: its exit code, and one line on stderr."""
    from k8sviz.cli import main

    said, wrong = io.StringIO(), io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / chance.choice(("x.yaml", "x.jsonl", "x.json"))
        file.write_bytes(
            made.recording(chance) if chance.random() < 0.3 else made.text(chance).encode("utf-8", "replace")
        )
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(wrong):
            try:
                code = main(_arguments(str(file), chance))
            except SystemExit as stop:
                code = stop.code  # type: ignore[assignment]
    assert code in (0, 1, 2), code
    assert code != 2 or wrong.getvalue().count("\n") == 1, wrong.getvalue()


def _arguments(file: str, chance: random.Random) -> list[str]:
    words = made.WORDS
    focus = (
        [f"{chance.choice(('pod', 'pvc', 'cm', 'deploy', 'x'))}/{chance.choice(words)}"]
        if chance.random() < 0.4
        else []
    )
    source = ["-f", file] if not file.endswith("l") or chance.random() < 0.5 else [file]
    kind = chance.random()
    if kind < 0.5:
        more = [f"-l{chance.choice(words)}"] if chance.random() < 0.3 else []
        more += [f"--format={chance.choice(('svg', 'text', 'mermaid', 'dot', 'x'))}"] if chance.random() < 0.5 else []
        return ["draw", chance.choice(["overview", *STORIES]), *source, *focus, *more]
    if kind < 0.7:
        return [
            "why",
            *source,
            *(focus or ["pod/x"]),
            *([f"--at={chance.choice(words)}"] if chance.random() < 0.3 else []),
        ]
    if kind < 0.85:
        return ["inspect", *source, *(focus or ["pod/x"])]
    return [chance.choice(("check", "users")), *source, *focus]


def looks(chance: random.Random) -> None:
    """The HTML of a terminal and of the inspector."""
    from k8sviz.views.inspector import inspector_html
    from k8sviz.views.terminal import Terminal

    words = [made.word(chance) for _ in range(6)]
    shown = Terminal(words[0], files={words[1]: words[2]}, about=words[3], stdout=words[4], stderr=words[5])
    assert _tags(shown.html()) == [], _tags(shown.html())
    found = history(chance)
    for ref in [r for r in found.refs() if r.kind == "Pod"][:2]:
        try:
            html = inspector_html(k8sviz.inspect(ref, found).inspections)
        except K8svizError:
            continue
        assert not [tag for tag in _tags(html) if tag not in ("script",)], _tags(html)


def manifest_to_text(chance: random.Random) -> None:
    """A chain: manifests, what is predicted of them, its picture, its words."""
    from k8sviz.predict.rollout import predict_rollout

    objects = [one for one in made.objects(chance) if isinstance(one, dict)]
    with contextlib.suppress(K8svizError):
        predicted = predict_rollout(objects, objects).history
        everything(story("rollout", predicted)(predicted.at()), chance)


def recording_to_film(chance: random.Random) -> None:
    """A chain: a broken recording, without its values, as a film."""
    from k8sviz.secrets.redact import redacted
    from k8sviz.show import told
    from k8sviz.sources import recording
    from k8sviz.views.frames import film
    from k8sviz.views.page import film_page

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.jsonl"
        file.write_bytes(made.recording(chance))
        shared = redacted(recording.read(file))
    safe_page(film_page(film(shared, told(chance.choice(list(STORIES)), shared)), title=shared.about.title))


TARGETS: dict[str, Callable[[random.Random], None]] = {
    "manifests": manifests,
    "deep JSON": deep_json,
    "check": check,
    "check objects": check_objects,
    "recordings": recordings,
    "watch": watch,
    "manifest to text": manifest_to_text,
    "recording to film": recording_to_film,
    "redaction": redaction,
    "why": why,
    "predictions": predictions,
    "large": large,
    "command line": command_line,
    "terminal, inspector": looks,
    "rollouts": rollouts,
    "statefulsets": statefulsets,
    "inspect, users": inspect,
    "player": player,
    "charts": charts,
    **{f"story {name}": _story(name) for name in STORIES},
}


def one(name: str, number: int) -> None:
    """One input for one target: the same for the same number."""
    chance = random.Random(f"{name} {number}")
    try:
        TARGETS[name](chance)
    except K8svizError as error:
        assert "\n" not in str(error), "an error of several lines"


__all__ = ["TARGETS", "everything", "history", "one", "safe_svg"]
