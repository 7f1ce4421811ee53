"""Tags of tracks: predicted by networks, by a probe on their features, or given in files.

Conventions
-----------
A tag's source is the network that predicted it, ``"probe"`` (see `audiorec.tagging.probe`), or
``"given"``: the genre in the file or in a manifest, with confidence 1. Given tags are read from the
tracks themselves, so they are never stale. Case is ignored when tags are compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from string import whitespace
from typing import Any, NamedTuple

import numpy as np

from audiorec.data.names import closest, normalize_text
from audiorec.exceptions import NotFoundError
from audiorec.printable_text import one_line

GIVEN = "given"
PROBE = "probe"
# Tags below are not stored. A network of fifty tags predicts each of them for every track, most
# with next to no confidence.
FLOOR = 0.05
# From here on a track counts as having a tag. Networks trained on thousands of tags per track
# that nobody assigned have low confidences: 0.1 is already far above the average.
MIN_CONFIDENCE = 0.1
LEAST_TRACKS = 3  # of a group that must have a tag for it to be the group's name
CHUNK = 500  # ids in one query


class Tag(NamedTuple):
    """A tag of a track, with its confidence from 0 to 1 and its source."""

    tag: str
    confidence: float
    source: str


class TagCount(NamedTuple):
    """A tag, and the number of tracks that have it."""

    tag: str
    tracks: int


class Autotags(NamedTuple):
    """Tags and features predicted for a track by a network.

    Attributes
    ----------
    track_id : str
    clip_hash : str
        Of the clip that was encoded.
    features : np.ndarray [shape=(n_features,)], float32
        Mean and deviation over windows of the network's penultimate units, and the tags' mean
        logits.
    tags : mapping of str to float
        Confidence of each tag.
    """

    track_id: str
    clip_hash: str
    features: np.ndarray
    tags: Mapping[str, float]


class TagTable:
    """The tags of a catalogue: `Catalog.tags`.

    Parameters
    ----------
    rows, many, transaction : callable
        Functions of the catalogue that read, write, and open a transaction.
    """

    def __init__(
        self,
        *,
        rows: Callable[..., list[tuple[Any, ...]]],
        many: Callable[..., None],
        transaction: Callable[..., Any],
    ) -> None:
        self._rows = rows
        self._many = many
        self._transaction = transaction

    # -- reading ---------------------------------------------------------------------------------

    def of(self, track_ids: Sequence[str]) -> dict[str, list[Tag]]:
        """Every stored and given tag of each track, most confident first."""
        by_track: dict[str, list[Tag]] = {track_id: [] for track_id in track_ids}
        for track_id, genre in self._chosen("SELECT track_id, genre FROM tracks", track_ids):
            by_track[track_id] += [Tag(tag, 1.0, GIVEN) for tag in given_tags(genre)]
        columns = "SELECT track_id, tag, confidence, source FROM tags"
        for track_id, *tag in self._chosen(columns, track_ids):
            by_track[track_id].append(Tag(*tag))
        return {
            id_: sorted(tags, key=lambda t: (-t.confidence, t)) for id_, tags in by_track.items()
        }

    def words_of(
        self, track_ids: Sequence[str], *, min_confidence: float = MIN_CONFIDENCE
    ) -> list[set[str]]:
        """Names of the tags of each track, stored or given."""
        tags = self.of(track_ids)
        return [
            {tag.tag for tag in tags[track_id] if tag.confidence >= min_confidence}
            for track_id in track_ids
        ]

    def counts(self, *, min_confidence: float = MIN_CONFIDENCE) -> list[TagCount]:
        """Every tag of any track, most frequent first; spellings of one tag count together."""
        stored = self._n_stored(min_confidence)
        given = self._given_tags()
        spellings: dict[str, list[str]] = {}
        for tag in sorted({*stored, *given}):
            spellings.setdefault(normalize_text(tag), []).append(tag)
        counts = []
        for tags in spellings.values():
            n = [len(given.get(tag, ())) for tag in tags] + [stored.get(tag, 0) for tag in tags]
            several = sum(map(bool, n)) > 1  # which one track may have
            tracks = self._tracks_of(tags, given, min_confidence) if several else ()
            counts.append(TagCount(tags[0], len(tracks) if several else sum(n)))
        return sorted(counts, key=lambda count: (-count.tracks, count.tag))

    def having(self, name: str, *, min_confidence: float = MIN_CONFIDENCE) -> set[str]:
        """Tracks that have a tag.

        Raises
        ------
        NotFoundError
            If no track has it with any confidence; the message lists similar tags.
        """
        stored, given = self._known_tags()
        spellings = [tag for tag in stored if normalize_text(tag) == normalize_text(name)]
        if not spellings and normalize_text(name) not in map(normalize_text, given):
            raise NotFoundError(_unknown(name, sorted({*stored, *given})))
        tracks = {
            id_
            for tag in given
            if normalize_text(tag) == normalize_text(name)
            for id_ in given[tag]
        }
        for tag in spellings:
            rows = self._rows(
                "SELECT track_id FROM tags WHERE tag = ? AND confidence >= ?", [tag, min_confidence]
            )
            tracks |= {track_id for (track_id,) in rows}
        return tracks

    def untagged(self, source: str) -> list[str]:
        """Tracks whose files exist and whose current audio a network has not tagged."""
        rows = self._rows(
            "SELECT t.track_id FROM tracks t LEFT JOIN tag_features p"
            " ON p.track_id = t.track_id AND p.clip_hash = t.clip_hash AND p.source = ?"
            " WHERE NOT t.missing AND p.track_id IS NULL ORDER BY t.track_id",
            [source],
        )
        return [track_id for (track_id,) in rows]

    def n_untagged(self) -> int:
        """Number of tracks whose files exist and whose current audio no network has tagged.

        Tracks that could not be tagged, being too short for any network, do not count.
        """
        rows = self._rows(
            "SELECT count(*) FROM tracks t WHERE NOT missing AND NOT EXISTS"
            " (SELECT 1 FROM tag_features p"
            " WHERE p.track_id = t.track_id AND p.clip_hash = t.clip_hash) AND NOT EXISTS"
            " (SELECT 1 FROM failures f WHERE f.path = t.path AND f.stage = 'tags')"
        )
        return int(rows[0][0])

    def features(self, source: str) -> list[tuple[str, str, np.ndarray]]:
        """Id, clip hash and features of every track whose current audio a network has tagged."""
        rows = self._rows(
            "SELECT t.track_id, t.clip_hash, p.features FROM tracks t JOIN tag_features p"
            " ON p.track_id = t.track_id AND p.clip_hash = t.clip_hash AND p.source = ?"
            " ORDER BY t.track_id",
            [source],
        )
        return [(id_, hash_, np.frombuffer(blob, dtype="<f4")) for id_, hash_, blob in rows]

    def tagged(self, source: str) -> set[str]:
        """Tracks with a tag from a source."""
        rows = self._rows("SELECT DISTINCT track_id FROM tags WHERE source = ?", [source])
        return {track_id for (track_id,) in rows}

    def sources(self) -> dict[str, int]:
        """Sources of tags, with the number of tracks of each; networks come first."""
        rows = self._rows(
            "SELECT source, count(*) FROM (SELECT DISTINCT track_id, source FROM tags)"
            " GROUP BY source ORDER BY source = ?, source",
            [PROBE],
        )
        return dict(rows)

    # -- writing ---------------------------------------------------------------------------------

    def keep(self, predictions: Iterable[Autotags], *, source: str) -> None:
        """Store predictions of a network, in place of its earlier ones of these tracks."""
        predictions = list(predictions)
        with self._transaction():
            self._many(
                "INSERT OR REPLACE INTO tag_features VALUES (?, ?, ?, ?)",
                [
                    (p.track_id, source, p.clip_hash, np.asarray(p.features, "<f4").tobytes())
                    for p in predictions
                ],
            )
            self.put({p.track_id: p.tags for p in predictions}, source=source)

    def put(self, tags: Mapping[str, Mapping[str, float]], *, source: str) -> None:
        """Store tags of tracks, in place of their tags from this source."""
        with self._transaction():
            self._many(
                "DELETE FROM tags WHERE track_id = ? AND source = ?",
                [(track_id, source) for track_id in tags],
            )
            self._many("INSERT INTO tags VALUES (?, ?, ?, ?)", _worth_keeping(tags, source))

    def replace(self, tags: Mapping[str, Mapping[str, float]], *, source: str) -> None:
        """Store tags, in place of all tags from this source."""
        with self._transaction():
            self._many("DELETE FROM tags WHERE source = ?", [(source,)])
            self._many("INSERT INTO tags VALUES (?, ?, ?, ?)", _worth_keeping(tags, source))

    def drop_stale(self, track_ids: Iterable[str]) -> None:
        """Delete predictions for tracks that are gone or whose audio has changed."""
        ids = [(track_id,) for track_id in track_ids]
        with self._transaction():
            self._many(
                "DELETE FROM tag_features WHERE track_id = ?1 AND clip_hash IS NOT"
                " (SELECT clip_hash FROM tracks WHERE track_id = ?1)",
                ids,
            )
            self._many(
                "DELETE FROM tags WHERE track_id = ?1 AND NOT EXISTS"
                " (SELECT 1 FROM tag_features WHERE track_id = ?1)",
                ids,
            )

    # -- inside ----------------------------------------------------------------------------------

    def _chosen(self, select: str, track_ids: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        ids = list(dict.fromkeys(track_ids))
        for start in range(0, len(ids), CHUNK):
            part = ids[start : start + CHUNK]
            yield from self._rows(f"{select} WHERE track_id IN ({','.join('?' * len(part))})", part)

    def _n_stored(self, min_confidence: float) -> dict[str, int]:
        """Number of tracks with existing files that have each stored tag."""
        select = (
            "SELECT tag, count({}track_id), min(source) < max(source) FROM tags WHERE"
            " confidence >= ? AND +track_id IN (SELECT track_id FROM tracks WHERE NOT missing)"
            " GROUP BY tag"
        )
        rows = self._rows(select.format(""), [min_confidence])
        if any(several for *_, several in rows):  # spellings that one track may have: much slower
            rows = self._rows(select.format("DISTINCT "), [min_confidence])
        return {tag: n for tag, n, _ in rows}

    def _given_tags(self) -> dict[str, set[str]]:
        """Tracks of each given tag."""
        of_genre: dict[str, list[str]] = {}
        rows = self._rows("SELECT track_id, genre FROM tracks WHERE NOT missing AND genre <> ''")
        for track_id, genre in rows:
            of_genre.setdefault(genre, []).append(track_id)
        tracks: dict[str, set[str]] = {}
        for genre, track_ids in of_genre.items():
            for tag in given_tags(genre):
                tracks.setdefault(tag, set()).update(track_ids)
        return tracks

    def _known_tags(self) -> tuple[list[str], dict[str, set[str]]]:
        """Stored tags, each found after the one before; and given ones with their tracks."""
        rows = self._rows(
            "WITH RECURSIVE known(tag) AS (SELECT min(tag) FROM tags UNION ALL"
            " SELECT (SELECT min(tag) FROM tags WHERE tag > known.tag) FROM known"
            " WHERE known.tag IS NOT NULL) SELECT tag FROM known WHERE tag IS NOT NULL"
        )
        return [tag for (tag,) in rows], self._given_tags()

    def _tracks_of(
        self, tags: Sequence[str], given: Mapping[str, set[str]], min_confidence: float
    ) -> set[str]:
        """Tracks with existing files and at least one of some tags."""
        tracks: set[str] = set().union(*(given.get(tag, ()) for tag in tags))
        for tag in tags:
            rows = self._rows(
                "SELECT track_id FROM tags JOIN tracks USING (track_id)"
                " WHERE tag = ? AND confidence >= ? AND NOT missing",
                [tag, min_confidence],
            )
            tracks.update(track_id for (track_id,) in rows)
        return tracks


def given_tags(genre: str) -> list[str]:
    """Split a genre field into tags: ``"Folk; Rock"`` has two."""
    parts = (part.strip(whitespace + "&") for part in re.split(r"[;|/,\0]", genre))
    return list(dict.fromkeys(part for part in parts if part))


def merge_tags(tags: Iterable[Tag], *, min_confidence: float = MIN_CONFIDENCE) -> list[Tag]:
    """Each tag once, with its highest confidence, most confident first."""
    best: dict[str, Tag] = {}
    for tag in sorted(tags, key=lambda t: (-t.confidence, t)):
        if tag.confidence >= min_confidence:
            best.setdefault(normalize_text(tag.tag), tag)
    return list(best.values())


def shared_tags(
    tracks: Sequence[Sequence[Tag]],
    *,
    counts: Mapping[str, int],
    n_tracks: int,
    min_confidence: float = MIN_CONFIDENCE,
) -> list[str]:
    """Tags shared by all of several tracks, the most distinctive first.

    Parameters
    ----------
    tracks : sequence of sequence of Tag
        The tags of each.
    counts : mapping of str to int
        Number of tracks in the library with each folded tag: one on all tracks explains nothing.
    n_tracks : int
        Number of tracks in the library.
    min_confidence : float
        Least confidence in each of them.
    """
    if not tracks:
        return []
    words = [
        {normalize_text(t.tag): t for t in merge_tags(tags, min_confidence=min_confidence)}
        for tags in tracks
    ]

    def telling(key: str) -> float:
        surely = min(tags[key].confidence for tags in words)
        return surely * math.log((n_tracks + 1) / min(n_tracks + 1, counts.get(key, 0) + 1))

    common = set.intersection(*(set(tags) for tags in words))
    return [words[0][key].tag for key in sorted(common, key=lambda key: (-telling(key), key))]


def distinctive_tags(
    own: Sequence[Collection[str]], everywhere: Mapping[str, int], n_tracks: int
) -> list[str]:
    """Most distinctive tags of a group: those more frequent than in the library.

    Parameters
    ----------
    own : sequence of collection of str
        Tags of each track of the group.
    everywhere : mapping of str to int
        Number of tracks in the library with each tag.
    n_tracks : int
        Number of tracks in the library.
    """
    counts = Counter(word for words in own for word in words)
    gain = {
        word: count / len(own) * math.log(count / len(own) / (everywhere[word] / n_tracks))
        for word, count in counts.items()
        if count >= LEAST_TRACKS and count / len(own) > everywhere[word] / n_tracks
    }
    return sorted(gain, key=lambda word: (-gain[word], word))


def _worth_keeping(
    tags: Mapping[str, Mapping[str, float]], source: str
) -> list[tuple[str, str, float, str]]:
    return [
        (track_id, tag, float(confidence), source)
        for track_id, own in tags.items()
        for tag, confidence in own.items()
        if confidence >= FLOOR
    ]


def _unknown(name: str, known: Sequence[str]) -> str:
    if not known:
        return "no track has tags yet; run 'audiorec tags --all' first"
    places = closest(normalize_text(name), [normalize_text(tag) for tag in known], limit=5)
    near = {normalize_text(known[place]): known[place] for place, _ in places}
    hint = (
        f"did you mean {', '.join(map(repr, near.values()))}?"
        if near
        else "'audiorec tags --list' shows those there are"
    )
    return one_line(f"no track has the tag {name!r}; {hint}")
