"""Refresh of the playlists of all saved recipes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from audiorec.data.playlist_files import PathMap
from audiorec.exceptions import AudiorecError
from audiorec.playlist.build import build_playlist, save_playlist
from audiorec.playlist.clusters import Cluster, find_clusters
from audiorec.playlist.recipe_files import MissingParameterError, PlaylistRecipe, load_recipe
from audiorec.printable_text import one_line
from audiorec.recommend import Library


class RefreshReport(NamedTuple):
    """Result of a recipe: its files, or the reason why there are none.

    Attributes
    ----------
    name : str
    files : tuple of str
    n_tracks : int
    notes : tuple of str
    problem : str
        In one line; empty on success.
    skipped : bool
        Whether the problem is a parameter without a value, which is not a failure.
    """

    name: str
    files: tuple[str, ...] = ()
    n_tracks: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""
    skipped: bool = False


def refresh_playlists(
    library: Library,
    files: Iterable[Path],
    *,
    output: Path,
    parameters: Mapping[str, str] | None = None,
    now: float | None = None,
) -> list[RefreshReport]:
    """Make the playlists of recipes; one that fails keeps its old files and stops no other.

    Parameters
    ----------
    library : Library
    files : iterable of Path
    output : Path
        Folder of the playlists, each named after its recipe.
    parameters, now
        See `load_recipe`.
    """
    done = []
    for file in files:
        try:
            recipe = load_recipe(file, parameters=parameters, now=now)
            done.append(_made(library, recipe, output))
        except MissingParameterError as error:
            done.append(RefreshReport(file.stem, problem=one_line(str(error)), skipped=True))
        except (AudiorecError, OSError) as error:
            done.append(RefreshReport(file.stem, problem=one_line(str(error))))
    return done


def _made(library: Library, recipe: PlaylistRecipe, output: Path) -> RefreshReport:
    if not recipe.clusters:
        return _written(library, recipe, output)
    parts = [
        _written(library, _of_cluster(recipe, cluster), output)
        for cluster in find_clusters(library, recipe.clusters)
    ]
    return RefreshReport(
        recipe.name,
        tuple(file for part in parts for file in part.files),
        sum(part.n_tracks for part in parts),
        tuple(f"{Path(part.files[0]).stem}: {n}" for part in parts for n in part.notes),
    )


def _of_cluster(recipe: PlaylistRecipe, cluster: Cluster) -> PlaylistRecipe:
    request = replace(recipe.request, seeds=(cluster.centre,))
    name = f"{recipe.name} {cluster.number}"
    return recipe._replace(name=name, request=request, title=cluster.title)


def _written(library: Library, recipe: PlaylistRecipe, output: Path) -> RefreshReport:
    key = f"{recipe.name}|{recipe.period}"
    playlist = build_playlist(library, recipe.request, key=key)
    written = save_playlist(
        library,
        playlist.hits,
        output / f"{recipe.name}.{recipe.format_}",
        format_=recipe.format_,
        relative=not recipe.absolute,
        title=recipe.title,
        path_map=[PathMap.parse(text) for text in recipe.path_map],
        preview=recipe.preview,
        key=key,
    )
    notes = (*written.skipped, *playlist.notes)
    return RefreshReport(recipe.name, (str(written.file),), written.n_tracks, notes)
