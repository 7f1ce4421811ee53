"""Progress where standard error is no terminal; what is printed whatever it is printed to."""

from __future__ import annotations

import gc
import io
import json
import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from audiorec.cli import cli, main
from audiorec.cli.common import (
    ProgressLine,
    echo_json,
    echo_line,
    importing,
    json_text,
    never_die_of_an_encoding,
    read_recipe,
)
from audiorec.exceptions import DataError
from audiorec.pipeline import workspace_recipe


def test_the_last_line_of_a_stage_comes_once(capsys):
    with_total = ProgressLine()
    for stage in ("scan", "mel"):
        for done in (0, 1, 2, 2):
            with_total(stage, done, 2)
    with_total("scan", 2, 2)
    with_total.close()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in lines] == ["scan", "mel", "scan"]
    assert all("2/2  100 %" in line for line in lines)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii"])
def test_json_is_whole_whatever_stdout_takes(monkeypatch, encoding):
    values = ({"title": "Ночь"}, {"query": ["lat\udce9.wav"], "title": "Ночь"})
    for value in values:
        raw = io.BytesIO()
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding=encoding))
        echo_json(value)
        assert json.loads(raw.getvalue().decode("utf-8")) == value
        escaped = "Ночь".encode() not in raw.getvalue()
        assert escaped == (encoding != "utf-8" or "query" in value)


def test_text_is_written_out_where_it_cannot_be_encoded(monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1", errors="strict")
    monkeypatch.setattr("sys.stdout", stream)
    never_die_of_an_encoding(stream, io.StringIO(), None)
    echo_line("é, Ночь\nlat\udce9.wav")
    assert raw.getvalue() == b"\xe9, " + rb"\u041d\u043e\u0447\u044c\nlat\xe9.wav" + b"\n"


def test_shipped_recipes_are_found_wherever_one_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert read_recipe(Path("pipelines/library.toml")).model.target == "content"
    with pytest.raises(DataError, match=r"recipe pipelines/none.toml cannot be read: no such file"):
        read_recipe(Path("pipelines/none.toml"))
    with pytest.raises(DataError, match=r"recipe other/library.toml cannot be read"):
        read_recipe(Path("other/library.toml"))
    own = tmp_path / "pipelines" / "library.toml"
    own.parent.mkdir()
    own.write_text("[factors]\nfactors = 7\n")
    assert read_recipe(Path("pipelines/library.toml")).factors.factors == 7


def test_installed_recipes_are_found(tmp_path, monkeypatch):
    """As a wheel lays them out, away from any checkout."""
    from importlib import metadata

    from audiorec.cli import common

    recipe = tmp_path / "share" / "audiorec" / "pipelines" / "library.toml"
    recipe.parent.mkdir(parents=True)
    recipe.with_name("default.toml").touch()
    recipe.write_text("[factors]\nfactors = 9\n")
    path = metadata.PackagePath("share/audiorec/pipelines/default.toml")
    monkeypatch.setattr(path.__class__, "locate", lambda self: recipe.with_name("default.toml"))
    monkeypatch.setattr(metadata, "files", lambda name: [path])
    monkeypatch.setattr(
        workspace_recipe, "__file__", str(tmp_path / "site" / "audiorec" / "pipeline" / "r.py")
    )
    monkeypatch.chdir(tmp_path)
    assert common.read_recipe(Path("pipelines/library.toml")).factors.factors == 9


@pytest.mark.parametrize("command", [["index"], ["import", "embeddings", "v.parquet"]])
def test_a_size_that_is_none_is_wrong_usage(tmp_path, command):
    """Before anything is read; the same in a recipe is an error in the recipe."""
    for size in ("2X", "-1G", "G", "", "1K", "nan"):
        done = CliRunner().invoke(cli, ["-w", str(tmp_path / "w"), *command, "--memory", size])
        assert done.exit_code == 2
        assert f"Invalid value for '--memory': {size!r} is no size of at least 1M" in done.stderr
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
    assert f"Invalid value for '{option}': 'nan' is no number" in done.stderr


@pytest.mark.parametrize("given, used", [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_that_wait_do_not_spin_unless_asked_to(monkeypatch, given, used):
    monkeypatch.setenv("OMP_WAIT_POLICY", given or "")
    if given is None:
        monkeypatch.delenv("OMP_WAIT_POLICY")
    monkeypatch.setattr(sys, "argv", ["audiorec", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert os.environ["OMP_WAIT_POLICY"] == used


def test_json_escapes_what_a_terminal_would_obey():
    odd = "a\x85\x9b31m\u202eb\u2028c\u2066\u200f\ufeffé\u200dü"
    text = json_text({"title": odd})
    assert json.loads(text) == {"title": odd}
    assert all(c.isprintable() or c == "\u200d" for c in text) and "é" in text


def test_imports_are_not_searched_for_garbage_and_what_comes_after_them_is(monkeypatch):
    frozen = [0]
    monkeypatch.setattr(gc, "get_freeze_count", lambda: frozen[0])
    monkeypatch.setattr(gc, "freeze", lambda: frozen.append(frozen.pop() + 1))
    with pytest.raises(ImportError), importing():
        assert not gc.isenabled()
        raise ImportError("no such module")
    assert gc.isenabled()
    assert frozen == [1]
    with importing():  # of a second command of one process, little is left to import
        assert gc.isenabled()
    assert frozen == [1]
