"""Shared state of the API methods, and a method call."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.requests import Request

from audiorec.data.catalog import Catalog, load_descriptors
from audiorec.exceptions import AudiorecError
from audiorec.serve.listening import PlayCount
from audiorec.serve.subsonic.catalog_view import CatalogView
from audiorec.serve.subsonic.parameters import Parameters
from audiorec.serve.subsonic.play_counts import PlayCounts

if TYPE_CHECKING:
    from audiorec.recommend import Library
    from audiorec.serve.listening import Opinion
    from audiorec.serve.state import ServerState

logger = logging.getLogger("audiorec.serve")
WAIT = 0.25  # s to wait for a new view before the old one is used


class Service:
    """State shared by all requests to ``/rest``.

    Parameters
    ----------
    state : ServerState
    """

    def __init__(self, state: ServerState) -> None:
        self.state = state
        self.play_counts = PlayCounts(state)
        self._view: tuple[object, CatalogView] | None = None
        self._making: threading.Thread | None = None
        self._lock = threading.Lock()
        self._files: dict[Path, tuple[object, Any]] = {}

    def view(self) -> CatalogView:
        """The catalogue as players browse it, rebuilt when the catalogue changes.

        A large one takes seconds: until it is built, the previous one is used.
        """
        table = self.state.library.tracks()
        with self._lock:
            if self._view is not None and self._view[0] == table.version:
                return self._view[1]
            making = self._making_thread()
        before = self._view
        making.join(None if before is None else WAIT)
        if self._view is None:
            raise AudiorecError("the catalogue cannot be read now; see the server's log")
        return self._view[1]

    def prepare(self) -> None:
        """Start building the view, so that the first request waits less."""
        with self._lock:
            self._making_thread()

    def _making_thread(self) -> threading.Thread:
        """Return the thread that builds the view, started if there is none."""
        if self._making is None or not self._making.is_alive():
            self._making = threading.Thread(
                target=self._try_to_make, name="catalogue view", daemon=True
            )
            self._making.start()
        return self._making

    def _try_to_make(self) -> None:
        try:
            self._make()
        except (AudiorecError, OSError) as error:
            logger.warning("players cannot browse now: %s", error)

    def _make(self) -> None:
        table = self.state.library.tracks()
        with Catalog(self.state.workspace.catalog, read_only=True) as catalog:
            sizes = catalog.file_states()
        view = CatalogView(
            table.tracks,
            added=table.added,
            sizes={id_: size for id_, (size, _) in sizes.items()},
            roots=[str(folder.absolute()) for folder in self.state.settings.music],
            tempos=self._tempos(),
        )
        self._view = (table.version, view)

    def _tempos(self) -> dict[str, float]:
        try:
            return load_descriptors(self.state.workspace.descriptors).values("tempo")
        except AudiorecError:
            return {}

    def cached_file(self, file: Path, read: Callable[[], Any]) -> Any:
        """Return `read` of a file, cached until the file or the catalogue changes."""
        try:
            state = (file.stat().st_mtime_ns, self.state.library.tracks().version)
        except OSError:
            return None
        if file not in self._files or self._files[file][0] != state:
            self._files[file] = (state, read())
        return self._files[file][1]


@dataclass
class MethodCall:
    """One request: its user, parameters and the library it is answered from."""

    service: Service
    request: Request
    parameters: Parameters
    user: str
    library: Library | None = None

    @property
    def state(self) -> ServerState:
        """The server's state."""
        return self.service.state

    @cached_property
    def view(self) -> CatalogView:
        """The catalogue."""
        return self.service.view()

    @cached_property
    def excluded(self) -> frozenset[str]:
        """Ids of tracks excluded from answers; they can still be looked up and played."""
        assert self.library is not None
        return self.library.hidden

    @cached_property
    def opinions(self) -> Mapping[str, Opinion]:
        """The user's opinions of tracks."""
        return self.state.listening.opinions(self.user)

    @cached_property
    def counts(self) -> Mapping[str, PlayCount]:
        """The user's play counts, here and imported."""
        counts = dict(self.service.play_counts.imported(self.user))
        for id_, here in self.state.listening.counts(self.user).items():
            before = counts.get(id_, PlayCount(0, 0))
            counts[id_] = PlayCount(before.plays + here.plays, max(before.last, here.last))
        return counts

    @cached_property
    def starred_albums(self) -> Mapping[str, int]:
        """Times of the user's stars of albums."""
        return self.state.listening.starred(self.user, "album")

    @cached_property
    def starred_artists(self) -> Mapping[str, int]:
        """Times of the user's stars of artists."""
        return self.state.listening.starred(self.user, "artist")


class Method(NamedTuple):
    """Handler of an API method.

    Attributes
    ----------
    answer : callable
        Function of a `MethodCall` that returns the payload of the envelope, or a response.
    waits : bool
        Whether it mainly waits for the disk.
    """

    answer: Callable[[MethodCall], Any]
    waits: bool = False


METHODS: dict[str, Method] = {}


def method(
    *names: str, waits: bool = False
) -> Callable[[Callable[[MethodCall], Any]], Callable[[MethodCall], Any]]:
    """Register a function as the handler of the methods of these names."""

    def register(answer: Callable[[MethodCall], Any]) -> Callable[[MethodCall], Any]:
        METHODS.update((name, Method(answer, waits)) for name in names)
        return answer

    return register


def date(seconds: float) -> str:
    """Format a time as in the protocol."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(max(0.0, seconds)))
