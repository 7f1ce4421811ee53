"""Files that are not what they are named: an error of one line or counted rows, nothing else."""

from __future__ import annotations

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audiorec.data import add_dataset
from audiorec.data.datasets import NAMES
from audiorec.data.plays import PlayedNames, load_plays, writing_plays
from audiorec.exceptions import DataError

FIXTURES = Path(__file__).parents[3] / "data" / "datasets"
MARKS = ("\t", "\n", "\r\n", '"', ",", "\ufeff", "\0", "<SEP>", "[", "]", "{", "}")
VALUES = ("1", "-5", "1e400", "9" * 30, "nan", "é", "a", "userID", "2009-13-45", "x" * 5000)
PIECES = (*MARKS, *VALUES, "2009-05-04T23:08:57Z")
TEXT = st.lists(st.sampled_from(PIECES), max_size=40).map("".join).map(str.encode)


def read(name: str, folder: Path):
    """Everything that an import reads of a set; None where it says one line of why not."""
    with tempfile.TemporaryDirectory() as scratch:
        stored = Path(scratch) / "plays"
        try:
            with writing_plays(stored) as writer:
                report, _ = add_dataset(writer, name, folder)
                if report.imported is None:
                    return None
                writer.commit()
        except DataError as error:
            assert "\n" not in str(error)
            assert not any(stored.iterdir()), "nothing is stored"
            return None
        plays = load_plays(stored)
        PlayedNames(stored).tracks(plays["track_id"].to_list())
        return plays


def check(plays):
    if plays is None:
        return
    assert len(plays)
    for column in ("user_id", "track_id"):
        assert plays.select((pl.col(column).fill_null("") != "").all()).item()
    assert plays["plays"].is_between(0, 1e9).all()
    assert plays["timestamp"].drop_nulls().is_between(0, 1e11).all()


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("yambda", "mtg-jamendo")])
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_mangled(name, data):
    """Any file of a set cut, overwritten in its middle, or replaced."""
    files = sorted(path.name for path in (FIXTURES / name).iterdir())
    victim = data.draw(st.sampled_from(files))
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        for file in files:
            (folder / file).write_bytes((FIXTURES / name / file).read_bytes())
        (folder / "005123.mp3").write_bytes(b"")
        content = (folder / victim).read_bytes()
        start = data.draw(st.integers(0, len(content)))
        end = data.draw(st.integers(start, len(content)))
        (folder / victim).write_bytes(
            content[:start] + data.draw(TEXT | st.binary(max_size=40)) + content[end:]
        )
        check(read(name, folder))


def test_ten_megabytes_on_one_line(tmp_path):
    row = b"2\t51\t" + b"9" * 10_000_000 + b"\n3\t51\t2\n3\t52\t2\n"
    (tmp_path / "user_artists.dat").write_bytes(row)
    assert len(read("hetrec", tmp_path)) == 2
