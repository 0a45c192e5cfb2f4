"""What the commands have in common: a parser whose errors are one line, and how a SOURCE is named."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from k8sviz.errors import K8svizError
from k8sviz.kinds import kind_named
from k8sviz.letters import json_text

if TYPE_CHECKING:
    from k8sviz.history import History, Snapshot

__all__ = [
    "SOURCE_HELP",
    "AddCommand",
    "Parser",
    "cluster_arguments",
    "command",
    "exit_code",
    "is_ref",
    "print_json",
    "source_arguments",
    "split",
]

SOURCE_HELP = "a lab (see `k8sviz labs`), a recording (.jsonl), or manifests with -f"
LIVE_HELP = "; none: the cluster of your kubeconfig"
AddCommand = Callable[[Any], None]  # adds a command to a parser's commands


@functools.cache
def _width() -> int:
    """Letters in a line of help: the terminal's, as argparse counts them."""
    try:
        columns = int(os.environ.get("COLUMNS", 0)) or os.get_terminal_size(1).columns
    except (OSError, ValueError):
        columns = 80
    return columns - 2


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse asks for one at every argument, and each would import shutil and ask the terminal
        return self.formatter_class(prog=self.prog, width=_width())  # type: ignore[call-arg]

    def error(self, message: str) -> NoReturn:
        """One line, and where to read more."""
        self.exit(2, f"{self.prog}: {K8svizError(message)}; see {self.prog} --help\n")


def command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], text: str
) -> argparse.ArgumentParser:
    """Add one command; `run` returns its exit code (None is 0)."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def source_arguments(parser: argparse.ArgumentParser, *, at: bool = True, live: bool = False) -> None:
    """The words that name a source, `-f`, and perhaps `--at`; `live`: without a source, the cluster is meant."""
    told = SOURCE_HELP + LIVE_HELP * live
    parser.add_argument("words", nargs="*", metavar="SOURCE [KIND/NAME]", help=told)
    if live:
        cluster_arguments(parser)
    parser.add_argument(
        "-f",
        "--filename",
        action="append",
        default=[],
        metavar="FILE",
        help="YAML or JSON file, folder, or - for standard input; may come again",
    )
    if at:
        parser.add_argument("--at", metavar="STEP|SECONDS", help="a step's settled state, or a time; default: the end")


def cluster_arguments(parser: argparse.ArgumentParser) -> None:
    """Which namespace, of which cluster."""
    parser.add_argument("-n", "--namespace", help="only this namespace (cluster-scoped objects stay)")
    parser.add_argument(
        "--context", help="the kubeconfig's context to use (default: K8SVIZ_CONTEXT, or the current one)"
    )


def split(options: argparse.Namespace) -> tuple[Any, list[str]]:
    """The source and the KIND/NAME words of a command line, in whichever order they came."""
    refs = [word for word in options.words if is_ref(word)]
    sources = [word for word in options.words if not is_ref(word)]
    if options.filename and sources:
        raise K8svizError(f"give a SOURCE or -f, not both ({sources[0]} and -f {options.filename[0]})")
    if options.filename:
        return options.filename, refs
    if not sources and hasattr(options, "context"):
        return _live(options), refs
    if len(sources) != 1:
        named = f"got {' and '.join(sources)}" if sources else "none was given"
        raise K8svizError(f"one SOURCE is needed ({named}): {SOURCE_HELP}")
    return sources[0], refs


def _live(options: argparse.Namespace) -> Any:
    from k8sviz.sources.live import NoConfigError
    from k8sviz.sources.opening import live_source

    try:
        return live_source(options.namespace, options.context)
    except NoConfigError as error:
        raise K8svizError(f"one SOURCE is needed (none was given): {SOURCE_HELP}; {error}") from None


def exit_code(opened: History | Snapshot) -> int:
    """0, or 1 when a file of the source could not be read: what was shown is not all there is."""
    history = opened if hasattr(opened, "faults") else opened.history
    return 1 if history.faults else 0


def is_ref(word: str) -> bool:
    """Whether a word is KIND/NAME."""
    kind, slash, name = word.partition("/")
    if not slash or not name or Path(word).exists():
        return False
    try:
        kind_named(kind)
    except K8svizError:
        return False
    return True


def print_json(value: Any) -> None:
    """Print JSON as people can read it."""
    print(json_text(_plain(value)))


def _plain(value: Any) -> Any:
    """The same, with a named tuple's names: to JSON alone it is a list."""
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value
