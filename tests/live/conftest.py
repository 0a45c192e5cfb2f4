"""The live tests run only when asked for by their marker (`make test-live`): they need programs that Go has built."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8sviz.sources.live import Cluster
from tests.live.cluster import Existing, Local, assets


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if "live" not in config.option.markexpr and collection_path.suffix == ".py" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("live")


@pytest.fixture(scope="session")
def programs() -> Path:
    found = assets()
    if found is None:
        pytest.skip("no programs of a cluster here: tests/live/build.sh builds them")
    return found


@pytest.fixture(scope="session")
def local(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A cluster of our own, or the one that K8SVIZ_CONTEXT names."""
    if named := os.environ.get("K8SVIZ_CONTEXT"):
        yield Existing(named)
        return
    with Local(tmp_path_factory.mktemp("cluster"), request.getfixturevalue("programs")) as running:
        yield running


@pytest.fixture
def cluster(local: Local) -> Cluster:
    return local.cluster()
