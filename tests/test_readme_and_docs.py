"""What README, CONTRIBUTING and the site tell people to type works, and shows what they say it shows."""

from __future__ import annotations

import doctest
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from k8sviz import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    path
    for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.exists()
]
FENCE = re.compile(
    r"^(?P<fence>```+)(?P<language>[\w-]*)[^\n]*\n(?P<text>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL
)
# what a reader puts something else in place of: SOURCE, FILE.html, KIND/NAME, <name>, …
PLACEHOLDER = re.compile(r"\b[A-Z]{2,}\b|[<>…]")
# these open a server, or need a cluster
ELSEWHERE = re.compile(r"^(course|record|watch|live)\b|--context|--live|--follow")


class Block(NamedTuple):
    page: str
    line: int
    language: str
    text: str


class Typed(NamedTuple):
    command: str
    shown: tuple[str, ...]


def blocks(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 2
        yield Block(page.relative_to(ROOT).as_posix(), line, found["language"], found["text"])


def typed(block: Block) -> Iterator[Typed]:
    """The commands of a console block with the output below each; without a `$` every line is a command."""
    lines = block.text.splitlines()
    prompts = any(line.startswith("$ ") for line in lines)
    commands: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ ") or (not prompts and line.strip()):
            commands.append((line.removeprefix("$ "), []))
        elif commands and line.strip():
            commands[-1][1].append(line.strip())
    for command, shown in commands:
        yield Typed(command, tuple(shown))


ALL = [block for page in PAGES for block in blocks(page)]
COMMANDS = [
    pytest.param(words, one.shown, id=f"{block.page}:{block.line} {one.command}")
    for block in ALL
    if block.language in ("console", "sh", "bash", "shell")
    for one in typed(block)
    for words in [shlex.split(one.command, comments=True)]
    if words[:1] in (["k8sviz"], ["python"]) and words[:3] != ["python", "-m", "venv"]
]
CODE = [pytest.param(block, id=f"{block.page}:{block.line}") for block in ALL if block.language in ("python", "pycon")]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a reader is who has some manifests of their own."""
    (tmp_path / "manifests").mkdir()
    for name in ("demo-pv.yaml", "demo-pvc.yaml", "fortune.yaml"):
        (tmp_path / "manifests" / name).write_bytes(
            (ROOT / "data" / "labs" / "ch06-static-binding" / name).read_bytes()
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "shown"), COMMANDS)
def test_a_command_that_we_tell_people_to_type_works(
    words: list[str], shown: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = words[1:] if words[0] == "k8sviz" else words[3:]
    if words[0] == "python" and words[:3] != ["python", "-m", "k8sviz"]:
        assert (ROOT / words[1]).exists(), f"{words[1]} is not in the project"
        return
    line = shlex.join(arguments)
    if PLACEHOLDER.search(line) or ELSEWHERE.search(line):
        options = {word for word in arguments if word.startswith("-")}
        with pytest.raises(SystemExit):
            cli.main([arguments[0], "--help"])
        said = capsys.readouterr().out
        assert all(option in said for option in options), f"k8sviz {arguments[0]} knows all of {options}"
        return
    code = cli.main(arguments)
    out, err = capsys.readouterr()
    assert code == 0, err
    if "-o" in arguments:
        assert Path(arguments[arguments.index("-o") + 1]).stat().st_size > 500
    missing = [want for want in shown if want not in ("…", "...") and want not in out]
    assert not missing, f"the page shows lines that `{shlex.join(words)}` does not print"


@pytest.mark.parametrize("block", CODE)
def test_python_that_we_show_runs(block: Block, folder: Path) -> None:
    if ">>>" in block.text:
        parsed = doctest.DocTestParser().get_doctest(block.text, {}, block.page, block.page, block.line)
        runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
        assert runner.run(parsed).failed == 0
    else:
        exec(compile("\n" * (block.line - 1) + block.text, block.page, "exec"), {"__name__": "example"})


def test_the_readme_says_how_to_begin() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert text.startswith("# ")
    assert len(text) < 300 or "make course" in text, "the two commands are on the first screen"


def test_make_targets_that_we_name_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        named = set(re.findall(r"`make ([a-z]+)", text)) | set(
            re.findall(r"^(?:\$ )?make ([a-z]+)", text, re.MULTILINE)
        )
        assert named <= targets, f"{page.name} names a target that the Makefile does not have"


def test_commands_in_the_text_are_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """`k8sviz draw …` within a sentence or a table, with or without placeholders."""
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    known = set(re.findall(r"^    ([a-z]+) ", capsys.readouterr().out, re.MULTILINE))
    assert {"draw", "why", "play"} <= known
    for page in PAGES:
        named = set(re.findall(r"`(?:\$ )?k8sviz ([a-z]+)", page.read_text(encoding="utf-8")))
        assert named <= known, f"{page.name} names a command that k8sviz does not have"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_row_of_a_table_has_the_columns_of_its_head(page: Path) -> None:
    """A | in code ends a cell on GitHub too, unless it is written as \\|."""
    columns = 0
    for number, line in enumerate(FENCE.sub("", page.read_text(encoding="utf-8")).splitlines(), 1):
        cells = len(re.findall(r"(?<!\\)\|", line)) - 1 if line.startswith("|") else 0
        assert not columns or not cells or cells == columns, f"{page.name}, about line {number}: {line}"
        columns = cells
