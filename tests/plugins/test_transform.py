"""The dbt project a run builds from."""

from __future__ import annotations

import transform


def test_a_run_builds_from_the_project_of_the_release_that_runs_it(tmp_path, monkeypatch):
    for release in ("old", "new"):
        (tmp_path / release / "models" / "raw").mkdir(parents=True)
        (tmp_path / release / "models" / "staging").mkdir()
        monkeypatch.setattr(transform, "PROJECT", tmp_path / release)
        folder = transform.project(tmp_path / "run", ["shop"])
    assert (folder / "models").readlink() == tmp_path / "new" / "models"
