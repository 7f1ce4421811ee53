"""Strict reader of tables of tracks: CSV in UTF-8 with a header line."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path

from audiorec.data.magic_bytes import is_special_file
from audiorec.exceptions import data_error, system_reason

MOST_BYTES, MOST_ROWS = 1 << 28, 2_000_000  # of a table: a million tracks take half of it


def read_table(
    file: Path, *, required_columns: Sequence[str], optional_columns: Sequence[str] = ()
) -> list[tuple[int, dict[str, str]]]:
    """Read the rows of a table of tracks, each with the number of its last line.

    Parameters
    ----------
    file : Path
        CSV in UTF-8 with a header line.
    required_columns, optional_columns : sequence of str
        Columns that must and that may be present; others are ignored.

    Returns
    -------
    rows : list of (int, dict of str to str)
        Unchanged values of these columns, empty where the table lacks the column.

    Raises
    ------
    DataError
        If it cannot be read, is larger than `MOST_BYTES` or `MOST_ROWS`, lacks a column or rows,
        has a column twice, or a line is truncated.
    """
    if is_special_file(file):
        raise data_error(file, "is no regular file", "copy it into one")
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            if os.fstat(stream.fileno()).st_size > MOST_BYTES:
                raise data_error(file, f"has more than {MOST_BYTES >> 20} MB", "part it")
            reader = csv.DictReader(stream, strict=True)  # an unclosed quote is an error
            columns = [name for name in reader.fieldnames or () if name]
            _check_columns(
                file, columns, required_columns=required_columns, optional_columns=optional_columns
            )
            rows: list[tuple[int, dict[str, str]]] = []
            for row in reader:
                _check_row(file, row, columns=columns, line=reader.line_num)
                if len(rows) == MOST_ROWS:
                    raise data_error(file, f"has more than {MOST_ROWS} rows", "part it")
                values = {key: row.get(key) or "" for key in (*required_columns, *optional_columns)}
                rows.append((reader.line_num, values))
    except OSError as error:
        reason = system_reason(error).lower()
        raise data_error(file, f"cannot be opened: {reason}", "check the path") from None
    except UnicodeDecodeError:
        raise data_error(file, "is not UTF-8", "save it in UTF-8") from None
    except csv.Error as error:
        what = f"is not CSV from line {reader.line_num + 1} on ({error})"
        raise data_error(file, what, "save it as CSV in UTF-8, whole") from None
    if not rows:
        raise data_error(file, "has no rows", "give a row for every track")
    return rows


def _check_row(file: Path, row: dict[str, str], *, columns: Sequence[str], line: int) -> None:
    there = sum(row[column] is not None for column in columns)
    if there < len(columns):
        named = f"{there} of the {len(columns)} columns that the first line names"
        what = f"is cut off in line {line}: it has {named}"
        raise data_error(file, what, "complete it, or write the file again")


def _check_columns(
    file: Path,
    columns: Sequence[str],
    *,
    required_columns: Sequence[str],
    optional_columns: Sequence[str],
) -> None:
    missing = [name for name in required_columns if name not in columns]
    if missing:
        raise data_error(
            file,
            f"lacks the column {missing[0]}",
            f"its first line must name {','.join(required_columns)} and optionally "
            f"{','.join(optional_columns)}",
        )
    repeated = [name for name in (*required_columns, *optional_columns) if columns.count(name) > 1]
    if repeated:
        raise data_error(
            file,
            f"has {columns.count(repeated[0])} columns {repeated[0]!r}",
            "keep one, and rename or remove the others",
        )
