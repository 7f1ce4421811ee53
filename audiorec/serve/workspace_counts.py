"""Counts over a workspace for pages and answers, cached until the stored data change."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from audiorec import artifacts
from audiorec.data import Exclusion, excluded_tracks
from audiorec.data.catalog import Catalog, TagCount
from audiorec.data.names import normalize_text
from audiorec.data.plays import load_plays
from audiorec.exceptions import AudiorecError
from audiorec.mel import opened_store
from audiorec.pipeline import describe_workspace
from audiorec.pipeline.recipe_choice import PENDING, RECIPE
from audiorec.pipeline.status import KINDS
from audiorec.serve.library import file_signature
from audiorec.serve.state import ServerState
from audiorec.workspace import Workspace

MOST_LISTENERS = 100
_counting = threading.Lock()  # concurrent requests wait for the same count


class WordCounts(NamedTuple):
    """Number of tracks with each tag.

    Attributes
    ----------
    words : tuple of TagCount
        Most frequent first.
    by_word, by_key : mapping of str to int
        By the word as displayed, and normalized.
    """

    words: tuple[TagCount, ...]
    by_word: Mapping[str, int]
    by_key: Mapping[str, int]


class PlaySummary(NamedTuple):
    """Listeners of the stored plays, and played tracks.

    Attributes
    ----------
    tracks : frozenset of str
        Tracks that somebody has played.
    listeners : tuple of str
        Listeners, those with the most plays first.
    """

    tracks: frozenset[str]
    listeners: tuple[str, ...]


def workspace_status(workspace: Workspace) -> Mapping[str, Any]:
    """Describe a workspace; see `describe_workspace`."""
    looked_at = [workspace.catalog, *(workspace.root / name for name in (*KINDS, PENDING, RECIPE))]
    with _counting:
        return _status(workspace.root, tuple(map(file_signature, looked_at)))


def word_counts(state: ServerState) -> WordCounts:
    """Count the tags of the catalogue's tracks."""
    with _counting:
        return _words(state.workspace.catalog, state.library.tracks().version)


def n_excluded(state: ServerState, rule: Exclusion) -> int:
    """Count the tracks that a rule hides."""
    return _n_excluded(state.workspace.catalog, state.library.tracks().version, rule)


def play_summary(workspace: Workspace) -> PlaySummary:
    """Summarize the stored plays; empty if there are none."""
    if not artifacts.exists(workspace.plays):
        return PlaySummary(frozenset(), ())
    manifest = artifacts.load_manifest(workspace.plays, kind="plays", check="manifest")
    return _plays(workspace.plays, manifest.fingerprint)


def count_ahead(state: ServerState) -> None:
    """Fill the counts that first page views would wait for, as far as data exist."""
    counts: tuple[Callable[[], object], ...] = (
        lambda: play_summary(state.workspace),
        lambda: word_counts(state),
        lambda: opened_store(state.workspace.mels),
        state.jobs.folders,
        lambda: workspace_status(state.workspace),
    )
    for count in counts:
        with suppress(AudiorecError, OSError):
            count()


@lru_cache(maxsize=2)
def _status(root: Path, version: object) -> Mapping[str, Any]:
    return describe_workspace(Workspace(root))


@lru_cache(maxsize=2)
def _words(file: Path, version: object) -> WordCounts:
    with Catalog(file, read_only=True) as catalog:
        words = tuple(catalog.tags.counts())
    by_word = {count.tag: count.tracks for count in words}
    return WordCounts(words, by_word, {normalize_text(word): n for word, n in by_word.items()})


@lru_cache(maxsize=256)
def _n_excluded(file: Path, version: object, rule: Exclusion) -> int:
    with Catalog(file, read_only=True) as catalog:
        return len(excluded_tracks(catalog, [rule]))


@lru_cache(maxsize=2)
def _plays(directory: Path, fingerprint: str) -> PlaySummary:
    plays = load_plays(directory)
    by_plays = plays["user_id"].value_counts(sort=True)["user_id"].head(MOST_LISTENERS)
    return PlaySummary(
        frozenset(plays["track_id"].unique().to_list()),
        tuple(str(name) for name in by_plays.to_list()),
    )
