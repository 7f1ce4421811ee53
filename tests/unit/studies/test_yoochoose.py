"""The study on a sample of clicks: how it reads, and that its two figures are of the right rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from audiorec.exceptions import DataError
from audiorec.studies import yoochoose


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for name, n_sessions in (("train_full", 60), ("test", 20)):
        lines = ["SessionId\tItemId\tTime"]
        for number in range(n_sessions):
            start = int(rng.integers(8))
            for step in range(int(rng.integers(2, 5))):
                at = 1e9 + number * 100 + step + 0.25
                lines.append(f"{n_sessions - number}\t{100 + (start + step) % 8}\t{at}")
        (tmp_path / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "positions.tsv").write_text("SessionId\tPosition\n20\t0\n3\t0\n")
    return tmp_path


def test_positions_are_those_of_the_named_sessions(directory: Path) -> None:
    sample = yoochoose.load_sample(directory)
    rows = np.repeat(np.arange(len(sample.test)), sample.test.lengths - 1)
    assert rows[sample.positions].tolist() == [0, 17]  # session 20 began first, and 3 as the 18th
    assert sample.train.item_ids == sample.test.item_ids
    assert sample.test.starts[0] == pytest.approx(1e9 + 0.25)


def test_a_system_is_scored_on_both(directory: Path) -> None:
    sample = yoochoose.load_sample(directory)
    (fit,) = yoochoose.systems([0])["rules"]
    score = yoochoose.score(fit, sample)
    assert score.mrr > 0.9  # the next on the ring
    assert score.mrr_listed == pytest.approx(1, abs=0.5)
    assert set(yoochoose.PUBLISHED) < set(yoochoose.systems([0]))
    assert len(yoochoose.systems([0, 1, 2])["gru4rec"]) == 3
    text = yoochoose.table({"rules": [score], "gru4rec": [score, score]})
    assert "0.561 / 0.328" in text
    assert text.count("seed") == 2


def test_a_folder_of_something_else_is_named_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="train_full.tsv is no file of the sample"):
        yoochoose.load_sample(tmp_path)
    done = CliRunner().invoke(yoochoose.main, [str(tmp_path)])
    assert done.exit_code == 1
    assert len(done.output.splitlines()) == 1


def test_the_command_scores_every_system(directory: Path) -> None:
    done = CliRunner().invoke(yoochoose.main, [str(directory), "--seed", "4", "--json"])
    assert done.exit_code == 0, done.output
    scores = json.loads(done.output)
    assert list(scores) == list(yoochoose.systems([4]))
    assert all(len(each) == 1 and each[0]["hr"] == 1 for each in scores.values())  # of 8 items
    assert scores["rules"][0]["mrr"] > 0.9 > scores["popularity"][0]["mrr"]


def test_the_command_prints_a_table(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fast = {name: fits for name, fits in yoochoose.systems([]).items() if "rules" in name}
    monkeypatch.setattr(yoochoose, "systems", lambda seeds: fast)
    done = CliRunner().invoke(yoochoose.main, [str(directory)])
    first, *lines = done.output.splitlines()
    assert first.split()[-2:] == ["train", "answer"]
    assert [line[:20].strip() for line in lines] == ["association rules", "rules"]
    assert "1.000" in lines[0] and "0.592 / 0.316" in lines[0]
