"""CONTRIBUTING's recipe for a story is true: what it says, and nothing else, adds one that is drawn in every format."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

import k8sviz
from k8sviz.render.picture import FORMATS
from k8sviz.stories import STORIES
from k8sviz.words import templates

ROOT = Path(k8sviz.__path__[0])
RECIPE = (ROOT.parent / "CONTRIBUTING.md").read_text("utf-8").split("## Add a story")[1].split("\n## ")[0]
MANIFESTS = [
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "shop"},
        "spec": {
            "rules": [
                {"host": "shop.example", "http": {"paths": [{"backend": {"service": {"name": n}}} for n in ("a", "b")]}}
            ]
        },
    },
    {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"selector": {"app": "a"}}},
]
DRAW = """
import json, sys
import k8sviz
from k8sviz.render.palette import family
from k8sviz.render.picture import render
from k8sviz.sources.follow import FOLLOWED
picture = k8sviz.draw("ways", k8sviz.open_source([sys.argv[1]]))
told = {form: str(render(picture.diagram, form)) for form in sys.argv[2:]}
print(json.dumps([told, family("Ingress"), FOLLOWED]))
"""


def blocks(language: str) -> list[str]:
    return [dedent(f"   {text}") for text in re.findall(rf"```{language}\n   (.*?)\n   ```", RECIPE, re.DOTALL)]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it is after the recipe."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT, folder / "k8sviz", ignore=shutil.ignore_patterns("__pycache__"))
    (story, line), (words,) = blocks("python"), blocks("toml")
    (folder / "k8sviz/diagrams/stories/ways.py").write_text(story, "utf-8")
    with (folder / "k8sviz/words/en/stories.toml").open("a", encoding="utf-8") as file:
        file.write(f"\n{words}\n")
    registry = folder / "k8sviz/stories.py"
    before, found, after = registry.read_text("utf-8").partition("_ALL: Final = (\n")
    assert found
    registry.write_text(f"{before}{found}    {line},\n{after}", "utf-8")
    return folder


def run(copy: Path, *words: str) -> str:
    env = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False, cwd=copy, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_recipe_s_story_is_drawn_in_every_format(copy: Path) -> None:
    manifests = copy / "shop.json"
    manifests.write_text(json.dumps({"kind": "List", "items": MANIFESTS}), "utf-8")
    told, family, followed = json.loads(run(copy, "-c", DRAW, str(manifests), *FORMATS))
    assert told["text"].splitlines()[:2] == ["Ways of requests in default", "Ingress shop"]
    assert "for shop.example → Service a" in told["text"]
    assert "for shop.example ? → Service b · ? not among these" in told["text"]
    for form in set(FORMATS) - {"png"}:
        assert "shop.example" in told[form], form
    assert told["png"].startswith("b'\\x89PNG")
    assert family == "network"
    assert "Ingress" in followed


def test_the_command_line_knows_it(copy: Path) -> None:
    assert "ways" in run(copy, "-m", "k8sviz", "draw", "--help")


@pytest.mark.parametrize("name", STORIES)
def test_every_story_has_its_frame_s_words(name: str) -> None:
    assert {"all", "namespace", "one", "nothing"} <= set(templates("stories")[name])
