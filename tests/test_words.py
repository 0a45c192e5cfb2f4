"""Every sentence that the package asks for exists, and gets the facts that its placeholders need."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import k8sviz
from k8sviz.words import say, templates

ROOT = Path(k8sviz.__path__[0])
ROOMS = sorted(path.stem for path in (ROOT / "words" / "en").glob("*.toml"))
MODULES = sorted(path for path in ROOT.rglob("*.py"))
FOUR = ("summary", "rule", "remedy", "source")
GIVEN = {"subject", "state", "exit"}  # what Subject.tell and StepCase.tell add by themselves


def placeholders(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def leaves(tables: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    for key, value in tables.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}.{key}")
        else:
            yield f"{path}.{key}", value


SENTENCES = dict(pair for room in ROOMS for pair in leaves(templates(room), room))
WHY = {code.removeprefix("why.").removesuffix(".summary") for code in SENTENCES if code.endswith(".summary")}


def literals(node: ast.expr) -> list[str]:
    """The texts that an expression may be, where it can be read."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    if isinstance(node, ast.IfExp):
        return [*literals(node.body), *literals(node.orelse)]
    return []


def beginning(node: ast.expr) -> str:
    """The first words of an f-string; '' for anything else."""
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value)
    return ""


class Call:
    """One call of `say` or `tell` in the package."""

    def __init__(self, path: Path, node: ast.Call, keys: set[str]) -> None:
        self.where = f"{path.relative_to(ROOT)}:{node.lineno}"
        function = node.func
        self.verb = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        self.code = node.args[0] if node.args else ast.Constant(None)
        named = {keyword.arg for keyword in node.keywords if keyword.arg}
        # facts from a dictionary: any key that the module writes into one
        self.facts = named | (keys if any(keyword.arg is None for keyword in node.keywords) else set())


def calls(verb: str) -> list[Call]:
    found = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        keys = {
            key.value
            for node in ast.walk(tree)
            for key in (
                node.keys if isinstance(node, ast.Dict) else [node.slice] if isinstance(node, ast.Subscript) else []
            )
            if isinstance(key, ast.Constant) and isinstance(key.value, str)
        }
        keys |= {key for node in ast.walk(tree) if isinstance(node, ast.Constant) for key in groups(node.value)}
        found += [Call(path, node, keys) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [call for call in found if call.verb == verb]


def groups(value: object) -> list[str]:
    """The names of the groups in a regular expression: facts that a match gives."""
    return [part.partition(">")[0] for part in value.split("(?P<")[1:]] if isinstance(value, str) else []


@pytest.mark.parametrize("call", calls("say"), ids=lambda call: call.where)
def test_what_is_said_has_its_words(call: Call) -> None:
    for code in literals(call.code):
        assert code in SENTENCES, f"{call.where}: no words for {code}"
        assert placeholders(SENTENCES[code]) <= call.facts, f"{call.where}: {code} lacks facts"
    start = beginning(call.code)
    if "." in start:
        table = start.rpartition(".")[0]
        assert any(code.startswith(table + ".") for code in SENTENCES), f"{call.where}: no words begin with {table}"


@pytest.mark.parametrize("call", calls("tell"), ids=lambda call: call.where)
def test_what_is_told_has_its_four_texts(call: Call) -> None:
    for code in literals(call.code):
        for part in FOUR:
            full = f"why.{code}.{part}"
            assert full in SENTENCES, f"{call.where}: no words for {full}"
            assert placeholders(SENTENCES[full]) <= call.facts | GIVEN, f"{call.where}: {full} lacks facts"


def test_every_explanation_is_whole() -> None:
    for code in WHY:
        texts = {part: SENTENCES[f"why.{code}.{part}"] for part in FOUR}
        assert texts["summary"], code
        assert texts["source"].startswith("https://kubernetes.io/"), code


def test_no_explanation_is_left_over() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "why").rglob("*.py"))
    assert [code for code in sorted(WHY) if f'"{code}"' not in source] == []


def test_sentences_end_as_sentences_do() -> None:
    for code in WHY:
        for part in ("summary", "rule", "remedy"):
            words = SENTENCES[f"why.{code}.{part}"]
            # a sentence may end in a message that was quoted
            assert not words or words[-1] in ".?`'}" or words.endswith("and ."), (code, part, words)


def test_facts_are_never_read_as_templates() -> None:
    assert say("why.text.fact", source="{text}", text="{0.__class__}") == "{text}: {0.__class__}"


def test_an_unknown_code_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("why.text.nothing-of-the-kind")
