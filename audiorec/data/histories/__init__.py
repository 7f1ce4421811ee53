"""Listening histories as other programs export them: one module a format, all of one anatomy.

Each module has ``TITLE``, what it is; ``EXPORT``, how to get it, which the help shows;
``recognise(member)``, whether a file of an export is one of these; and
``read(export, members, tally)``, its listens one after the other, in which ``tally`` counts what is
left out. Two name tracks by their ids or files already, and are read as columns: ``csv`` and
``m3u``. ``importer_registry`` names the formats in `SOURCES`. The other modules serve them:
``export_files`` opens an export, ``listen`` is what is read of it, ``stream_parsing``,
``databases`` and ``csv_normalization`` parse, and ``plays_frame`` has the columns of those two.
"""

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

__all__ = [
    "AUTO",
    "IN_COLUMNS",
    "PLAYLISTS",
    "SOURCES",
    "HistoryFormat",
    "RecognisedExport",
    "history",
    "recognise",
]
