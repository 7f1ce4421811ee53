"""Access to the catalogue's file: SQLite with a checksum beside it, and errors of one line."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from audiorec.data.catalog.corruption_check import (
    checksum_file,
    is_altered,
    remove_checksum,
    write_checksum,
)
from audiorec.data.catalog.schema import open_tables
from audiorec.exceptions import WorkspaceError
from audiorec.printable_text import one_line

ALTERED = "it differs from its digest; remove {} if you have changed it yourself"


class CatalogFile:
    """An open file; see `audiorec.data.catalog.database.Catalog`.

    Parameters
    ----------
    path : Path
    read_only : bool
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = Path(path)
        self._written = False
        with self._named_errors():
            self._db = open_tables(self.path, read_only=read_only)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        if self._written:
            write_checksum(self._db, self.path)
        self._db.close()

    def last_change(self) -> int:
        """A number that changes when another process changes the catalogue."""
        return int(self._rows("PRAGMA data_version")[0][0])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all writes of the block, or none of them; transactions may be nested."""
        if self._db.in_transaction:
            yield
            return
        with self._named_errors():
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                if not self._written and is_altered(self.path):
                    raise self._damaged(ALTERED.format(checksum_file(self.path).name))
                self._written = True
                remove_checksum(self.path)
                yield

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise WorkspaceError(
                f"catalogue {self.path} cannot be used ({error}); "
                "wait for other runs to end and check its permissions and the disk"
            ) from None
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from None
        except OSError as error:
            raise WorkspaceError(
                f"catalogue {self.path} cannot be written: {error.strerror}; check the path"
            ) from None

    def _damaged(self, reason: str) -> WorkspaceError:
        return WorkspaceError(
            one_line(
                f"catalogue {self.path} is damaged ({reason}); move it away and run "
                "'audiorec scan' again on the folders or the manifest that it came from"
            )
        )

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._named_errors(), closing(self._db.execute(sql, values)) as cursor:
            return cursor.fetchall()

    def _execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._named_errors():
            self._db.executemany(sql, rows)
