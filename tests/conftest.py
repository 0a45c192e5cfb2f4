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
