"""The questions are sound, and what they call right is what the recorded clusters did."""

from __future__ import annotations

import functools
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from k8sviz.errors import K8svizError
from k8sviz.history import History
from k8sviz.kinds import parse_ref
from k8sviz.predict import predict_binding
from k8sviz.rules.rollout import DEFAULT_FENCEPOST, resolve_fenceposts
from k8sviz.sources import recording
from k8sviz.sources.labs import load_lab
from k8sviz.sources.questions import Question, Truth, load_question, question_ids, read_questions

DATA = Path(__file__).resolve().parents[1] / "data"
QUESTIONS = [load_question(question_id, DATA) for question_id in question_ids(DATA)]


@functools.cache
def history(lab: str) -> History:
    return recording.read(load_lab(lab, DATA).recording)


def value_at(obj: Any, path: str) -> Any:
    for word in path.split("."):
        if isinstance(obj, list):
            obj = obj[int(word)] if int(word) < len(obj) else None
        else:
            obj = (obj or {}).get(word)
    return obj


def recorded(truth: Truth) -> Any:
    it = history(truth.lab)
    obj = it.at(it.settled(truth.step)).find(parse_ref(truth.object, it.about.namespace))
    return value_at(obj, truth.path) if truth.path else obj


def said(truth: Truth) -> str:
    result = history(truth.lab).step(truth.step).result
    assert result is not None
    return result.stdout + result.stderr


def bare(text: str) -> str:
    return text.replace("`", "")


TRUTHS = [pytest.param(q, t, id=f"{q.id}-{i}") for q in QUESTIONS for i, t in enumerate(q.truth)]


@pytest.mark.parametrize(("question", "truth"), TRUTHS)
def test_the_right_answer_is_what_was_recorded(question: Question, truth: Truth) -> None:
    if truth.output_contains:
        assert truth.output_contains in said(truth)
    elif truth.output_lacks:
        assert truth.output_lacks not in said(truth)
    elif truth.absent:
        assert recorded(truth) is None
    else:
        value = str(recorded(truth))
        assert value == (truth.equals or bare(question.options[question.right].text))
        if not truth.equals:
            assert value not in [bare(o.text) for o in question.options if not o.right]


def test_fewest_modes_come_first_as_the_binder_does() -> None:
    """Not in a lab, but in the real cluster's answers that the prediction is tested on."""
    question = load_question("06-fewest-modes", DATA)
    spec = {"storageClassName": "", "volumeMode": "Filesystem"}
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "it"},
        "spec": spec | {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    rows = {"pv-small": ("2Gi", ["ReadWriteOnce", "ReadWriteMany"]), "pv-large": ("5Gi", ["ReadWriteOnce"])}
    volumes = [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": name},
            "spec": spec | {"capacity": {"storage": size}, "accessModes": modes},
        }
        for name, (size, modes) in rows.items()
    ]
    bound = predict_binding([*volumes, claim]).to_json()["bound"]
    assert list(bound.values()) == [bare(question.options[question.right].text)]


def test_percentages_are_rounded_as_the_controller_does() -> None:
    surge, unavailable = resolve_fenceposts(DEFAULT_FENCEPOST, DEFAULT_FENCEPOST, 3)
    question = load_question("09-percent", DATA)
    said_so = f"At most {3 + surge} Pods, at least {3 - unavailable} available."
    assert question.options[question.right].text == said_so


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_every_option_teaches_in_a_few_words(question: Question) -> None:
    for option in question.options:
        assert 20 <= len(option.why) <= 260, option.why
        assert len(option.text) <= 140, option.text
        assert option.why.endswith((".", "!", "?"))
    assert len(question.prompt) <= 300
    assert len({option.why for option in question.options}) == len(question.options)


def test_the_right_answer_has_no_favourite_place() -> None:
    places = [q.right for q in QUESTIONS]
    for place in (0, 1, 2):
        assert places.count(place) >= len(places) / 8, places
    assert max(places.count(p) for p in set(places)) <= len(places) * 0.6


def test_the_right_answer_is_not_simply_the_longest() -> None:
    longest = [max(range(len(q.options)), key=lambda i: len(q.options[i].text)) == q.right for q in QUESTIONS]
    assert sum(longest) <= len(longest) * 0.6


# -- what reading refuses --------------------------------------------------------------------------

SOUND = """
[[question]]
id = "06-x"
prompt = "One or two?"
[[question.option]]
text = "one"
why = "Because it is."
right = true
[[question.option]]
text = "two"
why = "Because it is not."
"""


def written(folder: Path, text: str, name: str = "06-test.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_sound_file_is_read(tmp_path: Path) -> None:
    (question,) = read_questions(written(tmp_path, SOUND))
    assert (question.id, question.right, question.kind, question.code) == ("06-x", 0, "predict", "")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('id = "06-x"', 'id = "07-x"', "06-x|its id is not 06-"),
        ('id = "06-x"', 'id = "06-X y"', "its id is not 06-"),
        ('id = "06-x"', "", r"question \(without id\): id is missing"),
        ('prompt = "One or two?"', 'prompt = " "', "question 06-x: prompt is empty"),
        ('prompt = "One or two?"', 'prompt = "One `or two?"', "a backtick in prompt is not closed"),
        ('prompt = "One or two?"', 'promt = "One or two?"', "unknown key 'promt'; did you mean prompt"),
        ('why = "Because it is not."', "", "why is missing"),
        ("right = true", "", "not exactly one option has right"),
        ("right = true", "right = 1", "right is not true or false"),
        ('text = "two"', 'text = "one"', "the option 'one' is there twice"),
        ("[[question]]", 'kind = "riddle"\n[[question]]', "kind 'riddle' is neither predict nor recall"),
        ("[[question]]", "[[questions]]", r"no \[\[question\]\] in it"),
        ("[[question]]", "[[question]", "not TOML"),
        ("[[question.option]]", "[question.option]", "not TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    with pytest.raises(K8svizError, match=message):
        read_questions(written(tmp_path, SOUND.replace(old, new)))


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        ('lab = "a"\nstep = "b"', "looks at one of"),
        ('lab = "a"\nobject = "pod/x"', "step is missing"),
        ('lab = "a"\nstep = "b"\nobject = "pod/x"', "neither path nor absent"),
        ('lab = "a"\nstep = "b"\nobject = "pod/x"\npath = "y"\noutput_contains = "z"', "looks at one of"),
    ],
)
def test_a_truth_that_settles_nothing_is_refused(tmp_path: Path, truth: str, message: str) -> None:
    with pytest.raises(K8svizError, match=message):
        read_questions(written(tmp_path, f"{SOUND}\n[[question.truth]]\n{truth}\n"))


def test_an_id_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(K8svizError, match="two questions '06-x'"):
        read_questions(written(tmp_path, SOUND + SOUND))


def test_a_miss_names_the_nearest() -> None:
    with pytest.raises(K8svizError, match="no question '06-smalest'; did you mean 06-smallest"):
        load_question("06-smalest", DATA)
    with pytest.raises(K8svizError, match="no question 'smallest'"):
        load_question("smallest", DATA)
    with pytest.raises(K8svizError, match="no questions in 'fr'"):
        load_question("06-smallest", DATA, language="fr")


# -- as a widget, and where nothing runs -----------------------------------------------------------


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.id)
def test_places_without_scripts_get_question_options_and_a_folded_answer(question: Question) -> None:
    from k8sviz.views.quiz import Quiz

    data, _ = Quiz(question)._repr_mimebundle_()
    html, plain = data["text/html"], data["text/plain"]
    tags = Tags()
    tags.feed(html)
    assert not tags.open
    words = " ".join("".join(tags.words).split())
    assert bare(question.prompt) in words
    before, answer = html.split("<details>")
    for option in question.options:
        assert bare(option.text) in words
        assert option.text in plain
        assert bare(option.why) in words
        assert option.why not in plain
    assert "<code>" not in before or "`" in question.prompt + "".join(o.text for o in question.options)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert answer


def test_what_is_asked_is_never_markup(tmp_path: Path) -> None:
    from k8sviz.views.quiz import Quiz

    hostile = SOUND.replace("One or two?", "<script>alert(1)</script> & `<b>`").replace('"two"', "'<img src=x>'")
    (question,) = read_questions(written(tmp_path, hostile))
    html = Quiz(question)._repr_mimebundle_()[0]["text/html"]
    assert "<script" not in html
    assert "<img" not in html
    assert "<code>&lt;b&gt;</code>" in html


def test_the_answer_cannot_be_read_at_a_glance() -> None:
    from k8sviz.views.quiz import Quiz

    question = load_question("06-smallest", DATA)
    state = str(Quiz(question).content)
    assert not any(option.why in state for option in question.options)


def test_a_cell_holds_no_more_than_an_id() -> None:
    from k8sviz.views.quiz import quiz

    shown = quiz("06-smallest")
    assert shown.chosen is None
    shown.tried = [0, 1]
    assert shown.chosen == 1
    assert repr(shown) == "<Quiz 06-smallest>"
