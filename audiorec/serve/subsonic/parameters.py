"""Parameters of an OpenSubsonic request, from its query and from a form."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import parse_qsl

from starlette.requests import Request

from audiorec.serve.subsonic.envelope import GENERIC, MISSING_PARAMETER, SubsonicError

FORM = "application/x-www-form-urlencoded"
MOST_FIELDS = 200_000
LARGEST = 1 << 53  # beyond it, JSON numbers are not exact


class Parameters:
    """Named values, each of which may be repeated.

    Parameters
    ----------
    pairs : sequence of (str, str)
    """

    def __init__(self, pairs: Sequence[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def get(self, name: str) -> str | None:
        """Return the value of a name, the first of several; None if it is not given."""
        values = self._values.get(name)
        return values[0] if values else None

    def all(self, name: str) -> list[str]:
        """Return all values of a name, in order."""
        return list(self._values.get(name, ()))

    def text(self, name: str) -> str:
        """Return a required, non-empty value."""
        value = self.get(name)
        if not value:
            raise SubsonicError(MISSING_PARAMETER, f"parameter {name!r} is missing; give it")
        return value

    def integer(
        self, name: str, default: int | None = None, *, least: int = 0, most: int = LARGEST
    ) -> int:
        """Return an integer, clipped to its limits; required if there is no default."""
        given = self.get(name)
        if given is None or (given == "" and default is not None):
            if default is None:
                raise SubsonicError(MISSING_PARAMETER, f"parameter {name!r} is missing; give it")
            return default
        return max(least, min(most, _integer(name, given)))

    def integers(self, name: str) -> list[int]:
        """Return all integers of a name."""
        return [_integer(name, value) for value in self.all(name)]

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a boolean."""
        value = self.get(name)
        if value is None or value == "":
            return default
        folded = value.lower()
        if folded not in ("true", "false", "1", "0"):
            raise SubsonicError(GENERIC, f"{name}={value[:40]!r} must be true or false")
        return folded in ("true", "1")


def _integer(name: str, value: str) -> int:
    try:
        # Some clients write integers with a fraction: 1700000000000.0
        number = float(value) if "." in value else int(value, 10)
        if not -LARGEST <= number <= LARGEST:
            raise ValueError
        return int(number)
    except (ValueError, OverflowError):
        raise SubsonicError(GENERIC, f"{name}={value[:40]!r} must be a whole number") from None


async def read_parameters(request: Request) -> Parameters:
    """Read the parameters of a request: those of the query first, then those of a form.

    Raises
    ------
    SubsonicError
        If the form has more fields than any player sends.
    """
    pairs = list(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and kind == FORM:
        body = b""
        async for chunk in request.stream():
            body += chunk
        try:
            text = body.decode("utf-8", "replace")
            pairs += parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            message = f"the form has more than {MOST_FIELDS} fields; split it"
            raise SubsonicError(GENERIC, message) from None
    return Parameters(pairs)
