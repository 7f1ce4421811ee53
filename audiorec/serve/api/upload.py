"""Similar tracks of an uploaded file: bounded in size, decoded in a worker, not kept."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import IO, Any, NamedTuple

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from audiorec.exceptions import AudioError
from audiorec.recommend import Library
from audiorec.serve.api.common import hit_models, state_of
from audiorec.serve.api.models import AnswerModel
from audiorec.serve.media import TYPES
from audiorec.serve.state import ServerState

COPIED = 1 << 20


class Upload(NamedTuple):
    """An uploaded file to search by, for the worker."""

    workspace: str
    path: str
    k: int


async def answer_upload(request: Request, *, k: int) -> AnswerModel:
    """Answer with tracks similar to the part ``file`` of a form."""
    state = state_of(request)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(415, "send a form of type multipart/form-data with a part 'file'")
    with state.worker.place():
        return await _answer(request, state, k=k)


async def _answer(request: Request, state: ServerState, *, k: int) -> AnswerModel:
    async with request.form(max_files=1, max_fields=8) as form:
        sent = form.get("file")
        if not isinstance(sent, UploadFile):
            raise HTTPException(422, "file: the form has no file of this name")
        suffix = Path(sent.filename or "").suffix.lower()
        suffix = suffix if suffix[1:] in TYPES else ""
        with tempfile.NamedTemporaryFile(prefix="audiorec-upload-", suffix=suffix) as kept:
            await state.library.in_thread(_copy, sent.file, kept)
            upload = Upload(str(state.workspace.root), kept.name, k)
            try:
                hits = await state.worker.call(similar_to, upload)
            except AudioError as error:
                raise AudioError(str(error).replace(kept.name, "the file sent")) from None
    table = await state.library.in_thread(state.library.tracks)
    return AnswerModel(query=[], space="blend", stale=False, results=hit_models(hits, table))


def similar_to(upload: Upload) -> list[Any]:
    """Find the tracks similar to a file. Runs in a worker."""
    library = Library(Path(upload.workspace))
    hits = library.similar([upload.path], k=upload.k)
    library.close()
    return hits


def upload_body() -> dict[str, Any]:
    """Describe the request body for OpenAPI."""
    file = {"type": "string", "format": "binary"}
    schema = {"type": "object", "properties": {"file": file}, "required": ["file"]}
    content = {"multipart/form-data": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(COPIED):
        target.write(chunk)
    target.flush()
