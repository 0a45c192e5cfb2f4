"""Every reason has its words, and no input makes a rule fail."""

from __future__ import annotations

import ast
import json
import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import k8sviz
from k8sviz import words
from k8sviz.predict import predict_binding, predict_environment, predict_files
from k8sviz.rules.rollout import rollout_bounds
from k8sviz.rules.selectors import label_selector, matches_node_terms, node_allows_pod

ROOT = Path(k8sviz.__path__[0])
CASES = Path(__file__).parent / "cases"
TABLES = {"rules/binding.py": "binding", "predict/binding.py": "binding"}
MODULES = [
    "rules/binding.py",
    "predict/binding.py",
    "rules/downward.py",
    "rules/environment.py",
    "rules/files.py",
    "rules/start.py",
]


def texts(node):
    """The string constants that an expression may be."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*texts(node.body), *texts(node.orelse)]
    return []


def codes_in(path):
    """The codes that a module gives: first arguments of Reason and fail, and values of `code` and _NOT_FOUND."""
    found = []
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            found += texts(node.args[0]) if name in ("Reason", "fail") else []
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if node.targets[0].id == "code":
                found += texts(node.value)
            elif node.targets[0].id == "_NOT_FOUND":
                found += [text for value in node.value.values for text in texts(value)]
    return set(found)


@pytest.mark.parametrize("path", MODULES)
def test_every_code_has_its_words(path):
    table = words.templates("rules")[TABLES.get(path, "pod")]
    assert codes_in(path)
    assert codes_in(path) <= table.keys()


def test_no_words_are_left_over():
    tables = words.templates("rules")
    used = {table: set() for table in tables}
    for path in MODULES:
        used[TABLES.get(path, "pod")] |= codes_in(path)
    assert {table: set(codes) for table, codes in tables.items()} == used


def said(reason, table):
    template = words.templates("rules")[table][reason["code"]]
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    assert names <= reason["facts"].keys(), (reason, names)
    assert words.say(f"rules.{table}.{reason['code']}", **reason["facts"])


def reasons_in(thing):
    if isinstance(thing, dict):
        if thing.keys() >= {"code", "facts"}:
            yield thing
        for value in thing.values():
            yield from reasons_in(value)
    elif isinstance(thing, list):
        for value in thing:
            yield from reasons_in(value)


def say_all(manifests):
    for reason in reasons_in(predict_binding(manifests).to_json()["why"]):
        said(reason, "binding")
    for predict in (predict_environment, predict_files):
        found = predict(manifests).to_json()
        json.dumps(found)
        for reason in reasons_in(found.get("why", {})):
            said(reason, "pod")


def load(name):
    return json.loads((CASES / f"{name}.json").read_text())


EXAMPLES = [
    *[[*case["volumes"], *case["claims"]] for case in load("binding")[:4]],
    *[[*case["objects"], case["pod"]] for case in [*load("env")[:6], *load("files")[:6]]],
]


@pytest.mark.parametrize("manifests", EXAMPLES)
def test_the_facts_fill_the_words(manifests):
    say_all(manifests)
    say_all([thing for thing in manifests if thing["kind"] not in ("ConfigMap", "Secret")])


def places(thing, path=()):
    yield path
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    for key, value in pairs:
        yield from places(value, (*path, key))


def replaced(thing, path, value):
    if not path:
        return value
    copy = dict(thing) if isinstance(thing, dict) else list(thing)
    copy[path[0]] = replaced(thing[path[0]], path[1:], value)
    return copy


ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, 10**400, "", "..", "/", "$(", "\x00", "\ud800", [], {}, [None], {"": None}, [[]]]
)


@given(st.data())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_field_of_a_wrong_kind_makes_a_rule_fail(data):
    manifests = data.draw(st.sampled_from(EXAMPLES))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(manifests))[1:]))
        manifests = replaced(manifests, path, data.draw(ODD))
    say_all(manifests)


JUNK = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@given(JUNK)
def test_junk_is_answered_too(junk):
    say_all([junk])
    rollout_bounds({"spec": junk} if not isinstance(junk, str) else {})
    label_selector(junk if isinstance(junk, dict) else None)
    matches_node_terms([junk], {})
    node_allows_pod({"spec": junk}, {"metadata": junk})
