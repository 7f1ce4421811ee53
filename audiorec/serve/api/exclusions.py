"""Routes of the exclusions: the rules that hide tracks from every answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from audiorec.data import (
    Exclusion,
    check_exclusion,
    excluded_tracks,
    load_exclusions,
    remove_exclusion,
    save_exclusions,
)
from audiorec.data.exclusion_rules import Kind
from audiorec.recommend import Library
from audiorec.serve.api.common import state_of
from audiorec.serve.api.models import RequestBody, Word

router = APIRouter(tags=["workspace"])


class ExclusionModel(BaseModel):
    """A rule that hides tracks from answers, and how many it hides."""

    number: int
    kind: str
    value: str
    tracks: int


class ExclusionsModel(BaseModel):
    """All rules, and how many tracks they hide together."""

    exclusions: list[ExclusionModel]
    hidden: int


class ExclusionRequest(RequestBody):
    """A rule to add."""

    kind: Kind
    value: Word


@router.get("/exclusions")
async def exclusions(request: Request) -> ExclusionsModel:
    """List the rules that hide tracks from every answer."""
    return await state_of(request).library.call(_exclusions)


@router.post("/exclusions")
async def exclude(request: Request, body: ExclusionRequest) -> ExclusionsModel:
    """Add a rule."""

    def answer(library: Library) -> ExclusionsModel:
        new = check_exclusion(Exclusion(body.kind, body.value))
        workspace = library.workspace
        with workspace.writing():
            save_exclusions(workspace.exclusions, [*load_exclusions(workspace.exclusions), new])
        return _exclusions(library)

    return await state_of(request).library.call(answer)


@router.delete("/exclusions")
async def include(
    request: Request, kind: Annotated[Word, Query()], value: Annotated[Word, Query()]
) -> ExclusionsModel:
    """Remove a rule."""

    def answer(library: Library) -> ExclusionsModel:
        workspace = library.workspace
        with workspace.writing():
            rules = load_exclusions(workspace.exclusions)
            left = remove_exclusion(rules, str(Exclusion(kind, value)))
            save_exclusions(workspace.exclusions, left)
        return _exclusions(library)

    return await state_of(request).library.call(answer)


def _exclusions(library: Library) -> ExclusionsModel:
    rules = load_exclusions(library.workspace.exclusions)
    counts = [len(excluded_tracks(library.catalog, [rule])) for rule in rules]
    rows = [
        ExclusionModel(number=n, kind=rule.kind, value=rule.value, tracks=count)
        for n, (rule, count) in enumerate(zip(rules, counts, strict=True), start=1)
    ]
    return ExclusionsModel(
        exclusions=rows, hidden=len(excluded_tracks(library.catalog, rules)) if rules else 0
    )
