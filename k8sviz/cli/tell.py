"""The commands that show what is there: labs, draw, why, play, inspect, users, chart."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any, Final

import k8sviz
from k8sviz.cli import wait
from k8sviz.cli.common import AddCommand, command, exit_code, print_json, source_arguments, split
from k8sviz.errors import K8svizError
from k8sviz.kinds import parse_ref
from k8sviz.stories import STORIES

if TYPE_CHECKING:
    from k8sviz.why import Explanation

__all__ = ["COMMANDS"]


def _labs_command(commands: Any) -> None:
    parser = command(commands, "labs", _labs, "list the labs, or one lab's steps")
    parser.add_argument("lab", nargs="?", help="a lab's name")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _labs(options: argparse.Namespace) -> None:
    from k8sviz.sources.labs import data_dir, lab_names, load_lab

    names = [options.lab] if options.lab else lab_names()
    labs = [load_lab(name) for name in names]
    if options.json:
        print_json([{"name": lab.name, "title": lab.title, "steps": lab.steps} for lab in labs])
    elif options.lab:
        print(f"{labs[0].name}: {labs[0].title}\nin {labs[0].folder}")
        for step in labs[0].steps:
            print(f"  {step.id:24} {step.command}")
    elif not labs:
        raise K8svizError(f"no labs in {data_dir()}; set K8SVIZ_DATA to a folder of labs")
    else:
        width = max(map(len, names))
        for lab in labs:
            print(f"{lab.name:{width}}  {lab.title}")


def _draw_command(commands: Any) -> None:
    parser = command(commands, "draw", _draw, "draw a story of a cluster")
    parser.add_argument("story", metavar="STORY", help=f"one of: {', '.join(STORIES)}")
    source_arguments(parser, live=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write; its suffix chooses the format")
    parser.add_argument("--format", help="svg, png, dot, mermaid or text (default: by the file's suffix, else text)")
    parser.add_argument("-l", "--selector", metavar="LABEL=VALUE", help="overview: only what has these labels")
    parser.add_argument("--theme", choices=("light", "dark"), default="light", help="colours of the SVG and PNG")
    parser.add_argument("--json", action="store_true", help="print the diagram as JSON")


def _draw(options: argparse.Namespace) -> int:
    from k8sviz.render.picture import render

    source, refs = split(options)
    more = {"namespace": options.namespace} if options.namespace else {}
    if options.selector:
        if options.story != "overview":
            raise K8svizError("-l chooses in the overview only: k8sviz draw overview -l LABEL=VALUE")
        more["selector"] = options.selector
    opened = k8sviz.open_source(source)
    focus: list[str | None] = [*refs] or [None]
    drawn = [k8sviz.draw(options.story, opened, ref, at=options.at, theme=options.theme, **more) for ref in focus]
    picture = drawn[0] if len(drawn) == 1 else k8sviz.beside(*drawn)
    if options.json:
        print_json(picture.diagram)
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
    return exit_code(opened)


def _why_command(commands: Any) -> None:
    parser = command(
        commands, "why", _why, "say why an object is in its state, a step was refused, or what fails and waits at all"
    )
    source_arguments(parser, live=True)
    wait.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _why(options: argparse.Namespace) -> int:
    if options.wait:
        return wait.wait_for(options)
    source, refs = split(options)
    history = k8sviz.open_source(source)
    named = [parse_ref(ref, options.namespace) if options.namespace else ref for ref in refs]
    explained = [k8sviz.why(ref, history, at=options.at).explanation for ref in named] or _refused(history, options.at)
    if not explained:
        found = k8sviz.troubles(history, at=options.at, namespace=options.namespace)
        print_json([trouble.to_json() for trouble in found.troubles]) if options.json else print(found)
    elif options.json:
        print_json(explained[0].to_json() if len(explained) == 1 else [e.to_json() for e in explained])
    else:
        print("\n\n".join(map(str, explained)))
    return exit_code(history)


def _refused(history: k8sviz.History | k8sviz.Snapshot, at: str | None) -> list[Explanation]:
    """Why this step failed, if it is one that did."""
    steps = history.steps if isinstance(history, k8sviz.History) else ()
    if at is None or at not in {s.id for s in steps}:
        return []
    found = k8sviz.why(at, history).explanation
    return [] if found.fine else [found]


def _play_command(commands: Any) -> None:
    parser = command(commands, "play", _play, "write a story as a film: one HTML file that needs no network")
    source_arguments(parser, at=False)
    parser.add_argument("-o", "--output", required=True, metavar="FILE.html", help="where to write")
    parser.add_argument("--story", help=f"one of: {', '.join(STORIES)} (default: the lab's own)")
    parser.add_argument("--start", metavar="STEP|SECONDS", help="where the player begins")


def _play(options: argparse.Namespace) -> None:
    from k8sviz.show import film_page
    from k8sviz.views.page import save_page

    source, refs = split(options)
    page = film_page(source, options.story, refs[0] if refs else None, start=options.start)
    print(f"wrote {save_page(page, options.output)}", file=sys.stderr)


def _inspect_command(commands: Any) -> None:
    parser = command(commands, "inspect", _inspect, "list what a Pod's containers get: environment, files, arguments")
    source_arguments(parser, live=True)
    parser.add_argument("-c", "--container", help="one container of the Pod (default: all)")
    parser.add_argument("--show-secrets", action="store_true", help="show values of Secrets")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _inspect(options: argparse.Namespace) -> None:
    source, refs = split(options)
    if len(refs) != 1:
        raise K8svizError("inspect which Pod? Name one, as in k8sviz inspect pod/downward ch08-downward-env")
    shown = k8sviz.inspect(
        refs[0], k8sviz.open_source(source), options.container, at=options.at, show_secrets=options.show_secrets
    )
    found = shown.inspections[:1] if options.container else shown.inspections
    if options.json:
        print_json([one.to_json() for one in found])
    else:
        print("\n\n".join(map(str, found)))


def _users_command(commands: Any) -> None:
    parser = command(commands, "users", _users, "say who uses a ConfigMap or Secret, or one key of it")
    source_arguments(parser, live=True)
    parser.add_argument("--json", action="store_true", help="print JSON")


def _users(options: argparse.Namespace) -> None:
    source, refs = split(options)
    if len(refs) != 1:
        raise K8svizError("users of what? Name configmap/NAME, secret/NAME, or one key: configmap/NAME/KEY")
    told: Any = k8sviz.users(refs[0], k8sviz.open_source(source), at=options.at)
    if options.json:
        print_json(told.told.to_json())
    else:
        print(told)


def _chart_command(commands: Any) -> None:
    parser = command(commands, "chart", _chart, "chart something over time: rollout, or lives")
    parser.add_argument("what", metavar="CHART", choices=("rollout", "lives"), help="rollout or lives")
    source_arguments(parser, at=False, live=True)
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write: .png, .svg or .pdf (default: text)")
    parser.add_argument(
        "--json", action="store_true", help="rollout: print the bounds and what was reached, by revision"
    )


def _chart(options: argparse.Namespace) -> None:
    from k8sviz.show import rollout_bounds

    source, refs = split(options)
    opened = k8sviz.open_source(source)
    ref = refs[0] if refs else None
    if options.json:
        print_json(rollout_bounds(opened, ref) if options.what == "rollout" else [])
        return
    drawn = k8sviz.lives(opened) if options.what == "lives" else k8sviz.chart(opened, ref)
    if options.output:
        print(f"wrote {drawn.save(options.output)}", file=sys.stderr)
    else:
        print(drawn)


COMMANDS: Final[dict[str, AddCommand]] = {
    "labs": _labs_command,
    "draw": _draw_command,
    "why": _why_command,
    "play": _play_command,
    "inspect": _inspect_command,
    "users": _users_command,
    "chart": _chart_command,
}
