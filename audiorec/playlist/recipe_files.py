"""Playlist recipes: TOML files of requests, from which `refresh` makes the playlists again.

title = "New arrivals"
format = "m3u8"
path_map = ["/music=/mnt/nas"]  # or absolute = true; preview = true too

[playlist]                # see `audiorec.playlist.PlaylistRequest`
kind = "listener"
users = ["{user}"]
new_share = 1.0
shuffle = "week"          # or "day", or a number

[filters]                 # see `audiorec.recommend.filters.TrackFilter`
added_since = "30d"

[parameters]              # values of the names in braces
user = "me"
"""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import tomli_w

from audiorec.data.playlist_files import PathMap
from audiorec.exceptions import AudiorecError, DataError, ParameterError, system_reason
from audiorec.output_files import write_output
from audiorec.playlist.request import PlaylistRequest
from audiorec.playlist.writers import WRITERS
from audiorec.printable_text import one_line
from audiorec.recommend import TrackFilter
from audiorec.recommend.query_resolution import is_file

NAME = re.compile(r"[^/\0.][^/\0]{0,99}")
PARAMETER = re.compile(r"\{(\w+)\}")
PERIODS = {"day": "%Y-%m-%d", "week": "%G-W%V"}
TABLES = {
    "title", "format", "absolute", "path_map", "preview",
    "clusters", "playlist", "filters", "parameters",
}  # fmt: skip


class MissingParameterError(AudiorecError):
    """A parameter of a recipe has no value."""


class PlaylistRecipe(NamedTuple):
    """A saved playlist request, made again at every refresh.

    Attributes
    ----------
    name : str
        Name of its file, and of the playlist's.
    request : PlaylistRequest
    title : str
    format_ : str
    clusters : int
        If above 0, one playlist for each of so many clusters of the library.
    period : str
        Period of the shuffle, such as ``"2026-W48"``; empty if it never changes.
    absolute : bool
        Whether paths are written as absolute ones.
    path_map : tuple of str
        ``OLD=NEW``: names of folders on the playing machine.
    preview : bool
        Whether to play 15 s of each track.
    """

    name: str
    request: PlaylistRequest
    title: str
    format_: str = "m3u8"
    clusters: int = 0
    period: str = ""
    absolute: bool = False
    path_map: tuple[str, ...] = ()
    preview: bool = False


def save_recipe(
    directory: Path,
    name: str,
    request: PlaylistRequest,
    *,
    format_: str = "m3u8",
    title: str = "",
    **written: bool | tuple[str, ...],
) -> Path:
    """Write a request as a recipe, replacing one of that name.

    Files among its seeds get absolute paths, so that it does not depend on the directory.

    Parameters
    ----------
    directory : Path
    name : str
    request : PlaylistRequest
    format_, title : str
    **written
        ``absolute``, ``path_map`` and ``preview``: see `PlaylistRecipe`.

    Raises
    ------
    ParameterError
        If the name is not a valid file name.
    """
    if not NAME.fullmatch(name) or name != name.strip():
        raise ParameterError(f"{name!r} is not a recipe name; give one without / or a dot before")
    lasting = replace(request, seeds=_absolute(request.seeds), against=_absolute(request.against),
                      after=_absolute(request.after))  # fmt: skip
    table: dict[str, Any] = {"title": title or name, "format": format_}
    table |= {key: list(v) if isinstance(v, tuple) else v for key, v in written.items() if v}
    table["playlist"] = _changed(lasting, PlaylistRequest(kind="listener"), without=("filters",))
    table["playlist"]["kind"] = request.kind
    if request.filters:
        table["filters"] = _changed(request.filters, TrackFilter())
    braces = {name for text in _texts(table) for name in PARAMETER.findall(text)}
    if braces:  # literal braces
        table["parameters"] = {name: f"{{{name}}}" for name in sorted(braces)}
    file = directory / f"{name}.toml"
    write_output(file, tomli_w.dumps(table).encode())
    return file


def _absolute(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names, with absolute paths of files."""
    return tuple(os.path.abspath(name) if is_file(name) else name for name in names)  # noqa: PTH100 - links stay as they are


def _texts(value: Any) -> list[str]:
    """Return every text in a table."""
    if isinstance(value, dict):
        return _texts(list(value.values()))
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)]
    return [value] if isinstance(value, str) else []


def _changed(value: Any, default: Any, *, without: Iterable[str] = ()) -> dict[str, Any]:
    """Return the fields that differ from their defaults."""
    changes = {}
    for field in fields(value):
        given = getattr(value, field.name)
        if field.name in without or given == getattr(default, field.name) or given is None:
            continue
        changes[field.name] = list(given) if isinstance(given, tuple) else given
    return changes


def load_recipe(
    file: Path, *, parameters: Mapping[str, str] | None = None, now: float | None = None
) -> PlaylistRecipe:
    """Read a recipe.

    Parameters
    ----------
    file : Path
    parameters : mapping of str to str
        Values that override those of the file.
    now : float
        Time (s since 1970) that sets the day and week; by default the present.

    Raises
    ------
    DataError
        If it cannot be read, or is not a valid recipe.
    MissingParameterError
        If a parameter has no value.
    """
    try:
        table = tomllib.loads(file.read_bytes().decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise DataError(one_line(f"{file} cannot be read: {system_reason(error)}")) from None
    try:
        return _parsed(file.stem, table, parameters or {}, time.time() if now is None else now)
    except (ParameterError, TypeError, ValueError, AttributeError) as error:
        raise DataError(one_line(f"{file}: {error}; mend it")) from None


def _parsed(
    name: str, table: dict[str, Any], given: Mapping[str, str], now: float
) -> PlaylistRecipe:
    for key in table.keys() - TABLES:
        raise ParameterError(f"{key!r} must be one of {', '.join(sorted(TABLES))}")
    values = {**table.get("parameters", {}), **given}
    filled = _filled({k: table.get(k, {}) for k in ("playlist", "filters")}, values)
    title = str(_filled(table.get("title", name), values))
    wishes: dict[str, Any] = {
        key.replace("-", "_"): tuple(value) if isinstance(value, list) else value
        for key, value in filled["playlist"].items()
    }
    known = {field.name for field in fields(PlaylistRequest)} - {"filters"}
    for key in wishes.keys() - known:
        raise ParameterError(f"{key!r} must be one of {', '.join(sorted(known))}")
    period = _period(wishes.get("shuffle"), now)
    if period:
        wishes["shuffle"] = crc32(f"{name}{period}".encode())
    format_ = table.get("format", "m3u8")
    if format_ not in WRITERS:
        raise ParameterError(f"format={format_!r} must be one of {', '.join(WRITERS)}")
    clusters = table.get("clusters", 0)
    if not isinstance(clusters, int) or clusters < 0:
        raise ParameterError(f"clusters={clusters!r} must be a number of clusters")
    if clusters:
        wishes.setdefault("seeds", ("cluster",))
    request = PlaylistRequest(**wishes, filters=TrackFilter.from_table(filled["filters"]))
    path_map = table.get("path_map", [])
    if not isinstance(path_map, list):
        raise ParameterError(f"path_map={path_map!r} must be a list of OLD=NEW")
    for text in path_map:
        PathMap.parse(str(text))
    written = {key: _boolean(table, key) for key in ("absolute", "preview")}
    return PlaylistRecipe(
        name,
        request,
        title,
        format_,
        clusters,
        period,
        path_map=tuple(map(str, path_map)),
        **written,
    )


def _period(shuffle: Any, now: float) -> str:
    """The day or week that a shuffle by name lasts; empty for one by number."""
    if not isinstance(shuffle, str):
        return ""
    if shuffle not in PERIODS:
        raise ParameterError(f"shuffle={shuffle!r} must be a number, or day or week")
    return datetime.fromtimestamp(now, tz=UTC).strftime(PERIODS[shuffle])


def _boolean(table: dict[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ParameterError(f"{key}={value!r} must be true or false")
    return value


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    """Substitute the parameters in braces in a value."""
    if isinstance(value, dict):
        return {key: _filled(each, parameters) for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, parameters) for each in value]
    if not isinstance(value, str):
        return value

    def of(match: re.Match[str]) -> str:
        given = parameters.get(match[1], "")
        if given == "":
            raise MissingParameterError(
                f"parameter {match[1]!r} has no value; set it under [parameters], or with "
                f"--set {match[1]}=VALUE"
            )
        return str(given)

    return PARAMETER.sub(of, value)


def recipes_in(directory: Path) -> list[Path]:
    """List the recipes of a folder by name; `DataError` if there are none."""
    paths = sorted(directory.glob("*.toml")) if directory.is_dir() else []
    if not paths:
        raise DataError(
            f"there is no playlist recipe in {directory}; save one by 'audiorec playlist ... "
            "--save NAME', or name a folder that has some"
        )
    return paths
