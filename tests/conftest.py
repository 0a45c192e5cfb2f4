"""What all tests share: patience on slow machines, and texts that are compared with files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# a shared machine is slow at times; what must be fast is measured by `make bench`
settings.register_profile("k8sviz", deadline=None)
settings.load_profile("k8sviz")

GOLDEN = Path(__file__).parent / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write tests/golden/*.txt anew; then read the diff")


# files that take long as a whole: browsers, fuzzing, every lab at every step, hostile servers
LONG = (
    "browser/",
    "fuzz/",
    "test_attacks",
    "test_cluster_replay",
    "test_conformance",
    "test_hostile_server",
    "test_kubectl_recorded",
    "test_layout_safe",
    "test_live_source",
    "test_player_frames",
    "test_predict_oracle",
    "test_recordings_deny",
    "test_safe_to_share",
    "test_safety_table",
    "test_secrets_values",
    "test_speed",
    "test_storage_story",
    "test_why_robust",
    "test_workflows",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = Path(str(item.path))
        if place.is_relative_to(GOLDEN.parent) and str(place.relative_to(GOLDEN.parent)).startswith(LONG):
            item.add_marker(pytest.mark.long)


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a text with tests/golden/NAME.txt, or writes it there with --update-golden."""

    def compare(name: str, text: str) -> None:
        file = GOLDEN / f"{name}.txt"
        if request.config.getoption("--update-golden"):
            GOLDEN.mkdir(exist_ok=True)
            file.write_text(text + "\n", encoding="utf-8")
        assert file.exists(), f"{file} is missing: run pytest with --update-golden, read what it wrote, and commit it"
        assert text + "\n" == file.read_text(encoding="utf-8"), "differs; if it should, use --update-golden"

    return compare
