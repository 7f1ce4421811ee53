import subprocess
import sys
import threading
from pathlib import Path

import pytest

from audiorec.artifacts import WORKSPACE_FOLDERS
from audiorec.data.catalog import Catalog, Track
from audiorec.exceptions import WorkspaceError
from audiorec.workspace import Workspace


def test_made_once_and_checked_ever_after(tmp_path):
    workspace = Workspace(tmp_path / "w")
    with pytest.raises(WorkspaceError, match="there is no workspace at"):
        workspace.check()
    workspace.create()
    workspace.create()
    workspace.check()


def test_newer_damaged_and_foreign_directories_are_refused(tmp_path):
    workspace = Workspace(tmp_path / "w")
    workspace.create()
    marker = workspace.root / "workspace.json"
    marker.write_text('{"version": 7}')
    with pytest.raises(WorkspaceError, match="version 7, newer than 1; upgrade audiorec"):
        workspace.check()
    marker.write_text("{")
    with pytest.raises(WorkspaceError, match=r'damaged; put \{"version": 1\} in place of'):
        workspace.create()
    for version in ('"1"', "-5", "0", "1.0", "true", "null"):
        marker.write_text(f'{{"version": {version}}}')
        with pytest.raises(WorkspaceError, match=r'damaged; put \{"version": 1\} in place of'):
            workspace.check()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").touch()
    with pytest.raises(WorkspaceError, match=r"holds 'cat\.jpg'"):
        Workspace(tmp_path / "photos").create()
    with pytest.raises(WorkspaceError, match="is a file"):
        Workspace(tmp_path / "photos" / "cat.jpg").create()


def test_one_writer_at_a_time(tmp_path):
    workspace = Workspace(tmp_path)
    other = (
        "import sys, pathlib; from audiorec.workspace import Workspace\n"
        "with Workspace(pathlib.Path(sys.argv[1])).writing():\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        with (
            pytest.raises(WorkspaceError, match=rf"in use by process {process.pid}; wait"),
            workspace.writing(),
        ):
            pass
        process.kill()
    with workspace.writing():  # a dead process holds nothing
        pass


def test_whoever_holds_it_is_waited_for_to_say_so(tmp_path):
    workspace = Workspace(tmp_path)
    with workspace.writing():
        holder = tmp_path / ".lock-holder"
        own = holder.read_text()
        holder.unlink()
        later = threading.Timer(0.2, holder.write_text, [own])
        later.start()
        with pytest.raises(WorkspaceError, match=f"in use by {own}; wait"), workspace.writing():
            pass
        later.join()
        holder.write_text("")  # and nobody is named who does not
        with pytest.raises(WorkspaceError, match="in use by another process; wait"):
            workspace.writing().__enter__()
    assert not holder.exists()


def test_a_place_that_cannot_be_written_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr("audiorec.workspace.write_atomic", refuse)
    with pytest.raises(WorkspaceError, match=r"permission denied; check .* --workspace$"):
        Workspace(tmp_path / "w").create()


def test_what_fails_in_a_new_workspace_leaves_nothing_behind(tmp_path):
    workspace = Workspace(tmp_path / "a" / "b")
    with pytest.raises(ZeroDivisionError), workspace.writing():
        workspace.plays.mkdir()
        raise ZeroDivisionError
    assert not any(tmp_path.iterdir())
    (tmp_path / "a").mkdir()
    with pytest.raises(ZeroDivisionError), workspace.writing():
        workspace.catalog.touch()
        raise ZeroDivisionError
    workspace.check()  # something was stored: it stays
    with pytest.raises(ZeroDivisionError), workspace.writing():
        raise ZeroDivisionError
    workspace.check()


def test_what_a_killed_run_made_aside_is_swept(tmp_path):
    workspace = Workspace(tmp_path / "w")
    with workspace.writing():
        for folder in ("plays/.import-x1abcd_9", "audiorec-lists-abcdefgh", "index"):
            (workspace.root / folder).mkdir(parents=True)
            (workspace.root / folder / "part.parquet").touch()
        for name in (".recipe.toml.12.part", "index/.vectors.npy.7.part", "index/mine.part"):
            (workspace.root / name).touch()
    with workspace.writing():
        left = {str(path.relative_to(workspace.root)) for path in workspace.root.rglob("*")}
    ours = {"workspace.json", ".lock", ".lock-holder"}
    assert left - ours == {"plays", "index", "index/part.parquet", "index/mine.part"}


def test_every_folder_of_a_workspace_is_swept(tmp_path):
    workspace = Workspace(tmp_path / "w")
    paths = [getattr(workspace, name) for name in dir(workspace)]
    folders = [p for p in paths if isinstance(p, Path) and p.suffix not in (".sqlite", ".json")]
    assert len(folders) == len(WORKSPACE_FOLDERS) + 1  # the workspace itself
    with workspace.writing():
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / ".x.999999.part").touch()
            (folder / "x.part").touch()
    with workspace.writing():
        left = [path.name for path in workspace.root.rglob("*.part")]
    assert left == ["x.part"] * len(folders)


def test_folders_that_lie_elsewhere_are_never_swept(tmp_path):
    workspace = Workspace(tmp_path / "w")
    mine = tmp_path / "mine" / "recipes"
    mine.mkdir(parents=True)
    for folder in (mine.parent, mine):
        (folder / ".x.999999.part").touch()
    with workspace.writing():
        workspace.playlists.symlink_to(mine.parent)
    with workspace.writing():
        assert len(list(mine.parent.rglob("*.part"))) == 2


def test_folders_that_are_not_the_workspaces_are_never_swept(tmp_path):
    workspace = Workspace(tmp_path / "w")
    with workspace.writing():
        mine = workspace.root / "mine" / ".import-playlist"
        mine.mkdir(parents=True)
        (mine / "a.txt").touch()
    with workspace.writing():
        assert (mine / "a.txt").exists()


@pytest.mark.parametrize("name", ["file:w", "file:w?mode=memory", ":memory:", "a b%20c"])
def test_a_name_that_looks_like_an_address_is_a_folder(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(Path(name))
    with workspace.writing(), Catalog(workspace.catalog) as catalog:
        catalog.upsert([Track("a", "/music/a.flac")])
    workspace.check()
    assert (tmp_path / name / "catalog.sqlite").is_file()
    with Catalog(workspace.catalog, read_only=True) as catalog:
        assert len(catalog) == 1


def test_a_record_that_nests_without_end_is_damaged(tmp_path):
    (tmp_path / "workspace.json").write_text("[" * 100_000)
    with pytest.raises(WorkspaceError, match="workspace.json is damaged"):
        Workspace(tmp_path).check()
