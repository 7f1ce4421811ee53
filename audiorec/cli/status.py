"""``audiorec status``: what the workspace holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from audiorec.cli.common import Settings, echo_json, echo_line, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audiorec.data.tracks import Failure
    from audiorec.workspace import Workspace


@click.command("status")
@click.option("--failures", is_flag=True, help="Name every file that could not be read, and why.")
@click.option(
    "--suspects", is_flag=True, help="Name every listener who is left out as suspect, and why."
)
@json_option
@click.pass_obj
def command(settings: Settings, failures: bool, suspects: bool, as_json: bool) -> None:
    """Say what the workspace holds: tracks, listening, and each stage's artifact."""
    from audiorec.workers import one_line

    workspace = settings.workspace
    workspace.check()
    if suspects:
        show_suspects(workspace, as_json=as_json)
        return
    held, failed, notes = catalog_state(workspace)
    if failures:
        rows = [failure._asdict() for failure in [*failed, *notes]]
        if as_json:
            echo_json(rows)
        else:
            for failure in [*failed, *notes]:
                reason = failure.reason
                named = one_line(failure.path) in reason
                echo_line(
                    f"{failure.stage:5} " + (reason if named else f"{failure.path}: {reason}")
                )
        return
    held |= listening_counts(workspace)
    held["artifacts"] = {kind: artifact_state(workspace, kind) for kind in KINDS}
    if as_json:
        echo_json(held)
        return
    echo_line(f"workspace  {held['workspace']}")
    click.echo(f"tracks     {held['tracks']}")
    click.echo(f"failures   {held['failures']}" + ("  (--failures names them)" if failed else ""))
    if notes:
        click.echo(f"notes      {len(notes)}  (heard in spite of damage; --failures names them)")
    if held["listeners"]:
        click.echo(
            f"listening  {held['plays']} plays of {held['tracks_with_listening']} tracks by "
            f"{held['listeners']} listeners"
        )
    words = [f"{count} tracks by {source}" for source, count in held["words"].items()]
    echo_line(f"words      {', '.join(words) or 'none yet: run ' + repr('audiorec tags --all')}")
    for kind, state in held["artifacts"].items():
        newer = held["stale"].get(kind)
        echo_line(f"{kind:10} {state}" + (f"; {newer}" if newer else ""))


def catalog_state(workspace: Workspace) -> tuple[dict[str, Any], list[Failure], list[Failure]]:
    """What the catalogue holds, its failures and its notes; listening does without a catalogue."""
    from audiorec import artifacts
    from audiorec.data.catalog import Catalog
    from audiorec.pipeline.staleness import stale_artifacts

    held: dict[str, Any] = {"workspace": str(workspace.root.resolve())}
    if not workspace.catalog.exists() and artifacts.exists(workspace.plays):
        none = {"tracks": 0, "failures": 0, "notes": 0, "words": {}, "stale": {}}
        return held | none, [], []
    with Catalog(workspace.catalog, read_only=True) as catalog:
        failed, notes = catalog.failures(), catalog.notes()
        held |= {
            "tracks": len(catalog),
            "failures": len(failed),
            "notes": len(notes),
            "words": catalog.tags.sources(),
            "stale": stale_artifacts(workspace, catalog),
        }
    return held, failed, notes


def listening_counts(workspace: Workspace) -> dict[str, int]:
    """How many tracks were listened to, by how many listeners, how often; 0 where nobody's is."""
    from audiorec import artifacts
    from audiorec.data.plays import load_plays
    from audiorec.exceptions import ArtifactError

    names = ("tracks_with_listening", "listeners", "plays")
    if not artifacts.exists(workspace.plays):
        return dict.fromkeys(names, 0)
    try:
        plays = load_plays(workspace.plays)
    except ArtifactError:  # which is said of the artifact
        return dict.fromkeys(names, 0)
    counts = plays["track_id"].n_unique(), plays["user_id"].n_unique(), round(plays["plays"].sum())
    return dict(zip(names, counts, strict=True))


def show_suspects(workspace: Workspace, *, as_json: bool) -> None:
    """Name the listeners whom the workspace's plays and recipe make suspect."""
    from audiorec.data.bot_filter import find_suspects
    from audiorec.data.plays import load_plays
    from audiorec.pipeline import current_recipe

    config = current_recipe(workspace).interactions
    found = find_suspects(load_plays(workspace.plays), config=config)
    if as_json:
        echo_json(found.to_json())
        return
    for user, rule, reason, kept in found.frame.select("user_id", "rule", "reason", "kept").rows():
        echo_line(f"{user}  {rule}: {reason}" + ("  (kept)" if kept else ""))
    click.echo(found.summary() or "nobody is suspect", err=True)


KINDS = ("plays", "mels", "factors", "model", "embeddings", "index")


def artifact_state(workspace: Workspace, kind: str) -> str:
    """In a few words: how large an artifact is, or what is wrong with it."""
    from audiorec import artifacts
    from audiorec.exceptions import ArtifactError
    from audiorec.pipeline import current_recipe

    directory = workspace.root / kind
    if not artifacts.exists(directory):
        if artifacts.was_imported(workspace.root):
            if kind == "embeddings":
                return "gone: run 'audiorec import embeddings FILE --replace'"
            if kind != "index":
                return "not needed: the vectors were imported"
        if kind in ("plays", "factors") and current_recipe(workspace).model.target == "content":
            return "not needed: sound alone places"
        return f"none yet: run 'audiorec {artifacts.STAGE_OF[kind]}'"
    try:
        manifest = artifacts.load_manifest(directory, kind=kind)
    except ArtifactError as error:
        return str(error)
    size = sum(entry.size for entry in manifest.files.values())
    state = f"{size / 1e6:.1f} MB in {len(manifest.files)} files, {manifest.fingerprint[:12]}"
    return f"{state}, {search_state(manifest.extra)}" if kind == "index" else state


def search_state(extra: Mapping[str, Any]) -> str:
    """In a few words: how an index finds neighbours, and how many of the true ones it finds."""
    vectors = f"{extra['n']} vectors"
    if extra["kind"] == "exact":
        return f"exact search of {vectors}"
    how = extra.get("factory") or extra["kind"]
    dead = extra.get("rows", extra["n"]) - extra["n"]
    removed = f", {dead} removed ones filtered out" if dead else ""
    return f"{how} of {vectors}, recall@10 {extra['recall_at_10']:.3f}{removed}"
