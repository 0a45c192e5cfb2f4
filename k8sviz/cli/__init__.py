"""The command line: `k8sviz`, `python -m k8sviz`, and `kubectl viz`. It only reads arguments and prints.

One module a family of commands: `tell` draws and explains, `predict` predicts and checks, `live` watches and records.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import importlib
import sys
from collections.abc import Sequence
from typing import Final

import k8sviz
from k8sviz.cli.common import Parser
from k8sviz.cli.edge import guarded
from k8sviz.cli.screen import screens

__all__ = ["main"]

# the module of each family, loaded when one of its commands is given
_FAMILIES: Final = {
    "tell": ("labs", "draw", "why", "play", "inspect", "users", "chart"),
    "predict": ("predict", "check"),
    "fork": ("fork", "try"),
    "live": ("watch", "record", "redact"),
}
_EXAMPLES = """\
examples:
  k8sviz labs
  k8sviz draw storage ch06-static-binding --at pod-running -o storage.svg
  k8sviz draw storage ch06-binding-choice pvc/too-large --at list-all
  k8sviz draw storage -f manifests/ --format mermaid
  kubectl get pv,pvc,pod,sc -o yaml | k8sviz draw storage -f -
  k8sviz why -n demo
  k8sviz why pvc/too-large ch06-binding-choice --at list-all
  k8sviz play ch06-dynamic -o dynamic.html
  k8sviz draw storage -n demo
  k8sviz watch rollout -n demo
  k8sviz record ch06-dynamic --context kind-k8sviz -o dynamic.jsonl
  k8sviz predict binding -f volumes.yaml -f claims.yaml
  k8sviz check -f manifests/
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code: 0, or 1 where `check` finds something.

    After an error, which is one line on stderr, it is 2; after a fault of ours it is 70, after Ctrl-C 130.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    if debug:
        arguments.remove("--debug")
    with screens():
        return guarded(lambda: _run(arguments), debug=debug)


def _run(arguments: Sequence[str]) -> int | None:
    if arguments[:1] == ["course"]:
        return _course(arguments[1:])
    gc.set_threshold(100_000, 20, 20)  # a command builds much and drops little; looking for circles would be in vain
    atexit.register(gc.freeze)  # and when all goes anyway, Python looks three times more
    options = _options(arguments)
    code: int | None = options.run(options)
    return code


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments; words may come before and after options, which argparse by itself refuses for `words`."""
    parser = _parser(arguments[0] if arguments else "")
    options, more = parser.parse_known_args(arguments)
    if any(word.startswith("-") for word in more) or (more and not hasattr(options, "words")):
        parser.error(f"unrecognized arguments: {' '.join(more)}")
    if more:
        options.words = [*options.words, *more]
    return options


def _parser(word: str = "") -> argparse.ArgumentParser:
    """The parser of this command alone, since building all takes its time; of all when there is no such command."""
    parser = Parser(
        prog="k8sviz",
        description="Draw what a Kubernetes cluster is doing, and say why.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="after a fault of k8sviz, show where it happened")
    parser.add_argument("--version", action="version", version=f"k8sviz {k8sviz.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, prog="k8sviz")
    known = any(word in words for words in _FAMILIES.values())
    for family, words in _FAMILIES.items():
        for name in words:
            if name == word or not known:
                importlib.import_module(f"k8sviz.cli.{family}").COMMANDS[name](commands)
    commands.add_parser("course", help="open the course in JupyterLab", add_help=False)
    return parser


def _course(arguments: Sequence[str]) -> int:
    from k8sviz import course

    return course.main(arguments)
