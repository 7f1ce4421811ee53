from __future__ import annotations

import pytest
from click.testing import CliRunner

from audiorec.cli import cli
from audiorec.exceptions import DataError
from audiorec.pipeline import read_recipe


@pytest.mark.parametrize("command", [["index"], ["import", "embeddings", "v.parquet"]])
def test_a_size_that_is_none_is_wrong_usage(tmp_path, command):
    """Before anything is read; the same in a recipe is an error in the recipe."""
    for size in ("2X", "-1G", "G", "", "1K", "nan"):
        done = CliRunner().invoke(cli, ["-w", str(tmp_path / "w"), *command, "--memory", size])
        assert done.exit_code == 2
        assert f"Invalid value for '--memory': {size!r} is not a size of at least 1M" in done.stderr
        assert "K, M, G or T, such as 500M or 2G" in done.stderr
    done = CliRunner().invoke(cli, ["-w", str(tmp_path / "w"), *command, "--memory", "1.5gb"])
    assert done.exit_code == 1 and "--memory" not in done.output
    (tmp_path / "r.toml").write_text('[index]\nmemory = "2X"\n')
    with pytest.raises(DataError, match=r"r.toml: .*memory='2X' must be a size"):
        read_recipe(tmp_path / "r.toml")


@pytest.mark.parametrize("option", ["--popularity", "--min-confidence"])
def test_nan_is_within_no_bounds(tmp_path, option):
    done = CliRunner().invoke(cli, ["-w", str(tmp_path / "w"), "similar", "t", option, "nan"])
    assert done.exit_code == 2
    assert f"Invalid value for '{option}': 'nan' is not a number" in done.stderr


def test_without_a_workspace_that_is_named_it_is_the_users_own(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv("AUDIOREC_WORKSPACE", raising=False)
    done = CliRunner().invoke(cli, ["status"])
    assert done.exit_code == 1 and str(tmp_path / "audiorec") in str(done.exception)
