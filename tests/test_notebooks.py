"""Every notebook runs from its first cell to its last through papermill, with its `source` parameter."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # the kernel's own libraries warn
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_papermill_runs_it_on_the_recordings(notebook: Path, tmp_path: Path) -> None:
    import papermill

    done = papermill.execute_notebook(
        notebook,
        tmp_path / notebook.name,
        parameters={"source": "recorded"},
        cwd=notebook.parent,
        execution_timeout=120,
        progress_bar=False,
    )
    tags = [tag for cell in done.cells for tag in cell.metadata.get("tags", [])]
    assert "parameters" in tags, "the cell that sets `source` carries no tag `parameters`"
