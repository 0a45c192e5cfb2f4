"""A cluster for the labs, by whichever road is open on this machine: `make cluster`.

kind with Docker runs all labs. kwokctl, or the control plane that the live tests build with Go, runs those that need no
process in a container: their nodes are played by kwok. The last one is kept running until Ctrl-C.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
if __package__ in (None, ""):
    sys.path.insert(0, str(ROOT))

__all__ = ["main", "road"]

ROADS: Final = ("kind", "kwokctl", "go")
NODES: Final = ("k8sviz-worker", "k8sviz-worker2")


def road() -> str:
    """The first road that is open here: kind, kwokctl or go; '' where none is."""
    docker = shutil.which("docker")
    if shutil.which("kind") and docker and subprocess.run([docker, "info"], capture_output=True).returncode == 0:
        return "kind"
    if shutil.which("kwokctl"):
        return "kwokctl"
    return "go" if shutil.which("go") else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Make the cluster and say how to use it; 1 where nothing at hand can make one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--road", choices=ROADS, help="take this one (default: the first that is open)")
    chosen = parser.parse_args(argv).road or road()
    if chosen == "kind":
        subprocess.run(["kind", "create", "cluster", "--config", str(ROOT / "data" / "kind.yaml")], check=True)
        _say("kind-k8sviz")
    elif chosen == "kwokctl":
        _kwokctl()
        _say("kwok-k8sviz")
    elif chosen == "go":
        return _control_plane()
    else:
        print("no kind with a running Docker, no kwokctl and no Go here; docs/clusters.md says what each road needs,")
        print("and any cluster of your kubeconfig can serve: K8SVIZ_CONTEXT=NAME (one at work with K8SVIZ_YES=1)")
        return 1
    return 0


def _say(context: str, kubeconfig: Path | None = None) -> None:
    where = f"KUBECONFIG={kubeconfig} " if kubeconfig else ""
    print("now, in the shell from which you open the course:")
    print(f"export {where}K8SVIZ_CONTEXT={context} K8SVIZ_SOURCE=live", flush=True)


def _kwokctl() -> None:
    kwokctl = ["kwokctl", "--name", "k8sviz"]
    subprocess.run([*kwokctl, "create", "cluster", "--runtime", "binary"], check=True)
    for name in NODES:
        subprocess.run([*kwokctl, "scale", "node", "--replicas", "1", "--param", f".name={name}"], check=True)


def _control_plane() -> int:
    """etcd, the control plane and kwok on loopback, as the live tests start them, until Ctrl-C."""
    from tests.live.cluster import CONTEXT, Local

    built = subprocess.run([str(ROOT / "tests" / "live" / "build.sh")], stdout=subprocess.PIPE, text=True)
    if built.returncode:
        print("the control plane cannot be built here; docs/clusters.md says what each road needs")
        return 1
    assets = Path(built.stdout.strip().splitlines()[-1])
    with tempfile.TemporaryDirectory(prefix="k8sviz-cluster-") as folder, Local(Path(folder), assets) as local:
        print(f"kubectl is {assets / 'kubectl'} (or set K8SVIZ_KUBECTL to it)")
        _say(CONTEXT, local.kubeconfig)
        print("it runs until Ctrl-C", flush=True)
        signal.sigwait({signal.SIGINT, signal.SIGTERM})
    return 0


if __name__ == "__main__":
    sys.exit(main())
