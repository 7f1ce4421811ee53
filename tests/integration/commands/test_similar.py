"""The command ``similar``."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile as sf

from audiorec.audio import open_source
from audiorec.data.catalog import Catalog
from audiorec.recommend import Library

from ..conftest import call, spawn
from ..helpers import LATIN, WORDS, answer_json, every, failed, similar, tracks_csv

KEYS = {
    "rank",
    "track_id",
    "score",
    "artist",
    "title",
    "path",
    "guessed",
    "percentile",
    "album",
    "preview",
}


def test_one_track_by_id_name_title_and_path_gives_one_answer(finished, world, some_track):
    path = world.tracks_csv.parent / some_track["path"]
    names = [
        some_track["track_id"],
        f"{some_track['artist']} - {some_track['title']}",
        some_track["title"],
        str(path),
    ]
    answers = [answer_json("-w", finished, "similar", name, "-k", "5") for name in names]
    assert answers[0]["query"] == [some_track["track_id"]]
    assert [hit["rank"] for hit in answers[0]["results"]] == [1, 2, 3, 4, 5]
    assert all(set(hit) == KEYS for hit in answers[0]["results"])
    parts = [hit["preview"] for hit in answers[0]["results"]]
    assert all(0 < part["end"] - part["start"] <= 15.1 for part in parts)
    assert answers[0]["results"] == answers[1]["results"] == answers[2]["results"]
    assert answers[0]["results"] == answers[3]["results"]
    scores = [hit["score"] for hit in answers[0]["results"]]
    assert scores == sorted(scores, reverse=True)


def test_a_copy_from_outside_is_the_track_itself(finished, world, some_track, tmp_path):
    copy = tmp_path / "copy.bin"
    copy.write_bytes((world.tracks_csv.parent / some_track["path"]).read_bytes())
    asked = answer_json("-w", finished, "similar", copy, "-k", "4")["results"]
    assert (
        asked
        == answer_json("-w", finished, "similar", some_track["track_id"], "-k", "4")["results"]
    )


def test_another_encoding_from_outside_is_the_track_too(finished, world, tmp_path):
    """Of a track that has a duplicate: neither stands among the answers."""
    kinds = np.load(world.truth, allow_pickle=False)
    place = kinds["kind"].tolist().index("duplicate")
    rows = {row["track_id"]: row for row in tracks_csv(world).iter_rows(named=True)}
    track = rows[str(kinds["track_ids"][place])]
    y, sr = sf.read(world.tracks_csv.parent / track["path"], dtype="float32")
    copy = tmp_path / "copy.ogg"
    sf.write(copy, 0.8 * y, sr, format="OGG", subtype="VORBIS", compression_level=0.5)
    groups = Library(finished).duplicates
    same = [track_id for track_id, group in groups.items() if group == groups[track["track_id"]]]
    assert len(same) == 2
    asked = answer_json("-w", finished, "similar", copy, "-k", every(finished))["results"]
    told = [
        answer_json("-w", finished, "similar", one, "-k", every(finished))["results"]
        for one in same
    ]
    assert asked in told
    assert not {hit["track_id"] for hit in asked} & set(same)


def test_a_file_from_outside_is_decoded_once(finished, world, monkeypatch):
    outside = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    opened = []
    monkeypatch.setattr(
        "audiorec.audio.clip_decoding.open_source",
        lambda path: opened.append(path) or open_source(path),
    )
    assert answer_json("-w", finished, "similar", outside, outside, "-k", "3")["results"]
    assert opened == [outside]


def test_more_neighbours_than_tracks_gives_all_there_are(finished, some_track):
    everything = answer_json(
        "-w", finished, "similar", some_track["track_id"], "-k", every(finished)
    )
    ids = [hit["track_id"] for hit in everything["results"]]
    assert 30 < len(ids) < 60
    assert some_track["track_id"] not in ids


def test_recordings_that_are_the_same_never_stand_side_by_side(finished, world, some_track):
    kinds = np.load(world.truth, allow_pickle=False)
    everything = answer_json(
        "-w", finished, "similar", some_track["track_id"], "-k", every(finished)
    )
    ids = {hit["track_id"] for hit in everything["results"]} | {some_track["track_id"]}
    copies = [str(i) for i, kind in zip(kinds["track_ids"], kinds["kind"], strict=True)
              if kind == "duplicate"]  # fmt: skip
    assert len(copies) >= 2
    rows = {row["track_id"]: row for row in tracks_csv(world).iter_rows(named=True)}
    for copy in copies:
        title = rows[copy]["title"].rsplit(" (", 1)[0]
        originals = [i for i, row in rows.items() if row["title"] == title and
                     row["artist"] == rows[copy]["artist"]]  # fmt: skip
        assert originals
        assert len(ids & {copy, *originals}) <= 1


def test_several_tracks_and_a_file_from_outside(finished, world, some_track):
    outside = next(path for path in sorted(world.held_back.rglob("*")) if path.is_file())
    both = answer_json("-w", finished, "similar", some_track["track_id"], outside, "-k", "3")
    alone = answer_json("-w", finished, "similar", outside, "-k", "3")
    assert len(both["results"]) == len(alone["results"]) == 3
    catalogued = answer_json("-w", finished, "status")["tracks"]
    assert catalogued == answer_json("-w", finished, "status")["tracks"]


def test_space_and_dial_are_taken_by_similar_and_playlist(finished, some_track, tmp_path):
    for options in (["--space", "content"], ["--popularity", "-0.5"], ["--space", "listening"]):
        track = some_track["track_id"]
        near = answer_json("-w", finished, "similar", track, "-k", "5", *options)
        assert len(near["results"]) == 5
        file = tmp_path / "p.m3u8"
        listed = answer_json(
            "-w", finished, "playlist", track, "--length", "6", *options, "-o", file
        )
        assert listed["results"][0]["track_id"] == track and len(listed["results"]) == 6


def test_an_ambiguous_name_lists_its_candidates(tmp_path, workspace):
    rng = np.random.default_rng(0)
    rows = ["track_id,path,artist,title"]
    for n, artist in enumerate(("Alma Ro", "Bela Tu")):
        sf.write(tmp_path / f"{n}.wav", rng.normal(0, 0.1, 22050 * 3), 22050)
        rows.append(f"same{n},{n}.wav,{artist},Evening Song")
    (tmp_path / "two.csv").write_text("\n".join(rows))
    assert call("-w", workspace, "scan", "--manifest", tmp_path / "two.csv").code == 0
    answer = call("-w", workspace, "similar", "Evening Song")
    assert answer.code == 1
    assert "Alma Ro" in answer.err and "Bela Tu" in answer.err
    failed(call("-w", workspace, "similar", "same0"), "not in the index", "audiorec run")
    with Catalog(workspace / "catalog.sqlite") as catalog:
        catalog.record_failure(tmp_path / "0.wav", stage="mel", reason="0.wav is odd; mend it")
    answer = call("-w", workspace, "similar", "same0")
    failed(answer, "could not be decoded: 0.wav is odd; mend it", "audiorec status --failures")


def test_a_file_from_outside_is_no_track_of_nearly_its_path(workspace, outside, tmp_path):
    with Catalog(workspace / "catalog.sqlite") as catalog:
        track = catalog.get("t000001")
        folder = tmp_path / "m"
        file = folder / ("a title so long that little else counts " * 4 + outside.suffix)
        catalog.upsert(replace(track, artist="", title=str(file).replace("/m/", "/n/")))
    folder.mkdir()
    shutil.copy(outside, file)
    found = json.loads(call("-w", workspace, "similar", file, "--json", "-k", "60").out)
    assert "t000001" in [row["track_id"] for row in found["results"]]


def test_every_line_of_a_batch_is_answered(finished, not_audio, outside, tmp_path):
    text = tmp_path / "text.md"
    text.write_text("# No sound\n" * 100)
    lines = [b"\xef\xbb\xbft000001", b"caf\xe9", bytes(text), b"x" * 300, b"\0", b"m\tn"]
    lines += [bytes(not_audio / "pipe.wav"), os.fsencode(outside), b"t000002"]
    file = tmp_path / "batch.txt"
    file.write_bytes(b"\n".join(lines) + b"\n")
    answer = call("-w", finished, "similar", "--batch", file, "-k", "1")
    assert answer.code == 1 and not answer.err
    rows = [json.loads(line) for line in answer.out.splitlines()]
    assert [len(row.get("results", ())) for row in rows] == [1, 0, 0, 0, 0, 0, 0, 1, 1]
    assert rows[0]["query"] == ["t000001"]
    said = [row.get("error", "") for row in rows]
    assert "not UTF-8" in said[1] and "cannot be decoded" in said[2]
    assert "no track is called 'xxx" in said[3] and "no track is called" in said[4]
    assert "is not a regular file" in said[6]


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii", "latin-1"])
def test_answers_in_any_encoding(workspace, outside, tmp_path, encoding):
    with Catalog(workspace / "catalog.sqlite") as catalog:
        catalog.upsert([replace(track, title="Ночь") for track in catalog.tracks()])
    shutil.copy(outside, tmp_path / LATIN)
    options = {"cwd": tmp_path, "env": {**os.environ, "PYTHONIOENCODING": encoding}}
    file = tmp_path / "names.txt"
    file.write_text(f"{LATIN}\nt000001\n", encoding="utf-8", errors="surrogateescape")
    for question in ([LATIN, "--json"], [LATIN], ["--batch", file], ["nol\udce9.wav"]):
        with spawn("-w", workspace, "similar", *question, "-k", "3", **options) as process:
            out, err = process.communicate()
        assert "Traceback" not in err
        if question[0] == "nol\udce9.wav":
            assert process.returncode == 1 and "no track is called" in err
            continue
        assert process.returncode == 0, err
        if "--json" in question:
            answer = json.loads(out)
            assert answer["query"] == [LATIN]
            assert {hit["title"] for hit in answer["results"]} == {"Ночь"}


def all_similar(workspace, *arguments):
    """Every neighbour that fits: more are asked for than there are, which ends with 1."""
    answer = call("-w", workspace, "similar", *arguments, "-k", "99", "--json")
    assert answer.code == 1 and "tracks that fit are shown" in answer.err
    return json.loads(answer.out)["results"]


def test_similar_keeps_to_words(tagged, words, track):
    everything = all_similar(tagged, track)
    ids = [hit["track_id"] for hit in everything]
    for wanted, barred in (
        (["guitar"], []),
        (["Guitar", "sad"], []),
        (["piano"], ["guitar", "sad"]),
    ):
        options = [*(o for tag in wanted for o in ("--tag", tag)),
                   *(o for tag in barred for o in ("--without-tag", tag))]  # fmt: skip
        found = all_similar(tagged, track, *options)
        fit = {tag.lower() for tag in wanted}, set(barred)
        expected = [id_ for id_ in ids if fit[0] <= words[id_] and not fit[1] & words[id_]]
        assert set(expected) <= {hit["track_id"] for hit in found}
        for hit in found:
            assert fit[0] <= words[hit["track_id"]] and not fit[1] & words[hit["track_id"]]
        assert found, options
    none = call("-w", tagged, "similar", track, "--tag", "guitar", "--min-confidence", "0.9")
    failed(none, "no track fits the filters (tags guitar)")


def test_neighbours_are_explained(tagged, words, track):
    hits = similar(tagged, track, "-k", "20", "--why")
    for hit in hits:
        said = set(hit["shared_tags"])
        assert words[track] & words[hit["track_id"]] == said & set(WORDS)
    assert any(hit["shared_tags"] for hit in hits)
    assert "shared_tags" not in similar(tagged, track)[0]
    told = call("-w", tagged, "similar", track, "-k", "20", "--why")
    assert told.out.count("both: ") == len(hits)
    assert told.err == ""


def test_an_unknown_word_is_one_line_with_the_nearest(tagged, track):
    failed(
        call("-w", tagged, "similar", track, "--tag", "gitar"), "'gitar'", "did you mean 'guitar'"
    )
    failed(call("-w", tagged, "similar", track, "--without-tag", "zzzz"), "audiorec tags --list")


def test_artists_and_albums_stand_for_their_tracks(finished, world):
    rows = tracks_csv(world)
    artist = rows["artist"][5]
    own = {id_ for id_, name in rows.select("track_id", "artist").iter_rows() if name == artist}
    hits = similar(finished, "--artist", artist, "-k", "20")
    assert hits and not {hit["track_id"] for hit in hits} & own
    one = min(own)
    apart = similar(finished, "--artist", artist, "--not", one, "-k", "20")
    assert one not in {hit["track_id"] for hit in apart} and apart != hits
    failed(call("-w", finished, "similar", "--artist", "Nobody At All"), "Nobody At All")


def test_neighbours_below_a_score_are_left_out(finished, some_track):
    track = some_track["track_id"]
    hits = similar(finished, track, "-k", "40", "--min-score", "60")
    assert hits and all(hit["percentile"] >= 60 for hit in hits)
    assert len(hits) < len(similar(finished, track, "-k", "40"))
    answer = call("-w", finished, "similar", track, "--min-score", "100")
    assert answer.out == "" and "is nearer than 100 % of the pairs" in answer.err
    assert "lower --min-score" in answer.err


@pytest.mark.parametrize(
    "option", [["--tag", "sad"], ["--why"], ["--year", "1990-"], ["--per-artist", "1"]]
)
def test_a_batch_takes_no_filters(finished, tmp_path, option):
    file = tmp_path / "batch.txt"
    file.write_text("t000001\n")
    failed(call("-w", finished, "similar", "--batch", file, *option), "--batch goes with", code=2)
