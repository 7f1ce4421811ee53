"""From few labels to all, on the planted world."""

from __future__ import annotations

import json

import numpy as np
import pytest

from audiorec.evaluate import Report, evaluate, evaluate_labels, labels
from audiorec.evaluate.material import gather
from audiorec.evaluate.page import write_page
from audiorec.evaluate.protocol import Cell, n_labelled, prepare, with_labels
from audiorec.evaluate.systems import RIDGE
from audiorec.exceptions import ParameterError, TrainingError

CELL = Cell("artist-cold", 0, None)
SOME = (0.1, 0.5)


@pytest.fixture(scope="module")
def world(planted):
    material = gather(planted.store, planted.plays, planted.tracks, recipe=planted.recipe)
    return prepare(material, CELL)


def curve(planted, *, names=(RIDGE,), shares=SOME, recipe=None, **how):
    return evaluate_labels(
        planted.store, planted.plays, planted.tracks, recipe=recipe or planted.recipe,
        shares=shares, systems=names, **how,
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(planted):
    return curve(planted)[0]


def test_a_smaller_shares_tracks_are_among_a_larger_ones(world) -> None:
    drawn = [set(with_labels(world, share).targets.ids) for share in (0.05, 0.1, 0.5, 1.0)]
    everything = set(world.targets.ids)
    n = len(everything)
    assert [len(some) for some in drawn] == [n_labelled(n, s) for s in (0.05, 0.1, 0.5)] + [n]
    assert drawn[0] < drawn[1] < drawn[2] < drawn[3] == everything
    other = prepare(world.material, CELL._replace(seed=1))
    both = everything & set(other.targets.ids)
    here, there = (set(with_labels(w, 0.5).targets.ids) & both for w in (world, other))
    assert here != there  # another seed, other tracks


def test_only_what_is_learned_from_shrinks(world) -> None:
    few = with_labels(world, 0.1)
    assert few.factors is world.factors
    assert (few.cold, few.listeners, few.folding) == (world.cold, world.listeners, world.folding)
    for track_id in few.targets.ids:
        np.testing.assert_array_equal(
            few.targets.take([track_id]).vectors, world.targets.take([track_id]).vectors
        )
    assert with_labels(world, 1.0) is world


def test_the_unlabelled_are_the_rest_of_the_training_tracks(world) -> None:
    few = with_labels(world, 0.1)
    assert world.held_out.isdisjoint(few.unlabelled)
    assert set(few.targets.ids).isdisjoint(few.unlabelled)
    assert {*few.targets.ids, *few.unlabelled} == set(world.material.audio) - world.held_out
    assert set(world.unlabelled) == set(world.material.audio) - world.held_out - set(
        world.targets.ids
    )


def test_more_labels_tell_more(report) -> None:
    assert [row.labels for row in report.rows] == [0.1, 0.5, 1.0]
    shares = [row.share for row in report.rows]
    assert shares == sorted(shares)
    assert report.rows[0].keeps < 0.9
    assert [row.n_labelled for row in report.rows] == sorted(row.n_labelled for row in report.rows)


def test_all_labels_are_the_evaluation_itself(planted, report) -> None:
    body = evaluate(
        planted.store, planted.plays, planted.tracks, recipe=planted.recipe, systems=(RIDGE,)
    ).to_json()
    whole = report.rows[-1]
    assert whole.labels == 1.0
    assert whole.share == pytest.approx(body["share_of_oracle"][RIDGE]["nDCG@50"])
    assert whole.spread == pytest.approx(body["spread"][RIDGE]["nDCG@50"])
    assert whole.values["AUC"] == pytest.approx(body["systems"][RIDGE]["AUC"])
    ends = body["intervals"]["share_of_oracle"][RIDGE]["nDCG@50"]
    assert whole.share_interval == pytest.approx(ends, abs=0.01)  # chance has one draw there
    assert (whole.keeps, *whole.keeps_interval) == (1.0, 1.0, 1.0)


def test_what_is_kept_is_the_share_over_its_own_with_all(report) -> None:
    for row in report.rows:
        assert row.keeps == pytest.approx(row.share / report.rows[-1].share)
        assert row.share_interval.low <= row.share <= row.share_interval.high
        assert row.keeps_interval.low <= row.keeps <= row.keeps_interval.high


def test_every_share_is_kept_and_scored_once(planted, tmp_path, monkeypatch) -> None:
    first = curve(planted, work_directory=tmp_path)[0]
    monkeypatch.setattr(labels, "learned", lambda *_, **__: pytest.fail("nothing is missing"))
    again = curve(planted, work_directory=tmp_path)[0]
    assert again.to_json()["rows"] == first.to_json()["rows"]
    with pytest.raises(pytest.fail.Exception):
        curve(planted, shares=(0.25,), work_directory=tmp_path)


def test_report_and_page(planted, report, tmp_path) -> None:
    body = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert [row["labels"] for row in body["rows"]] == [0.1, 0.5, 1.0]
    assert body["rows"][0]["gain"] is None
    text = report.to_text()
    assert text.splitlines()[0].startswith("artist-cold, by labels: ")
    assert f"10 % ({report.rows[0].n_labelled})" in text
    assert "nan" not in text
    write_page(Report((report,)), tmp_path / "page.html", recipe=planted.recipe)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img ") == 1 and "by labels" in page


def test_what_cannot_be(planted) -> None:
    for share in (0.0, 1.5, -0.1, float("nan")):
        with pytest.raises(ParameterError, match="must be a share above 0 and at most 1"):
            curve(planted, shares=(share,))
    with pytest.raises(ParameterError, match="'random' learns nothing from labels"):
        curve(planted, names=("random",))
    with pytest.raises(TrainingError, match=r"1 % of the labels: only 2 .* a larger share"):
        curve(planted, names=("cnn",), shares=(0.01,))


def test_a_desk_of_its_own_for_each_share(planted, tmp_path) -> None:
    from audiorec.evaluate.scores import Shelf
    from audiorec.progress import silent

    material = gather(planted.store, planted.plays, planted.tracks, recipe=planted.recipe)
    shelf = Shelf(tmp_path)
    desks = {
        shelf.desk(material, CELL._replace(labels=share), progress=silent)[0]
        for share in (0.1, 0.5, 1.0)
    }
    assert len(desks) == 3
