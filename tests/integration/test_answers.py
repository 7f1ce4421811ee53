"""Questions to a finished workspace, asked as a user asks them."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import soundfile as sf

from audiorec import artifacts
from audiorec.audio.decode import open_source
from audiorec.data.catalog import Catalog
from audiorec.embeddings import unit_norm
from audiorec.factors import load_factors, smooth_by_artist
from audiorec.recommend.library import Library
from audiorec.recommend.vectors import artist_smoothing, artists_of, content
from audiorec.workspace import Workspace

from .conftest import call

KEYS = {"rank", "track_id", "score", "artist", "title", "path", "guessed", "percentile", "album"}


def tracks_csv(world):
    return pl.read_csv(world.tracks_csv)


def answer_json(*arguments):
    answer = call(*arguments, "--json")
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def every(workspace):
    """As many as there are tracks."""
    with Catalog(workspace / "catalog.sqlite", read_only=True) as catalog:
        return str(len(catalog))


@pytest.fixture(scope="module")
def some_track(world):
    return tracks_csv(world).row(5, named=True)


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
    assert answers[0]["results"] == answers[1]["results"] == answers[2]["results"]
    assert answers[0]["results"] == answers[3]["results"]
    scores = [hit["score"] for hit in answers[0]["results"]]
    assert scores == sorted(scores, reverse=True)


def test_nothing_is_wrong_with_a_workspace_that_has_just_been_made(finished):
    answer = call("-w", finished, "doctor")
    assert answer.code == 0 and "run 'audiorec" not in answer.out, answer.out


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
        "audiorec.audio.clips.open_source", lambda path: opened.append(path) or open_source(path)
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


def test_recommendations_leave_out_what_was_heard_unless_asked(finished, world):
    plays = pl.read_csv(world.plays_csv)
    user = plays["user_id"][0]
    heard = set(plays.filter(pl.col("user_id") == user)["track_id"])
    new = answer_json("-w", finished, "recommend", user, "-k", "10")
    assert new["user"] == user
    assert not heard & {hit["track_id"] for hit in new["results"]}
    everything = answer_json("-w", finished, "recommend", user, "-k", every(finished), "--heard")
    assert heard & {hit["track_id"] for hit in everything["results"]}


def test_a_listeners_vector_times_a_tracks_is_the_score_that_ranks(finished, world, tmp_path):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    for what in ("embeddings", "user-factors", "track-factors"):
        assert call("-w", finished, "export", what, tmp_path / f"{what}.parquet").code == 0
    tracks = pl.read_parquet(tmp_path / "embeddings.parquet")
    users = pl.read_parquet(tmp_path / "user-factors.parquet")
    assert tracks.columns == ["track_id", "vector"] and users.columns == ["user_id", "vector"]
    assert tracks.schema["vector"] == pl.List(pl.Float32)
    vector = np.array(users.filter(pl.col("user_id") == user)["vector"][0])
    by_id = dict(zip(tracks["track_id"], tracks["vector"], strict=True))
    hits = answer_json("-w", finished, "recommend", user, "-k", "20")["results"]
    for hit in hits:
        assert hit["score"] == pytest.approx(vector @ np.array(by_id[hit["track_id"]]), abs=1e-5)


def test_each_space_answers_by_the_vectors_it_is_made_of(finished, world, tmp_path):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    for what in ("embeddings", "user-factors", "track-factors"):
        assert call("-w", finished, "export", what, tmp_path / f"{what}.parquet").code == 0
    users, factors, blend = (
        dict(pl.read_parquet(tmp_path / f"{what}.parquet").iter_rows())
        for what in ("user-factors", "track-factors", "embeddings")
    )
    vector = np.array(users[user])
    orders = {}
    for space in ("blend", "content", "listening"):
        answer = answer_json(
            "-w", finished, "recommend", user, "-k", every(finished), "--space", space
        )
        assert answer["space"] == space
        orders[space] = [hit["track_id"] for hit in answer["results"]]
        if space != "content":
            served = blend if space == "blend" else factors
            for hit in answer["results"]:
                expected = vector @ np.array(served[hit["track_id"]])
                assert hit["score"] == pytest.approx(expected, abs=1e-5)
    assert orders["blend"] != orders["content"] != orders["listening"]
    assert set(orders["listening"]) <= set(factors) & set(blend)


def test_a_played_track_is_where_its_listeners_place_it_and_a_new_one_where_sound_and_artist_do(
    workspace, world
):
    added = call("-w", workspace, "add", world.held_back).out.split()
    library = Library(workspace)
    place = library.workspace
    sound, factors = content(place), library._factors().tracks
    blend = library.index.embeddings()
    smoothing = artist_smoothing(artifacts.load_manifest(place.model, kind="model"))
    begun = smooth_by_artist(sound, factors=factors, artists=artists_of(place), smoothing=smoothing)
    assert all(np.array_equal(blend[i], begun[i]) for i in added)
    plays = pl.read_csv(world.plays_csv)["track_id"].value_counts()
    often = plays.filter(pl.col("count") > 60)["track_id"].to_list()
    assert len(often) > 5
    for track in often:
        if track in blend:
            assert np.abs(blend[track] - factors[track]).max() < 1e-2
            assert np.abs(blend[track] - sound[track]).max() > 1e-2


def test_the_dial_turns_from_gems_to_hits(finished, world):
    counts = dict(pl.read_csv(world.plays_csv)["track_id"].value_counts().iter_rows())
    users = pl.read_csv(world.plays_csv)["user_id"].unique(maintain_order=True)[:12]
    mean = []
    for dial in ("-1", "0", "1"):
        hits = [
            hit["track_id"]
            for user in users
            for hit in answer_json(
                "-w", finished, "recommend", user, "-k", "5", "--popularity", dial
            )["results"]
        ]
        mean.append(np.mean([counts.get(track, 0) for track in hits]))
    assert mean == sorted(mean) and mean[0] < mean[-1]


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


@pytest.mark.parametrize("hubs", ["csls", "reach"])
def test_hubs_are_corrected_when_the_recipe_says_so(workspace, recipe, some_track, tmp_path, hubs):
    other = tmp_path / "hubs.toml"
    other.write_text(f'{recipe.read_text()}[index]\nhubs = "{hubs}"\n')
    assert call("-w", workspace, "index", "--recipe", other).code == 0
    near = answer_json("-w", workspace, "similar", some_track["track_id"], "-k", "5")
    assert len(near["results"]) == 5
    assert "up to date" in call("-w", workspace, "index").out


def test_add_takes_in_a_new_file_without_training(workspace, world):
    model = sorted((workspace / "model").iterdir())
    before = [path.read_bytes() for path in model]
    answer = call("-w", workspace, "add", world.held_back)
    assert answer.code == 0, answer.err
    added = answer.out.split()
    n_files = sum(path.is_file() for path in world.held_back.rglob("*"))
    assert len(added) == n_files
    near = answer_json("-w", workspace, "similar", added[0], "-k", "5")
    assert len(near["results"]) == 5
    assert [path.read_bytes() for path in sorted((workspace / "model").iterdir())] == before
    assert call("-w", workspace, "add", world.held_back).out.split() == added
    assert "up to date" in call("-w", workspace, "train").out


@pytest.mark.parametrize("encoder", ["cnn", "descriptors"])
def test_another_artist_makes_a_model_stale(encoder, workspace, world, recipe, tmp_path):
    other, tracks = tmp_path / "other.toml", tracks_csv(world)
    other.write_text(recipe.read_text().replace("[model]\n", f'[model]\nencoder = "{encoder}"\n'))
    assert call("-w", workspace, "train", "--recipe", other).code == 0
    assert "up to date" in call("-w", workspace, "train").out
    folder = str(world.tracks_csv.parent)
    renamed = tracks.with_columns(
        pl.concat_str(pl.lit(folder + "/"), "path").alias("path"),
        pl.when(pl.col("track_id") == tracks["track_id"][0])
        .then(pl.lit(tracks["artist"][-1]))
        .otherwise(pl.col("artist"))
        .alias("artist"),
    )
    assert tracks["artist"][0] != renamed["artist"][0]
    renamed.write_csv(tmp_path / "renamed.csv")
    told = "the model was learned before artists' names changed; run 'audiorec train'"
    assert told not in call("-w", workspace, "doctor").out
    assert call("-w", workspace, "scan", "--manifest", tmp_path / "renamed.csv").code == 0
    assert told in call("-w", workspace, "doctor").out
    assert "up to date" not in call("-w", workspace, "train").out
    assert "up to date" in call("-w", workspace, "train").out
    assert told not in call("-w", workspace, "doctor").out


def test_playlists_keep_artists_apart_and_can_be_read_back(finished, some_track, tmp_path):
    file = tmp_path / "list.m3u8"
    answer = call(
        "-w", finished, "playlist", some_track["track_id"],
        "--length", "12", "--artist-window", "3", "-o", file,
    )  # fmt: skip
    assert answer.code == 0, answer.err
    lines = file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#EXTM3U"
    paths = [line for line in lines if not line.startswith("#")]
    assert len(paths) == len(set(paths)) == 12
    assert all((file.parent / path).resolve().is_file() for path in paths)
    listed = json.loads(
        call("-w", finished, "playlist", some_track["track_id"], "--length", "12",
             "--artist-window", "3", "-o", tmp_path / "l.json", "--json").out
    )["results"]  # fmt: skip
    artists = [hit["artist"] for hit in listed]
    assert listed[0]["track_id"] == some_track["track_id"]
    assert all(len(set(artists[i : i + 3])) == 3 for i in range(len(artists) - 2))


def imported_by(*arguments):
    """Modules that a command has imported when it is done."""
    script = (
        "import sys\n"
        "sys.argv = ['audiorec', *sys.argv[1:]]\n"
        "from audiorec.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(done.stderr.split())


def test_help_imports_nothing_heavy():
    assert not imported_by("--help") & {"torch", "librosa", "faiss", "numpy", "lightning"}
    assert not imported_by("similar", "--help") & {"torch", "librosa", "faiss", "numpy"}


def test_a_question_about_a_catalogued_track_loads_neither_torch_nor_librosa(
    finished, some_track, world, tmp_path
):
    user = pl.read_csv(world.plays_csv)["user_id"][0]
    heavy = {"torch", "librosa", "torchaudio", "lightning", "sklearn", "matplotlib", "implicit"}
    loaded = imported_by("-w", finished, "similar", some_track["track_id"])
    assert "numpy" in loaded
    assert not loaded & {"faiss", "pydantic", "polars", "scipy", "rich"}  # nor what else is slow
    for question in (
        ["similar", some_track["track_id"]],
        ["recommend", user],
        ["recommend", user, "--space", "content", "--popularity", "-1"],
        ["similar", some_track["track_id"], "--space", "listening"],
        ["playlist", some_track["track_id"], "-o", tmp_path / "p.m3u8"],
    ):
        assert not imported_by("-w", finished, *question) & heavy


def test_a_new_track_is_placed_by_its_artists_others_too(workspace, world):
    place = Workspace(workspace)
    model = artifacts.load_manifest(place.model, kind="model")
    extra = model.extra | {"smoothing": {"k": 0.5}}
    artifacts.commit(
        place.model,
        kind="model",
        files=model.files,
        config=model.config,
        inputs=model.inputs,
        extra=extra,
    )
    for stage in ("embed", "index"):
        assert call("-w", workspace, stage).code == 0
    file = min(path for path in world.held_back.rglob("*") if path.is_file())
    (new,) = call("-w", workspace, "add", file).out.split()
    known = load_factors(place.factors).tracks
    with Catalog(place.catalog) as catalog:
        artists = catalog.artists()
        theirs = [i for i in known.ids if i in artists and artists[i] == artists[known.ids[0]]]
        catalog.upsert(replace(catalog.get(new), artist="Nobody Else"))
    mean = unit_norm(known.take(theirs).vectors).mean(axis=0)
    nearness = []
    for artist in ("Nobody Else", artists[theirs[0]].upper()):  # whatever the case
        with Catalog(place.catalog) as catalog:
            catalog.upsert(replace(catalog.get(new), artist=artist))
        assert "artists' names changed" in call("-w", workspace, "doctor").out
        assert call("-w", workspace, "index").code == 0  # which sees that a name has changed
        placed = Library(workspace).index.embeddings()[new]
        nearness.append(float(unit_norm(placed[None])[0] @ mean))
    alone = unit_norm(content(place)[new][None])[0] @ mean
    assert nearness[0] == pytest.approx(alone, abs=1e-5) and nearness[1] > alone + 0.1
    assert "up to date" in (again := call("-w", workspace, "index")).err + again.out
