"""Listening histories exported by other programs: one module per format, all of one structure.

Each module has ``TITLE``, the name of its source; ``EXPORT``, instructions for the export, shown by
the help; ``recognise(member)``, whether a file of an export has the format; and ``read(export,
members, tally)``, an iterator over its listens, which counts in ``tally`` whatever is left out. Two
formats name tracks by their ids or files already, and are read as columns: ``csv`` and ``m3u``.
``importer_registry`` lists the formats in `SOURCES`. The other modules serve them: ``export_files``
opens an export, ``listen`` is one row of it, ``stream_parsing``, ``databases`` and
``csv_normalization`` parse, and ``imported_frame`` has the columns of those two.
"""

from __future__ import annotations

from audiorec.data.histories.export_files import Export, ExportFile
from audiorec.data.histories.importer_registry import (
    AUTO,
    IN_COLUMNS,
    PLAYLISTS,
    SOURCES,
    HistoryFormat,
    RecognisedExport,
    history,
    recognise,
)
from audiorec.data.histories.listen import PLAY_FRACTION, PLAY_SECONDS, SKIP_SECONDS, Listen, Tally

__all__ = [
    "AUTO",
    "IN_COLUMNS",
    "PLAYLISTS",
    "PLAY_FRACTION",
    "PLAY_SECONDS",
    "SKIP_SECONDS",
    "SOURCES",
    "Export",
    "ExportFile",
    "HistoryFormat",
    "Listen",
    "RecognisedExport",
    "Tally",
    "history",
    "recognise",
]
