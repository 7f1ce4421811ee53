"""Playlist page: form values from the query, and the playlist made from them."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from audiorec.exceptions import AmbiguousNameError, AudiorecError, first_line
from audiorec.playlist import FORMATS, KINDS, build_playlist
from audiorec.playlist.option_values import DEFAULT_LENGTH, WITHOUT_SEEDS
from audiorec.recommend import Library
from audiorec.serve.api.common import check_filters, check_listeners
from audiorec.serve.api.models import Filters, PlaylistOptions
from audiorec.serve.pages.render import PageRequest
from audiorec.serve.pages.track_rows import rows_of, rows_of_hits, tracks_of


def made_playlist(library: Library, page_request: PageRequest) -> dict[str, Any]:
    """Make the page's playlist from the form values."""
    seeds, seed_problem = _ids(library, page_request.texts("seed"))
    against, against_problem = _ids(library, page_request.texts("not"))
    shown: dict[str, Any] = {
        "seeds": rows_of(library, page_request, tracks_of(library, seeds)),
        "against": rows_of(library, page_request, tracks_of(library, against)),
        "wish": _wish(page_request),
        "kinds": {name: kind.label for name, kind in KINDS.items()},
        "formats": FORMATS,
        "made": [],
        "notes": [],
        "seconds": 0.0,
        "as_json": "",
        "problem": seed_problem or against_problem,
    }
    kind = shown["wish"]["kind"]
    wanted = bool(seeds) or kind in WITHOUT_SEEDS or shown["wish"]["genre"] or shown["wish"]["year"]
    if not wanted or (kind in WITHOUT_SEEDS and "kind" not in page_request.params):
        return shown
    try:
        model = _model(page_request, seeds, against, shown["wish"])
        check_filters(page_request.state, page_request.request, model.filters)
        check_listeners(page_request.state, page_request.request, model.users, others=kind == "mix")
        made = build_playlist(library, model.to_request())
    except (AudiorecError, ValidationError) as error:
        shown["problem"] = shown["problem"] or _line(error)
        return shown
    shown["made"] = rows_of_hits(
        library, page_request, made.hits, reasons=[entry.reason for entry in made.entries]
    )
    shown["notes"], shown["seconds"] = made.notes, made.seconds
    shown["as_json"] = json.dumps(model.model_dump(exclude_defaults=True))
    return shown


def _ids(library: Library, names: list[str]) -> tuple[list[str], str]:
    """Resolve ids or names to ids, with a message on the first that is unknown or ambiguous."""
    ids, problem = [], ""
    for name in names:
        try:
            ids.append(library.catalog.find(name).track_id)
        except AmbiguousNameError as error:
            several = "; ".join(str(candidate) for candidate in error.candidates[:5])
            problem = problem or f"{error}: {several}"
        except AudiorecError as error:
            problem = problem or str(error)
    return list(dict.fromkeys(ids)), problem


def _wish(page_request: PageRequest) -> dict[str, Any]:
    """Read the form values within their bounds; `PlaylistOptions` refuses unknown kinds."""
    return {
        "kind": page_request.text("kind") or "near",
        "length": round(page_request.number("length", DEFAULT_LENGTH, least=1, most=500)),
        "minutes": page_request.number("minutes", 0, least=0, most=6000),
        "diversity": page_request.number("diversity", 0, least=0, most=1),
        "popularity": page_request.number("popularity", 0, least=-1, most=1),
        "artist_window": round(page_request.number("artist_window", 5, least=0, most=100)),
        "per_artist": round(page_request.number("per_artist", 0, least=0, most=100)),
        "new_share": page_request.number("new_share", 0.5, least=0, most=1),
        "by": page_request.text("by") or "tempo",
        "shape": page_request.text("shape") or "rise",
        "genre": page_request.text("genre")[:200],
        "year": page_request.text("year")[:200],
        "users": page_request.text("users")[:500],
        "shuffle": page_request.text("shuffle")[:10],
    }


def _model(
    page_request: PageRequest, seeds: list[str], against: list[str], wish: dict[str, Any]
) -> PlaylistOptions:
    same = ("kind", "diversity", "popularity", "artist_window", "per_artist", "new_share", "by",
            "shape")  # fmt: skip
    users = [name.strip() for name in wish["users"].split(",") if name.strip()]
    fixed = wish["kind"] == "reorder"  # keeps every track of the list
    return PlaylistOptions(
        **{name: wish[name] for name in same},
        seeds=[] if wish["kind"] in WITHOUT_SEEDS else seeds,
        against=against,
        length=None if wish["minutes"] or fixed else wish["length"],
        minutes=None if fixed else wish["minutes"] or None,
        users=users or [page_request.user],
        shuffle=int(wish["shuffle"]) if wish["shuffle"].isdecimal() else None,
        filters=Filters(genre=[wish["genre"]] if wish["genre"] else [], year=wish["year"]),
    )


def _line(error: AudiorecError | ValidationError) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    return first_line(error)
