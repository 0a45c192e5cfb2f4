"""docs/reasons.md is what tools/reasons.py makes of the names and the code, and lacks nothing of Kubernetes' source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.reasons import TABLE, collected, named, page, readers

SOURCE = Path.home() / "go" / "pkg" / "mod" / "k8s.io" / "kubernetes@v1.36.2"


def test_the_table_is_what_the_tool_makes() -> None:
    assert TABLE.read_text(encoding="utf-8") == page(), "run `python tools/reasons.py`"


def test_every_name_is_listed_once_in_its_area() -> None:
    rows = [(one.area, one.what, one.name) for one in named()]
    assert len(rows) == len(set(rows))
    assert len(rows) > 150


def test_a_rule_counts_as_reading_a_reason_only_where_its_code_has_the_name() -> None:
    found = readers()
    assert "k8sviz.why.pods.mounting" in found["FailedMount"]
    assert "ExternalProvisioning" in found
    assert "MultipleSELinuxLabels" not in found


@pytest.mark.skipif(not SOURCE.is_dir(), reason="the source of Kubernetes v1.36.2 is not in the Go module cache")
def test_nothing_in_the_source_of_kubernetes_is_left_out() -> None:
    assert sorted(collected(SOURCE) - {one.name for one in named()}) == []
