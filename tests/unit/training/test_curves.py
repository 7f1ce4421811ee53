"""The picture of a training run."""

import pytest

from audiorec.training import EpochRow, plot_history
from audiorec.training.curves import BLUE, ORANGE

HISTORY = [
    EpochRow(1, 0.9, 0.95, 300.0),
    EpochRow(2, 0.5, 0.7, 310.0),
    EpochRow(3, 0.4, 0.8, 310.0),
]


@pytest.mark.parametrize("history", [HISTORY, HISTORY[:1]])
def test_writes_a_picture_where_there_was_no_folder(tmp_path, history):
    path = tmp_path / "reports" / "training.png"
    plot_history(history, path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_says_which_curve_is_which(tmp_path):
    plot_history(HISTORY, tmp_path / "training.svg")
    picture = (tmp_path / "training.svg").read_text()
    assert BLUE in picture
    assert ORANGE in picture
