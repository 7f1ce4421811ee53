"""Views: the data of each page."""

from __future__ import annotations

import json
from typing import Any

from audiorec import artifacts
from audiorec.data import load_exclusions
from audiorec.data.catalog import distinctive_tags, merge_tags, shared_tags
from audiorec.data.exclusion_rules import KINDS as EXCLUSION_KINDS
from audiorec.data.plays import stored_name
from audiorec.exceptions import AudiorecError
from audiorec.explain import explain_pair
from audiorec.mel import opened_store
from audiorec.recommend import Library, liked_tracks
from audiorec.serve.api.common import check_listeners
from audiorec.serve.pages.render import PageRequest
from audiorec.serve.pages.track_rows import TrackRow, rows_of, rows_of_hits, tracks_of
from audiorec.serve.workspace_counts import n_excluded, play_summary, word_counts, workspace_status

N_FOUND, N_NEW, N_NEIGHBOURS, N_FOR_LISTENER = 50, 10, 12, 20
N_WORDS, MOST_DUPLICATES, MOST_FAILURES = 60, 50, 200
BY_SOUND = "tracks are placed by sound alone, so their popularity is not known"


def home(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Show search, new arrivals with their neighbours, and recent jobs."""
    table = page_request.state.library.tracks()
    query = page_request.text("q")
    found = table.find(query) if query else []
    return {
        "query": query,
        "n_found": len(found),
        "found": rows_of(library, page_request, found[:N_FOUND]),
        "new": [] if query else _new_arrivals(library, page_request),
        "n_tracks": len(table),
        "stale": _stale_reason(library),
        "jobs": page_request.state.jobs.recent()[:3],
        "has_index": artifacts.exists(library.workspace.index),
    }


def _new_arrivals(library: Library, page_request: PageRequest) -> list[TrackRow]:
    """Return the latest tracks, with their nearest neighbours."""
    table = page_request.state.library.tracks()
    newest = table.newest[:N_NEW]
    try:
        answers = library.similar_many([[id_] for id_ in newest], k=2)
    except AudiorecError:  # no index yet
        answers = [[] for _ in newest]
    reasons = []
    for answer in answers:
        near = [] if isinstance(answer, AudiorecError) else answer
        names = " and ".join(
            each.name for each in tracks_of(library, [hit.track_id for hit in near])
        )
        reasons.append(f"near {names}" if names else "not in the index yet: start a run")
    return rows_of(library, page_request, [table.by_id[id_] for id_ in newest], reasons=reasons)


def _stale_reason(library: Library) -> str:
    try:
        return library.stale
    except AudiorecError as error:
        return str(error)


def track(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Show a track, its spectrogram, and its neighbours with reasons."""
    track = library.catalog.get(page_request.params.get("id", ""))
    id_ = track.track_id
    try:
        hits, problem = library.similar([id_], k=N_NEIGHBOURS), ""
    except AudiorecError as error:
        hits, problem = [], str(error)
    tags = library.catalog.tags.of([id_, *(hit.track_id for hit in hits)])
    counts = word_counts(page_request.state).by_key
    n_tracks = len(page_request.state.library.tracks())
    shared = [
        shared_tags([tags[id_], tags[hit.track_id]], counts=counts, n_tracks=n_tracks)
        for hit in hits
    ]
    reasons = [
        ", ".join(
            [f"nearer than {hit.percentile:.0f} % of pairs"] * (hit.percentile is not None)
            + [f"both {', '.join(words[:3])}"] * bool(words)
        )
        for hit, words in zip(hits, shared, strict=True)
    ]
    words = merge_tags(tags[id_])
    return {
        "row": rows_of(library, page_request, [track])[0],
        "words": [tag.tag for tag in words[:8]],
        "measured": library.descriptors().of(id_) or {},
        "clips": _clips(library, id_, track.duration),
        "neighbours": rows_of_hits(library, page_request, hits, reasons=reasons),
        "problem": problem,
        "counts": page_request.state.listening.counts(page_request.user).get(id_),
    }


def _clips(library: Library, id_: str, duration: float) -> dict[str, Any] | None:
    """Return starts and duration of the spectrogram's clips, s; None without a spectrogram."""
    try:
        store = opened_store(library.workspace.mels)
    except AudiorecError:
        return None
    if id_ not in store:
        return None
    starts = store.starts(id_, duration=duration)
    return {
        "starts": [round(start, 2) for start in starts],
        "seconds": store.config.clip_seconds,
    }


def why(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Explain why two tracks match."""
    first, second = (library.catalog.get(page_request.params.get(name, "")) for name in ("a", "b"))
    found = explain_pair(library, first.track_id, second.track_id)
    return {"found": found, "both": rows_of(library, page_request, [first, second])}


def listener(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Show recommendations, unplayed tracks and typical tags of a listener."""
    name = page_request.text("user") or page_request.user
    check_listeners(page_request.state, page_request.request, [name])
    stored = stored_name(name, workspace=library.workspace)
    lists: dict[str, list[TrackRow]] = {}
    problem = ""
    try:
        hits = library.recommend(stored, k=N_FOR_LISTENER, per_artist=3)
        lists["Recommended"] = rows_of_hits(library, page_request, hits)
        lists["Played by no one yet"] = rows_of_hits(library, page_request, _cold(library, stored))
    except AudiorecError as error:
        problem = str(error)
    no_gems = ""
    try:
        gems = library.recommend(stored, k=N_FOR_LISTENER, popularity=-1.0, per_artist=3)
        lists["Hidden gems"] = rows_of_hits(library, page_request, gems)
    except AudiorecError as error:
        no_gems = BY_SOUND if library.by_sound else str(error)
    return {
        "listener": name,
        "others": []
        if page_request.state.auth.has_users
        else play_summary(library.workspace).listeners,
        "lists": {title: rows for title, rows in lists.items() if rows},
        "taste": _taste(library, page_request, stored),
        "problem": problem,
        "no_gems": "" if problem else no_gems,
        "stale": _stale_reason(library),
    }


def _cold(library: Library, user: str) -> list[Any]:
    """Return the best tracks that nobody has played."""
    played = play_summary(library.workspace).tracks
    hits = library.recommend(user, k=500, per_artist=3)
    return [hit for hit in hits if hit.track_id not in played][:10]


def _taste(library: Library, page_request: PageRequest, user: str) -> list[str]:
    """Return the tags more frequent among a listener's tracks than in the library."""
    try:
        ids = sorted(liked_tracks(library.workspace, user))
    except AudiorecError:
        return []
    by_id = page_request.state.library.tracks().by_id
    own = library.catalog.tags.words_of([id_ for id_ in ids if id_ in by_id])
    counts = word_counts(page_request.state).by_word
    everywhere = {word: counts.get(word, 1) for words in own for word in words}
    return distinctive_tags(own, everywhere, max(1, len(by_id)))[:8] if own else []


def library(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Show failures, duplicates, exclusions, tags, and jobs that can be started."""
    catalog, workspace = library.catalog, library.workspace
    rules = load_exclusions(workspace.exclusions)
    return {
        "status": workspace_status(workspace),
        "failures": catalog.failures()[:MOST_FAILURES],
        "notes": catalog.notes()[:MOST_FAILURES],
        "duplicates": _duplicates(library, page_request),
        "exclusions": [(rule, n_excluded(page_request.state, rule)) for rule in rules],
        "exclusion_kinds": EXCLUSION_KINDS,
        "words": word_counts(page_request.state).words[:N_WORDS],
        "jobs": page_request.state.jobs.recent()[:5],
        "folders": [str(folder) for folder in page_request.state.jobs.folders()[:100]],
    }


def _duplicates(library: Library, page_request: PageRequest) -> list[list[TrackRow]]:
    """Return groups of tracks that are the same recording."""
    try:
        groups = library.duplicates
    except AudiorecError:
        return []
    members: dict[int, list[str]] = {}
    for id_, number in groups.items():
        members.setdefault(number, []).append(id_)
    several = [sorted(ids) for ids in members.values() if len(ids) > 1][:MOST_DUPLICATES]
    return [rows_of(library, page_request, tracks_of(library, ids)) for ids in several]


def evaluation(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Show the reports of ``evaluate``."""
    reports = library.workspace.reports
    tables = []
    for file in sorted(reports.glob("*.json")) if reports.is_dir() else []:
        try:
            bodies = json.loads(file.read_bytes())
        except (OSError, ValueError):
            continue
        bodies = bodies if isinstance(bodies, list) else [bodies]
        tables += [_table(file.stem, body) for body in bodies if _is_table(body)]
    texts = {}
    for file in sorted(reports.glob("*.txt")) if reports.is_dir() else []:
        try:
            texts[file.stem] = file.read_text("utf-8", errors="replace")[:100_000]
        except OSError:
            continue
    return {
        "tables": tables,
        "texts": texts,
        "has_report": (reports / "evaluation.html").is_file(),
    }


def _is_table(body: Any) -> bool:
    systems = body.get("systems") if isinstance(body, dict) else None
    return isinstance(systems, dict) and all(isinstance(row, dict) for row in systems.values())


def _table(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Convert a report to rows of numbers, with the best values marked."""
    systems = body["systems"]
    metrics = list(dict.fromkeys(key for row in systems.values() for key in row))
    numeric = [
        metric
        for metric in metrics
        if all(isinstance(row.get(metric, 0.0), int | float) for row in systems.values())
    ]
    return {
        "name": f"{name}, {body['split']}" if body.get("split") else name,
        "n_users": body.get("n_users"),
        "n_tracks": body.get("n_tracks"),
        "metrics": numeric,
        "systems": systems,
    }
