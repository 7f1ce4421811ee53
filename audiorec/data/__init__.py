"""Tracks and plays: importing them, excluding tracks, sessions, splits.

Packages in it have the catalogue (`data.catalog`), stored plays (`data.plays`), names
(`data.names`), playlist files (`data.playlist_files`) and what the server stores of its listeners
(`data.server`); `data.histories` and `data.datasets` have one module for each format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.data.dataset_import import (
        DatasetCheck,
        DatasetReport,
        about_datasets,
        add_dataset,
        catalogue_spectrograms,
        check_dataset,
        write_manifest,
    )
    from audiorec.data.exclusion_rules import (
        Exclusion,
        check_exclusion,
        excluded_tracks,
        exclusion_test,
        load_exclusions,
        remove_exclusion,
        save_exclusions,
    )
    from audiorec.data.file_part_paths import FilePart, file_of, segment_of
    from audiorec.data.folder_playlists import (
        FolderPlaylists,
        import_folder_playlists,
        remove_folder_playlists,
    )
    from audiorec.data.group_folds import group_kfold, group_weights
    from audiorec.data.history_import import HistoryReport, add_history, open_export
    from audiorec.data.plays_import import add_table, import_plays
    from audiorec.data.session_split import SessionSplit, split_by_time
    from audiorec.data.sessionize import SessionRows, read_session_plays, session_rows
    from audiorec.data.sessions import Sessions, load_sessions, make_sessions
    from audiorec.data.splits import Split, UserHalves, split_tracks, split_users
    from audiorec.data.track_groups import artist_groups, connected_components, merge_groups
    from audiorec.data.word_search import find_tracks

__all__ = [
    "DatasetCheck",
    "DatasetReport",
    "Exclusion",
    "FilePart",
    "FolderPlaylists",
    "HistoryReport",
    "SessionRows",
    "SessionSplit",
    "Sessions",
    "Split",
    "UserHalves",
    "about_datasets",
    "add_dataset",
    "add_history",
    "add_table",
    "artist_groups",
    "catalogue_spectrograms",
    "check_dataset",
    "check_exclusion",
    "connected_components",
    "excluded_tracks",
    "exclusion_test",
    "file_of",
    "find_tracks",
    "group_kfold",
    "group_weights",
    "import_folder_playlists",
    "import_plays",
    "load_exclusions",
    "load_sessions",
    "make_sessions",
    "merge_groups",
    "open_export",
    "read_session_plays",
    "remove_exclusion",
    "remove_folder_playlists",
    "save_exclusions",
    "segment_of",
    "session_rows",
    "split_by_time",
    "split_tracks",
    "split_users",
    "write_manifest",
]

# Imported when asked for: most load polars or numpy, which answers and ``--help`` do without.
__getattr__ = lazy_attributes(
    __name__,
    {
        "dataset_import": (
            "DatasetCheck",
            "DatasetReport",
            "about_datasets",
            "add_dataset",
            "catalogue_spectrograms",
            "check_dataset",
            "write_manifest",
        ),
        "exclusion_rules": (
            "Exclusion",
            "check_exclusion",
            "excluded_tracks",
            "exclusion_test",
            "load_exclusions",
            "remove_exclusion",
            "save_exclusions",
        ),
        "folder_playlists": (
            "FolderPlaylists",
            "import_folder_playlists",
            "remove_folder_playlists",
        ),
        "group_folds": ("group_kfold", "group_weights"),
        "history_import": ("HistoryReport", "add_history", "open_export"),
        "file_part_paths": ("FilePart", "file_of", "segment_of"),
        "plays_import": ("add_table", "import_plays"),
        "session_split": ("SessionSplit", "split_by_time"),
        "sessionize": ("SessionRows", "read_session_plays", "session_rows"),
        "sessions": ("Sessions", "load_sessions", "make_sessions"),
        "splits": ("Split", "UserHalves", "split_tracks", "split_users"),
        "track_groups": ("artist_groups", "connected_components", "merge_groups"),
        "word_search": ("find_tracks",),
    },
)
