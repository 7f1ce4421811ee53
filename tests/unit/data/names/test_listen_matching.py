"""Names matched to tracks: normalised, versions apart, and as right as labelled pairs demand."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiorec.data.names import Matcher, NameMatch, Recording, TrackName, name_id, split_title
from audiorec.data.names.canonical_names import album_words, artist_parts, artist_words, words
from audiorec.data.names.listen_matching import MAX_ID, SIMILAR_TITLE, _ArtistTitles
from audiorec.data.names.name_comparison import compact, is_catalogued

PAIRS = Path(__file__).parents[3] / "data" / "histories" / "pairs.tsv"
MORE_PAIRS = PAIRS.with_name("pairs_more.tsv")
FROZEN = PAIRS.with_name("pairs_frozen.tsv")


def labelled(file: Path = PAIRS) -> list[tuple[TrackName, TrackName, bool]]:
    """Pairs of names, and whether both are the same recording."""
    rows = []
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        cells = line.split("\t")
        names = [TrackName(*cells[i : i + 3], float(cells[i + 3] or 0) or None) for i in (0, 4)]
        rows.append((names[0], names[1], cells[8] == "1"))
    return rows


def score(pairs) -> tuple[float, float]:
    """Precision and recall, where each listen meets a catalogue that has the other name alone."""
    found = [Matcher([Recording("t", its)]).match(mine) is not None for mine, its, _ in pairs]
    same = [label for *_, label in pairs]
    right = sum(f and s for f, s in zip(found, same, strict=True))
    precision, recall = right / sum(found), right / sum(same)
    print(f"\n{len(pairs)} pairs: precision {precision:.3f}, recall {recall:.3f}")
    for (mine, its, label), f in zip(pairs, found, strict=True):
        if f != label:
            said = "taken" if f else "missed"
            print(f"{said}: {mine.artist} - {mine.title} | {its.artist} - {its.title}")
    return precision, recall


def is_found(listen: str, track: str) -> bool:
    """Whether an artist's listen with one title is matched to their track with the other."""
    return (
        Matcher([Recording("t", TrackName("X", track))]).match(TrackName("X", listen)) is not None
    )


@pytest.mark.parametrize(
    ("file", "fewest", "least"), [(PAIRS, 400, (0.99, 0.98)), (MORE_PAIRS, 300, (0.99, 0.87))]
)
def test_precision_and_recall_on_confusable_pairs(file, fewest, least):
    """There is no better track for any of them."""
    pairs = labelled(file)
    assert len(pairs) >= fewest
    precision, recall = score(pairs)
    assert precision >= least[0]
    assert recall >= least[1]


def test_precision_and_recall_on_confusable_pairs_that_no_rule_was_made_with():
    pairs = labelled(FROZEN)
    assert len(pairs) >= 400
    precision, recall = score(pairs)
    assert (round(precision, 3), round(recall, 3)) == (0.961, 0.801)


def test_the_same_pairs_in_one_catalogue():
    """With all tracks there, every listen that has a track finds one that is the same recording."""
    pairs = labelled()
    tracks = [Recording(str(row), its) for row, (_, its, _) in enumerate(pairs)]
    matcher = Matcher(tracks)
    good = wrong = 0
    for mine, its, same in pairs:
        match = matcher.match(mine)
        if match is None or not same:
            continue
        found = pairs[int(match.track_id)][1]
        if split_title(found.title).base == split_title(its.title).base or found == its:
            good += 1
        else:
            wrong += 1
    assert good >= 0.9 * sum(same for *_, same in pairs)
    assert wrong <= 0.01 * good


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Don't Stop - Remastered 2011", "Don’t Stop"),
        ("Song (feat. Somebody)", "SONG"),
        ("Song [Radio Edit]", "Song"),
        ("Song - Single Version; 2014 Remaster", "Song"),
        ("Группа крови", "Gruppa krovi"),
        ("ＦＵＬＬ　ＷＩＤＴＨ", "Full Width"),
        ("Part Two, Pt. II", "Part Two, Part 2"),
        ("You & Me", "You and Me"),
    ],
)
def test_spellings_of_one_title(one, other):
    assert split_title(one) == split_title(other)


@pytest.mark.parametrize(
    "version",
    ["Song (Live)", "Song - Live at Home", "Song (X Remix)", "Song (Karaoke Version)",
     "Song (Instrumental)", "Song - Acoustic", "Song (Demo)", "Song (Reprise)",
     "Song (Taylor's Version)", "Song (Spanish Version)", "Song Live", "Song (A Cappella)"],
)  # fmt: skip
def test_versions_stay_apart(version):
    matcher = Matcher([Recording("studio", TrackName("X", "Song", "", 200.0))])
    assert matcher.match(TrackName("X", version)) is None
    both = [
        Recording("studio", TrackName("X", "Song")),
        Recording("version", TrackName("X", version)),
    ]
    assert Matcher(both).match(TrackName("X", version)) == NameMatch("version", "name")
    assert Matcher(both).match(TrackName("X", "Song")) == NameMatch("studio", "name")


@pytest.mark.parametrize(
    ("listen", "track", "same"),
    [
        ("Song (Of the Sea)", "Song", True),
        ("(Of the Sea) Song", "Song", True),
        ("K.I.S. (Keep It Short)", "KIS", True),
        ("강남스타일 (Gangnam Style)", "Gangnam Style", True),
        ("Song (Rain)", "Song", False),
        ("Song (Of the Sea)", "Song (Of the Land)", False),
        ("Song (Part Two)", "Song", False),
        ("Song (II)", "Song", False),
        ("Song (My Long Version)", "Song", False),
        ("Song (All Night Remix)", "Song", False),
        ("Song (You and Me Live)", "Song", False),
        ("Of the Sea", "Song (Of the Sea)", False),
        ("X - Song", "Song", True),
        ("Song 4 U", "Song for You", True),
        ("Song II", "Song Two", True),
        ("Song II", "Song III", False),
    ],
)
def test_subtitles_on_one_side(listen, track, same):
    assert is_found(listen, track) == same
    back = Matcher([Recording("t", TrackName("X", listen))])
    assert (back.match(TrackName("X", track)) is not None) == same


def test_a_subtitle_of_no_sentence_needs_length_or_album():
    matcher = Matcher([Recording("t", TrackName("X", "Song", "First", 200.0))])
    listen = TrackName("X", "Song (Rain)")
    assert matcher.match(listen) is None
    assert matcher.match(listen._replace(duration=202.0)) == NameMatch("t", "similar name")
    assert matcher.match(listen._replace(album="First")) == NameMatch("t", "similar name")
    assert matcher.match(listen._replace(duration=215.0)) is None


@pytest.mark.parametrize(
    ("listen", "track", "same"),
    [
        ("J.S. Bach", "Johann Sebastian Bach", True),
        ("Dave Brubeck", "The Dave Brubeck Quartet", True),
        ("NIN", "Nine Inch Nails", True),
        ("OMD", "Orchestral Manoeuvres in the Dark", True),
        ("Glenn Miller", "Glenn Miller Orchestra", True),
        ("Matchbox 20", "Matchbox Twenty", True),
        ("Beatles Tribute Band", "The Beatles", False),
        ("C. P. E. Bach", "Johann Sebastian Bach", False),
        ("NIB", "Nine Inch Nails", False),
    ],
)
def test_short_names_of_artists(listen, track, same):
    matcher = Matcher([Recording("t", TrackName(track, "Song"))])
    assert (matcher.match(TrackName(listen, "Song")) is not None) == same


@pytest.mark.parametrize(
    ("listen", "track", "same"),
    [
        (("Чайковский", "Лебединое озеро"), ("Tchaikovsky", "Lebedinoe ozero"), True),
        (("Чайковский", "Лебединое озеро"), ("Tchaikovsky", "Lebedinaya pesnya"), False),
        (("فيروز", "نسم علينا الهوى"), ("Fairuz", "Nassam Alayna El Hawa"), True),
        (("きゃりーぱみゅぱみゅ", "PONPONPON"), ("Kyary Pamyu Pamyu", "PONPONPON"), True),
        (("きゃりーぱみゅぱみゅ", "PONPONPON"), ("Perfume", "PONPONPON"), False),
        (("鄧麗君", "月亮代表我的心"), ("Teresa Teng", "月亮代表我的心"), True),
        (("鄧麗君", "月亮"), ("Teresa Teng", "月亮"), False),
        (("鄧麗君", "月亮代表我的心"), ("王菲", "月亮代表我的心"), False),
        (("米津玄師", "Lemon"), ("U2", "Lemon"), False),
        (("米津玄師", "Lemon", "", 256.0), ("Kenshi Yonezu", "Lemon", "", 255.0), True),
        (("米津玄師", "Lemon", "", 256.0), ("U2", "Lemon", "", 417.0), False),
    ],
)
def test_names_in_other_scripts(listen, track, same):
    """By their consonants; else by a long title in Chinese or Japanese, by length or album."""
    matcher = Matcher([Recording("t", TrackName(*track))])
    assert (matcher.match(TrackName(*listen)) is not None) == same
    back = Matcher([Recording("t", TrackName(*listen))])
    assert (back.match(TrackName(*track)) is not None) == same


@pytest.mark.parametrize(
    ("listen", "track", "same"),
    [
        ("Somethin' to Sing", "Something to Sing", True),
        ("One Two Three Four Five", "One Two Three Four Five in the Small Town", True),
        ("One Two Three Four Five", "One Two Three Four Five, Part 3", False),
        ("One Two Three Four Five", "One Two Three Four Five (Entropy Falls)", False),
        ("One Two Three", "One Two Three in the Small Town", False),
        ("Song (Main Title)", "Song", True),
        ("Song (X by X)", "Song", False),
        ("Song (Night Dubs)", "Song", False),
        ('Bagatelle, WoO 59 "For Elise"', "For Elise", True),
        ("Suite, L. 75: III. Moon Light", "Moon Light", True),
        ("Suite, L. 75: III. Allegro vivace", "Allegro vivace", False),
        ("Prelude in E Minor, Op. 28 No. 4", "Prelude No. 4 in E Minor, Op. 28", True),
        ("Prelude in E Minor, Op. 28 No. 4", "Prelude in E Minor, Op. 4 No. 28", False),
    ],
)
def test_titles_that_one_program_shortens(listen, track, same):
    assert is_found(listen, track) == same


def test_the_artist_in_brackets():
    matcher = Matcher([Recording("t", TrackName("Oasis", "Wonderwall"))])
    assert matcher.match(TrackName("Oasis", "Wonderwall (by Oasis)")) is not None
    assert matcher.match(TrackName("Oasis", "Wonderwall (Oasis by Oasis)")) is None


@pytest.mark.parametrize(
    ("listen", "same"),
    [
        ("Symphony no.5 in C minor, op.67 - 1. Allegro con brio", True),
        ("Symphony No. 5, Op. 67: I. Allegro con brio", True),
        ("Symphony No. 5 in C Minor, Op. 67: II. Andante con moto", False),
        ("Symphony No. 5 in C Minor, Op. 67: I. Andante", False),
        ("Symphony No. 5 in C Minor, Op. 67", False),
        ("Symphony No. 6 in F Major, Op. 68: I. Allegro con brio", False),
    ],
)
def test_movements_of_catalogued_works(listen, same):
    work = 'Symphony No. 5 in C Minor, Op. 67 "Fate": I. Allegro con brio'
    matcher = Matcher([Recording("t", TrackName("Ludwig van Beethoven", work))])
    assert (matcher.match(TrackName("Beethoven", listen)) is not None) == same


def test_lengths_of_edits_and_of_other_albums():
    matcher = Matcher([Recording("t", TrackName("X", "Song", "First", 400.0))])
    assert matcher.match(TrackName("X", "Song (Radio Edit)", "", 200.0)) is not None
    assert matcher.match(TrackName("X", "Song", "", 200.0)) is None
    assert matcher.match(TrackName("X", "Song", "First", 360.0)) is not None
    assert matcher.match(TrackName("X", "Song", "Second", 360.0)) is None


def test_artists():
    assert artist_words("Beatles, The") == artist_words("The Beatles") == "beatles"
    assert artist_words("!!!") == "!!!" and artist_words("The The") == "the"
    assert artist_parts("A & B feat. C") == {"a", "b", "c"}
    assert words("P!nk") == "pink" and words("Ke$ha") == "kesha"
    assert album_words("Abbey Road (Deluxe Edition)") == "abbey road"


@pytest.fixture
def matcher() -> Matcher:
    mbid = "11111111-0000-4000-8000-000000000001"
    return Matcher([
        Recording("a", TrackName("X", "Song", "First", 200.0, "", "/music/X/First/01 Song.mp3")),
        Recording("b", TrackName("X", "Song", "Second", 230.0, "", "/music/X/Second/01 Song.mp3")),
        Recording("c", TrackName("Y", "Other Longer Song", "", 100.0, mbid, "/music/c.mp3")),
    ])  # fmt: skip


def test_the_rules_in_their_order(matcher):
    mbid = "11111111-0000-4000-8000-000000000001"
    by_id = TrackName("X", "Song", "First", 200.0, mbid, "/music/X/First/01 Song.mp3")
    assert matcher.match(by_id) == NameMatch("c", "MusicBrainz id")
    assert matcher.match(by_id._replace(recording_mbid="")) == NameMatch("a", "path")
    assert matcher.match(TrackName("X", "Song", "Second")) == NameMatch("b", "name")
    assert matcher.match(TrackName("X", "Song", "", 228.0)) == NameMatch("b", "name")
    assert matcher.match(TrackName("X", "Song")) == NameMatch("a", "name")
    assert matcher.match(TrackName("Y", "Other Lnoger Song")) == NameMatch("c", "similar name")
    assert matcher.match(TrackName("", "Song", "Second")) == NameMatch("b", "name")
    assert matcher.match(TrackName("", "Song")) is None
    assert matcher.match(TrackName("X", "Song", "", 500.0)) is None, "of another length"
    assert matcher.match(TrackName()) is None


def test_paths_of_other_machines(matcher):
    for path in ("C:/Users/me/Music/X/Second/01 Song.MP3", "D:\\X\\Second\\01 song.mp3",
                 "X/Second/01 Song.mp3", "Second/01 Song.mp3"):  # fmt: skip
        assert matcher.match(TrackName(path=path)) == NameMatch("b", "path")
    for path in ("01 Song.mp3", "Third/01 Song.mp3", "/", ""):
        assert matcher.match(TrackName(path=path)) is None


def test_ids_of_names():
    assert name_id(TrackName("The X", "Song - Remastered 2011")) == name_id(TrackName("X", "song"))
    assert name_id(TrackName("X", "Song (Live)")) != name_id(TrackName("X", "Song"))
    assert name_id(TrackName("", "Song")) == "name:song"
    long = [name_id(TrackName("X" * 500, "Song" * 200 + end)) for end in "ab"]
    assert long[0] != long[1] and all(len(id_) < MAX_ID + 20 for id_ in long)


@given(
    st.lists(
        st.sampled_from(["a", "ab", "abc", "song", "songs", "op", "67", "the", "one"]), max_size=4
    )
)
def test_titles_compared_at_once_are_those_compared_one_by_one(typed):
    from rapidfuzz import fuzz

    titles = ["", "song", "songs abc", "one song the abc", "op 67", "op 67 one", "abc one song"]
    base = " ".join(typed)
    found = _ArtistTitles([str(n) for n in range(len(titles))], titles).similar_to(base)
    mine = compact(base)
    assert found == [
        str(n)
        for n, its in enumerate(titles)
        if fuzz.ratio(base, its) >= SIMILAR_TITLE
        or compact(its) in mine
        or mine in compact(its)
        or (is_catalogued(base) and is_catalogued(its))
    ]


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_name_matches_itself(artist, title):
    """Whatever is in it; and has an id, which is not empty."""
    name = TrackName(artist, title)
    assert name_id(name).startswith("name:")
    match = Matcher([Recording("t", name)]).match(name)
    known = artist_words(artist) not in ("", "various artists", "various", "va")
    assert match is not None or not title or not known or not words(artist)
