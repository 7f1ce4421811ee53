"""Names found by their trigrams, against comparing with every name there is."""

from __future__ import annotations

import random
import sqlite3
from dataclasses import replace

import pytest

from audiorec.data.catalog import Catalog, FileRow, Track
from audiorec.data.catalog.name_search import TABLE, trigram_matches, trigrams
from audiorec.data.catalog.schema import MIGRATIONS
from audiorec.data.names import closest, normalize_text
from audiorec.data.names.fuzzy_search import CLOSE
from audiorec.exceptions import AmbiguousNameError, NotFoundError, WorkspaceError

# fmt: off
WORDS = [
    "amber", "ashes", "autumn", "avenue", "ballad", "black", "blue", "border", "bridge",
    "broken", "candle", "carry", "castle", "circle", "city", "cold", "country", "crystal",
    "dance", "dark", "dawn", "desert", "distant", "dream", "dust", "echo", "electric", "empty",
    "ever", "falling", "fever", "fire", "flower", "forest", "forever", "garden", "ghost",
    "glass", "golden", "gravity", "harbour", "heart", "heaven", "hollow", "home", "hour",
    "hunter", "island", "jungle", "kingdom", "ladder", "letter", "light", "lonely", "lost",
    "machine", "midnight", "mirror", "moon", "mountain", "never", "night", "ocean", "orange",
    "paper", "people", "pilot", "planet", "queen", "rain", "river", "road", "rose", "saturday",
    "season", "secret", "shadow", "silver", "sister", "sleep", "snow", "song", "spring",
    "station", "stone", "storm", "summer", "sun", "thunder", "tiger", "train", "valley",
    "velvet", "violet", "water", "whisper", "wild", "window", "winter", "wolf", "wonder",
    "yellow", "yesterday",
]
# fmt: on
N = 1500


def made_up(n: int = N) -> list[Track]:
    rng = random.Random(0)
    artists = [" ".join(rng.sample(WORDS, rng.choice((1, 2)))).title() for _ in range(n // 10)]
    return [
        Track(
            f"t{number:05d}",
            f"/music/{number}.mp3",
            rng.choice(artists),
            " ".join(rng.sample(WORDS, rng.choice((1, 2, 2, 3, 4)))).capitalize(),
            clip_hash=f"h{number}",
        )
        for number in range(n)
    ]


def misspelt(name: str, rng: random.Random) -> str:
    """A letter lost, doubled, swapped or mistaken."""
    place = rng.randrange(1, len(name) - 1)
    return rng.choice(
        [
            name[:place] + name[place + 1 :],
            name[:place] + name[place] + name[place:],
            name[: place - 1] + name[place] + name[place - 1] + name[place + 1 :],
            name[:place] + rng.choice("aeioust") + name[place + 1 :],
        ]
    )


@pytest.fixture(scope="module")
def tracks() -> list[Track]:
    return made_up()


@pytest.fixture(scope="module")
def full(tmp_path_factory, tracks):
    with Catalog(tmp_path_factory.mktemp("catalog") / "catalog.sqlite") as catalog:
        catalog.upsert(tracks)
        yield catalog


def outcome(catalog, name):
    try:
        return catalog.find(name).track_id
    except AmbiguousNameError as error:
        return error.candidates
    except NotFoundError:
        return None


def test_the_candidates_hold_what_every_name_compared_would_give(full, tracks):
    """The slow twin compares with all; whoever is close there is among those found here."""
    rng = random.Random(1)
    keys = [
        key for track in tracks for key in (normalize_text(track.name), normalize_text(track.title))
    ]
    found = 0
    for track in rng.sample(tracks, 120):
        name = normalize_text(misspelt(misspelt(track.name, rng), rng))
        twin = {
            tracks[place // 2].track_id
            for place, score in closest(name, keys, limit=5)
            if score >= CLOSE
        }
        assert twin <= set(trigram_matches(full._db, name)), name
        found += bool(twin)
    assert found > 60


def test_finding_is_as_it_was_without_the_search(full, tracks, tmp_path):
    older = tmp_path / "catalog.sqlite"
    database = sqlite3.connect(older)
    full._db.backup(database)
    database.executescript(f"DROP TABLE {TABLE}; DROP TABLE names;")
    database.close()
    rng = random.Random(2)
    with Catalog(older, read_only=True) as slow:
        for track in rng.sample(tracks, 40):
            for name in (track.title, misspelt(track.name, rng), misspelt(track.title, rng)):
                assert outcome(full, name) == outcome(slow, name), name


def test_what_begins_so_is_suggested_first(full):
    full.upsert(Track("long", "/l.mp3", "Somebody", "Zephyrs over an endless northern plain"))
    with pytest.raises(NotFoundError, match="did you mean 'Somebody - Zephyrs over an endless"):
        full.find("zephyrs")


def names_held(catalog):
    rows = catalog._db.execute(
        f"SELECT track_id, name FROM names JOIN {TABLE} ON {TABLE}.rowid = number ORDER BY track_id"
    ).fetchall()
    assert catalog._db.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0] == len(rows)
    return dict(rows)


def test_the_search_follows_every_change(tmp_path):
    one, two = Track("a", "/a", "Björk", "Jóga"), Track("b", "/b", "", "Untitled")
    with Catalog(tmp_path / "catalog.sqlite") as catalog:
        catalog.upsert([one, two])
        assert names_held(catalog) == {"a": "bjork - joga", "b": "untitled"}
        catalog.upsert(replace(one, title="Hunter"))
        assert names_held(catalog) == {"a": "bjork - hunter", "b": "untitled"}
        catalog.upsert(Track("c", "/b", "Other", "At the same path"))
        assert set(names_held(catalog)) == {"a", "c"}
        catalog.replace(["a", "c"], [FileRow(replace(one, path="/b"))])
        assert names_held(catalog) == {"a": "bjork - joga"}
        with pytest.raises(ZeroDivisionError), catalog.transaction():
            catalog.upsert([replace(one, title="Never"), two])
            _ = 1 / 0
        assert names_held(catalog) == {"a": "bjork - joga"}
        catalog.upsert([Track("d", "/d", title="First"), Track("e", "/d", title="Second")])
        assert names_held(catalog) == {"a": "bjork - joga", "e": "second"}
        assert [t.track_id for t in catalog.tracks()] == ["a", "e"]


@pytest.fixture
def old(tmp_path):
    """A catalogue as the first version wrote it."""
    path = tmp_path / "catalog.sqlite"
    database = sqlite3.connect(path)
    database.executescript(MIGRATIONS[0])
    database.execute("PRAGMA user_version = 1")
    for track in (*made_up(30), Track("j", "/j.mp3", "Björk", "Jóga")):
        key, title = normalize_text(track.name), normalize_text(track.title)
        database.execute(
            "INSERT INTO tracks VALUES (?,?,?,?,'',NULL,'',0,0,0,'',?,0,0,0,'{}',?,?)",
            [track.track_id, track.path, track.artist, track.title, track.clip_hash, key, title],
        )
    database.commit()
    database.close()
    return path


def test_an_old_catalogue_is_read_and_brought_up_to_date_with_nothing_lost(old):
    before = old.read_bytes()
    with Catalog(old, read_only=True) as catalog:
        tracks = catalog.tracks()
        assert catalog.find("bjork - jogaa").track_id == "j"
    assert old.read_bytes() == before
    with Catalog(old) as catalog:
        assert catalog.tracks() == tracks
        assert names_held(catalog)["j"] == "bjork - joga"
        assert len(names_held(catalog)) == 31
        assert catalog.find("bjork - jogaa").track_id == "j"
    with Catalog(old, read_only=True) as catalog:
        assert catalog.find("bjork - jogaa").track_id == "j"


def test_a_sqlite_without_trigrams_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 31, 1))
    with pytest.raises(WorkspaceError, match=r"needs SQLite 3.34 or later.*newer Python"):
        Catalog(tmp_path / "catalog.sqlite")


@pytest.mark.parametrize(
    "name", ['say "what"', "a\0bcd", "\udcffxyz.mp3", "AND OR NOT", "x*", "日本語の歌", "''\"\"'"]
)
def test_any_name_can_be_asked_for(full, name):
    with pytest.raises(NotFoundError) as caught:
        full.find(name)
    assert "\n" not in str(caught.value)


def test_trigrams():
    assert trigrams("abcd") == ["abc", "bcd"]
    assert trigrams("ab") == []
    assert trigrams('a"b') == ['a""b']


def test_a_close_name_reads_no_whole_table(full):
    """Neither the search nor what follows it walks through every track."""
    plans = []
    full.upsert(Track("long", "/l.mp3", "Somebody", "Zephyrs over an endless northern plain"))
    full._db.set_trace_callback(plans.append)
    full.find(misspelt("Somebody - Zephyrs over an endless northern plain", random.Random(3)))
    full._db.set_trace_callback(None)
    for statement in plans:
        if statement.lstrip().startswith("SELECT"):
            steps = full._db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
            assert not any(step[3].startswith(("SCAN tracks", "SCAN names")) for step in steps)
