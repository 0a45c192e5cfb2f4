"""The commands that judge manifests without a cluster: predict says what becomes of them, check what is wrong."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from k8sviz.cli.common import AddCommand, command, print_json
from k8sviz.errors import K8svizError
from k8sviz.sources import manifests
from k8sviz.words import say

if TYPE_CHECKING:
    from k8sviz.predict.blocks import Block

__all__ = ["COMMANDS"]


class _Prediction(Protocol):
    def to_json(self) -> dict[str, Any]: ...


def _predict_command(commands: Any) -> None:
    parser = commands.add_parser(
        "predict", help="say what Kubernetes would do with manifests", description="Say what Kubernetes would do."
    )
    kinds = parser.add_subparsers(title="what to predict", metavar="WHAT", required=True)
    for name, run, text in (
        ("binding", _binding, "which volume each claim gets, and why not the others"),
        ("env", _environment, "the environment variables of every container"),
        ("files", _files, "the files under the mounts of every container"),
    ):
        told = command(kinds, name, run, text)
        _file_arguments(told)
        if name == "files":
            owners = "with --json: who owns each file, and whether the container's user can read it"
            told.add_argument("--owners", action="store_true", help=owners)
    rollout = command(kinds, "rollout", _rollout, "how a Deployment rolls out: -f OLD -f NEW, each a version")
    stateful = command(kinds, "stateful", _stateful, "how a StatefulSet starts and changes: -f FIRST -f NEXT")
    for timed in (rollout, stateful):
        _file_arguments(timed)
        timed.add_argument(
            "--ready-after",
            type=_seconds,
            metavar="TIME",
            default=2.0,
            help="from a Pod's start to Ready: 2s, 500ms, 1m, never (default: 2s)",
        )
        timed.add_argument(
            "--stop-after",
            type=_seconds,
            metavar="TIME",
            help="how long a Pod needs to go (default: its terminationGracePeriodSeconds)",
        )


def _check_command(commands: Any) -> None:
    checker = command(commands, "check", _check, "say what the API server would refuse in manifests, line by line")
    _filename_argument(checker)
    checker.add_argument(
        "--complete",
        action="store_true",
        help="these manifests are all there is: what they name and do not hold is an error",
    )
    checker.add_argument("--json", action="store_true", help="print JSON")


def _filename_argument(parser: argparse.ArgumentParser) -> None:
    # several after one -f, as a shell makes of -f *.yaml
    parser.add_argument(
        "-f",
        "--filename",
        action="extend",
        nargs="+",
        required=True,
        metavar="FILE",
        help="YAML or JSON files, folders, or - for standard input; may come again",
    )


def _file_arguments(parser: argparse.ArgumentParser) -> None:
    _filename_argument(parser)
    parser.add_argument("-n", "--namespace", default="default", help="where an object goes that names none")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _objects(options: argparse.Namespace) -> list[Any]:
    return _loaded(options, options.filename)


def _versions(options: argparse.Namespace) -> list[list[Any]]:
    """What each -f holds, apart from the others: one version of the same thing after the other."""
    return [_loaded(options, [f]) for f in options.filename]


def _loaded(options: argparse.Namespace, paths: list[str]) -> list[Any]:
    """The objects of some files; what was left out is said beside the prediction."""
    loaded = manifests.load(paths, namespace=options.namespace)
    for note in loaded.notes:
        print(say("check.finding.note", note=K8svizError(note)), file=sys.stderr)
    options.faults = getattr(options, "faults", 0) + sum(each.error for each in loaded.left_out)
    return [m.object for m in loaded.manifests]


def _seconds(words: str) -> float | None:
    """Seconds from 2, 2s, 500ms or 1m; None for never. Raises ArgumentTypeError, as argparse wants it.

    >>> _seconds("500ms"), _seconds("1m"), _seconds("never")
    (0.5, 60.0, None)
    """
    if words == "never":
        return None
    found = re.fullmatch(r"([0-9]*\.?[0-9]+)(ms|s|m)?", words)
    if found is None:
        raise argparse.ArgumentTypeError(f"{words!r} is no time; write 2s, 500ms, 1m or never")
    return float(found[1]) * {"ms": 0.001, "s": 1.0, "m": 60.0}[found[2] or "s"]


def _show(options: argparse.Namespace, found: _Prediction, as_text: Callable[[Any], str]) -> int:
    """Print a prediction; returns 1 when a file could not be read: it may say otherwise."""
    if options.json:
        print_json(found.to_json())
    else:
        print(as_text(found))
    return 1 if options.faults else 0


def _binding(options: argparse.Namespace) -> int:
    from k8sviz.predict import predict_binding
    from k8sviz.predict.text import binding_text

    return _show(options, predict_binding(_objects(options), namespace=options.namespace), binding_text)


def _environment(options: argparse.Namespace) -> int:
    from k8sviz.predict import predict_environment
    from k8sviz.predict.text import environment_text

    return _show(options, predict_environment(_objects(options), namespace=options.namespace), environment_text)


def _files(options: argparse.Namespace) -> int:
    from k8sviz.predict import predict_files
    from k8sviz.predict.text import files_text

    found = predict_files(_objects(options), namespace=options.namespace)
    if options.json and options.owners:
        print_json(found.owners_json())
        return 1 if options.faults else 0
    return _show(options, found, files_text)


def _check(options: argparse.Namespace) -> int:
    from k8sviz.validate import check_files

    report = check_files(options.filename, complete=options.complete)
    if options.json:
        print_json(report.to_json())
    else:
        print(report)
    return 0 if report.ok else 1


def _rollout(options: argparse.Namespace) -> int:
    from k8sviz.diagrams.timelines.rollouts import rollout_records
    from k8sviz.predict.rollout import deployment_among, predict_rollout, rollout_prediction_text

    versions = _versions(options)
    if _refused(options, versions):
        return 1
    found = predict_rollout(*versions, ready_after=options.ready_after, stop_after=options.stop_after)
    could = _blocks(deployment_among(versions[-1]), versions)
    if options.json:
        more = {
            "revisions": rollout_records(found.history, found.ref),
            "couldBlock": [each.to_json() for each in could],
        }
        print_json(found.to_json() | more)
    else:
        print("\n".join([rollout_prediction_text(found), *_block_lines(could)]))
    return 1 if options.faults else 0


def _stateful(options: argparse.Namespace) -> int:
    from k8sviz.predict.statefulset import Action, predict_statefulset, stateful_prediction_text, statefulset_among

    first, *later = versions = _versions(options)
    if _refused(options, versions):
        return 1
    if options.ready_after is None:
        raise K8svizError("a StatefulSet whose Pods are never ready stops at its first Pod; give --ready-after a time")
    actions = [Action("apply", version) for version in later]
    found = predict_statefulset(first, actions, ready_after=options.ready_after, stop_after=options.stop_after)
    could = _blocks(statefulset_among(versions[-1]), versions)
    if options.json:
        print_json(found.to_json() | {"couldBlock": [each.to_json() for each in could]})
    else:
        print("\n".join([stateful_prediction_text(found), *_block_lines(could)]))
    return 1 if options.faults else 0


def _refused(options: argparse.Namespace, versions: list[list[Any]]) -> bool:
    """Whether the API server refuses one of the versions, which is then what is said: nothing is played."""
    from k8sviz.predict.refusals import refusals, refusals_json, refusals_text

    found = refusals(versions)
    if found and options.json:
        print_json(refusals_json(found))
    elif found:
        print(refusals_text(found))
    return bool(found)


def _blocks(workload: Any, versions: list[list[Any]]) -> tuple[Block, ...]:
    from k8sviz.predict.blocks import blocks

    return blocks(workload, [obj for version in versions for obj in version], changes=len(versions) > 1)


def _block_lines(could: tuple[Block, ...]) -> list[str]:
    return [say("predict.block.head"), *(f"  {each.words}" for each in could)] if could else []


COMMANDS: Final[dict[str, AddCommand]] = {"predict": _predict_command, "check": _check_command}
