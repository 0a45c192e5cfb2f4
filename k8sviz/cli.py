"""The command line: `k8sviz`, `python -m k8sviz`, and `kubectl viz`. It only reads arguments and prints."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import k8sviz
from k8sviz.diagrams import STORIES
from k8sviz.errors import K8svizError
from k8sviz.kinds import kind_named

__all__ = ["main"]

_SOURCE_HELP = "a lab (see `k8sviz labs`), a recording (.jsonl), or manifests with -f"
_EXAMPLES = """\
examples:
  k8sviz labs
  k8sviz draw storage ch06-static-binding --at pod-running -o storage.svg
  k8sviz draw storage ch06-binding-choice pvc/too-large --at list-all
  k8sviz draw storage -f manifests/ --format mermaid
  kubectl get pv,pvc,pod,sc -o yaml | k8sviz draw storage -f -
  k8sviz why pvc/too-large ch06-binding-choice --at list-all
  k8sviz play ch06-dynamic -o dynamic.html
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One line, and where to read more."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit code: 0, or 2 after an error, which is one line on stderr."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):  # a terminal or pipe that cannot write ✓ or 中 shows its number instead
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if arguments[:1] == ["course"]:
        return _guarded(lambda: _course(arguments[1:]))
    options = _parser().parse_args(arguments)
    return _guarded(lambda: options.run(options))


def _guarded(run: Callable[[], int | None]) -> int:
    try:
        code = run() or 0
        sys.stdout.flush()
    except K8svizError as error:
        print(f"k8sviz: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of a pipe has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="k8sviz",
        description="Draw what a Kubernetes cluster is doing, and say why.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"k8sviz {k8sviz.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _labs_command(commands)
    _draw_command(commands)
    _why_command(commands)
    _play_command(commands)
    commands.add_parser("course", help="open the course in JupyterLab", add_help=False)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[argparse.Namespace], int | None], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    return parser


def _source_arguments(parser: argparse.ArgumentParser, *, at: bool = True) -> None:
    parser.add_argument("words", nargs="*", metavar="SOURCE [KIND/NAME]", help=_SOURCE_HELP)
    parser.add_argument("-f", "--filename", action="append", default=[], metavar="FILE",
                        help="YAML or JSON file, folder, or - for standard input; may come again")  # fmt: skip
    if at:
        parser.add_argument("--at", metavar="STEP|SECONDS", help="a step's settled state, or a time; default: the end")


def _split(options: argparse.Namespace) -> tuple[Any, list[str]]:
    """The source and the KIND/NAME words of a command line, in whichever order they came."""
    refs = [word for word in options.words if _is_ref(word)]
    sources = [word for word in options.words if not _is_ref(word)]
    if options.filename and sources:
        raise K8svizError(f"give a SOURCE or -f, not both ({sources[0]} and -f {options.filename[0]})")
    if options.filename:
        return options.filename, refs
    if len(sources) != 1:
        named = f"got {' and '.join(sources)}" if sources else "none was given"
        raise K8svizError(f"one SOURCE is needed ({named}): {_SOURCE_HELP}")
    return sources[0], refs


def _is_ref(word: str) -> bool:
    kind, slash, name = word.partition("/")
    if not slash or not name or Path(word).exists():
        return False
    try:
        kind_named(kind)
    except K8svizError:
        return False
    return True


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


# -- commands ----------------------------------------------------------------------------------------


def _labs_command(commands: Any) -> None:
    parser = _command(commands, "labs", _labs, "list the labs, or one lab's steps")
    parser.add_argument("lab", nargs="?", help="a lab's name")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _labs(options: argparse.Namespace) -> None:
    from k8sviz.sources.labs import lab_names, load_lab

    names = [options.lab] if options.lab else lab_names()
    labs = [load_lab(name) for name in names]
    if options.json:
        _print_json([{"name": lab.name, "title": lab.title, "steps": [asdict(s) for s in lab.steps]} for lab in labs])
    elif options.lab:
        print(f"{labs[0].name}: {labs[0].title}\nin {labs[0].folder}")
        for step in labs[0].steps:
            print(f"  {step.id:24} {step.command}")
    else:
        width = max(map(len, names))
        for lab in labs:
            print(f"{lab.name:{width}}  {lab.title}")


def _draw_command(commands: Any) -> None:
    parser = _command(commands, "draw", _draw, "draw a story of a cluster")
    parser.add_argument("story", metavar="STORY", help=f"one of: {', '.join(STORIES)}")
    _source_arguments(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; its suffix chooses the format")
    parser.add_argument("--format", help="svg, png, dot, mermaid or text (default: by the file's suffix, else text)")
    parser.add_argument("-n", "--namespace", help="only this namespace (cluster-scoped objects stay)")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the SVG and PNG")
    parser.add_argument("--json", action="store_true", help="print the diagram as JSON")


def _draw(options: argparse.Namespace) -> None:
    from k8sviz.render.picture import render

    source, refs = _split(options)
    more = {"namespace": options.namespace} if options.namespace else {}
    opened = k8sviz.open_source(source)
    focus: list[str | None] = [*refs] or [None]
    drawn = [k8sviz.draw(options.story, opened, ref, at=options.at, theme=options.theme, **more) for ref in focus]
    picture = drawn[0] if len(drawn) == 1 else k8sviz.beside(*drawn)
    if options.json:
        _print_json(asdict(picture.diagram))
    elif options.output:
        print(f"wrote {picture.save(options.output, options.format)}", file=sys.stderr)
    else:
        made = render(picture.diagram, options.format or "text", theme=options.theme)
        if isinstance(made, bytes):
            if sys.stdout.isatty():
                raise K8svizError("a PNG is not for a terminal's eyes; name a file with -o FILE.png")
            sys.stdout.buffer.write(made)
        else:
            print(made)


def _why_command(commands: Any) -> None:
    parser = _command(commands, "why", _why, "say why an object is in its state, or a step was refused")
    _source_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _why(options: argparse.Namespace) -> None:
    source, refs = _split(options)
    history = k8sviz.open_source(source)
    at = options.at
    if not refs:
        if at is None:
            raise K8svizError("why what? Name an object (pvc/demo-pvc), or a refused step with --at STEP")
        refs, at = [at], None
    explained = [k8sviz.why(ref, history, at=at).explanation for ref in refs]
    if options.json:
        _print_json(explained[0].to_json() if len(explained) == 1 else [e.to_json() for e in explained])
    else:
        print("\n\n".join(map(str, explained)))


def _play_command(commands: Any) -> None:
    parser = _command(commands, "play", _play, "write a story as a film: one HTML file that needs no network")
    _source_arguments(parser, at=False)
    parser.add_argument("-o", "--output", required=True, metavar="FILE.html", help="where to write")
    parser.add_argument("--story", help=f"one of: {', '.join(STORIES)} (default: the lab's own)")
    parser.add_argument("--start", metavar="STEP|SECONDS", help="where the player begins")


def _play(options: argparse.Namespace) -> None:
    from k8sviz.lab import film_page
    from k8sviz.views.page import save_page

    source, refs = _split(options)
    page = film_page(source, options.story, refs[0] if refs else None, start=options.start)
    print(f"wrote {save_page(page, options.output)}", file=sys.stderr)


def _course(arguments: Sequence[str]) -> int:
    from k8sviz import course

    return course.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
