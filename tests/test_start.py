"""A command starts without what it does not need."""

import argparse
import subprocess
import sys

import pytest

from k8sviz import cli

HEAVY = ("IPython", "anywidget", "graphviz", "ipywidgets", "jsonschema", "kubernetes", "matplotlib", "numpy")
PLAIN = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n"


def test_every_command_is_in_its_family():
    for words in cli._FAMILIES.values():
        for word in words:
            actions = cli._parser(word)._actions
            (commands,) = (a for a in actions if isinstance(a, argparse._SubParsersAction))
            assert set(commands.choices) == {word, "course"}
    assert len(cli._parser()._actions[-1].choices) == 1 + sum(map(len, cli._FAMILIES.values()))


@pytest.mark.parametrize("story", ["overview", "storage", "rollout"])
def test_drawing_manifests_loads_no_library_that_it_can_do_without(story, tmp_path):
    file = tmp_path / "pod.yaml"
    file.write_text(PLAIN)
    code = f"import sys; from k8sviz.cli import main; main(['draw', {story!r}, '-f', {str(file)!r}, '--format', 'svg'])"
    code += f"; print(*(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
    assert "<svg" in done.stdout
