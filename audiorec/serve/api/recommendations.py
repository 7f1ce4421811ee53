"""Routes of similar tracks, recommendations, next tracks and explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.encoders import jsonable_encoder

from audiorec.data.plays import stored_name
from audiorec.exceptions import AudiorecError, ParameterError
from audiorec.explain import explain_pair, occlude, occlusion_table
from audiorec.recommend import Library, join_with_listener
from audiorec.recommend.rank_fusion import N_FUSED
from audiorec.serve.api.common import (
    check_filters,
    check_listeners,
    hit_models,
    state_of,
    user_of,
)
from audiorec.serve.api.models import (
    AnswerModel,
    ExplanationModel,
    Name,
    NextRequest,
    RecommendRequest,
    SimilarRequest,
    Space,
)
from audiorec.serve.api.upload import answer_upload, upload_body
from audiorec.serve.similar_batch import SearchOptions
from audiorec.serve.state import ServerState
from audiorec.sessions import answer_session
from audiorec.workspace import Workspace

if TYPE_CHECKING:
    from audiorec.data.catalog import Track
    from audiorec.explain import Occlusion
    from audiorec.recommend import Hit
    from audiorec.sessions import SessionAnswer, SessionHit

router = APIRouter(tags=["answers"])
K = Annotated[int, Query(ge=1, le=1000)]


@router.post("/similar")
async def similar(request: Request, body: SimilarRequest) -> AnswerModel:
    """Find the tracks nearest to one track, or those that several agree on."""
    state = state_of(request)
    check_filters(state, request, body.filters)
    limits = (body.filters.to_filter(), body.per_artist, body.per_album, body.min_score)
    if len(body.seeds) == 1 and not body.against and not any(limits):
        return await _similar_to_one(state, body)

    return await _answer(
        state,
        lambda library: library.similar(
            body.seeds, against=body.against, min_score=body.min_score, **body.to_options()
        ),
        query=body.seeds,
        space=body.space,
    )


async def _answer(
    state: ServerState, find: Callable[[Library], Sequence[Hit]], **about: Any
) -> AnswerModel:
    """Answer with the hits of `find` in the library; `about` adds members to the answer."""

    def answer(library: Library) -> AnswerModel:
        results = hit_models(find(library), state.library.tracks())
        return AnswerModel(**about, stale=bool(library.stale), results=results)

    return await state.library.call(answer)


async def _similar_to_one(state: ServerState, body: SimilarRequest) -> AnswerModel:
    """Answer a plain request of one seed, in a batch with concurrent ones."""
    options = SearchOptions(body.k, body.space, body.popularity, body.versions)
    hits = await state.batch.similar(body.seeds[0], options=options)
    return AnswerModel(
        query=body.seeds,
        space=body.space,
        stale=state.library.stale(),
        results=hit_models(hits, state.library.tracks()),
    )


@router.get("/similar")
async def similar_by_query(
    request: Request,
    seed: Annotated[list[Name], Query(min_length=1, max_length=200)],
    k: K = 10,
    space: Space = "blend",
) -> AnswerModel:
    """Find similar tracks by seeds alone."""
    return await similar(request, SimilarRequest(seeds=seed, k=k, space=space))


@router.post("/similar/upload", openapi_extra=upload_body())
async def similar_to_upload(request: Request, k: K = 10) -> AnswerModel:
    """Find the tracks similar to an uploaded file, which is analysed and not kept."""
    return await answer_upload(request, k=k)


@router.post("/recommend")
async def recommend(request: Request, body: RecommendRequest) -> AnswerModel:
    """Recommend tracks for a listener, including tracks that nobody has played yet."""
    state = state_of(request)
    user = body.user or user_of(request)
    check_listeners(state, request, [user])
    check_filters(state, request, body.filters)
    if body.session:
        if body.filters.to_filter() or body.per_artist or body.per_album:
            raise ParameterError("filters and limits are for a listener alone; leave session away")
        return await _recommend_session(state, body)

    return await _answer(
        state,
        lambda library: library.recommend(
            stored_name(user, workspace=library.workspace),
            include_played=body.heard,
            **body.to_options(),
        ),
        user=user,
        space=body.space,
    )


async def _recommend_session(state: ServerState, body: RecommendRequest) -> AnswerModel:
    """Recommend tracks that follow a session; with a listener, fused with theirs."""

    def answer(library: Library) -> AnswerModel:
        n_ranked = body.k if body.user is None else max(body.k, N_FUSED)
        found = answer_session(library.workspace, body.session, k=n_ranked, files=False)
        hits: Sequence[Hit | SessionHit] = found.hits
        if body.user is not None:
            hits = join_with_listener(
                library,
                found,
                stored_name(body.user, workspace=library.workspace),
                k=body.k,
                include_played=body.heard,
                space=body.space,
                popularity=body.popularity,
            )
        space = "sessions" if body.user is None else body.space
        return _session_answer(state, found, hits, user=body.user, space=space)

    return await state.library.call(answer)


@router.get("/recommend")
async def recommend_by_query(
    request: Request, user: Annotated[Name | None, Query()] = None, k: K = 10
) -> AnswerModel:
    """Recommend tracks by listener alone."""
    return await recommend(request, RecommendRequest(user=user, k=k))


@router.post("/next")
async def next_(request: Request, body: NextRequest) -> AnswerModel:
    """Recommend what to play after the tracks of a session, oldest first."""
    state = state_of(request)

    def answer(library: Library) -> AnswerModel:
        found = answer_session(
            library.workspace,
            body.tracks,
            skipped=body.skipped,
            k=body.k,
            model=body.model,
            files=False,
        )
        return _session_answer(state, found, found.hits, space="sessions")

    return await state.library.call(answer)


def _session_answer(
    state: ServerState, found: SessionAnswer, hits: Sequence[Hit | SessionHit], **about: Any
) -> AnswerModel:
    """Make the answer of tracks that follow a session."""
    return AnswerModel(
        session=list(found.session),
        model=found.model,
        unknown=list(found.unknown),
        stale=bool(found.stale),
        results=hit_models(hits, state.library.tracks()),
        **about,
    )


@router.get("/explain")
async def explain(
    request: Request,
    a: Annotated[Name, Query()],
    b: Annotated[Name, Query()],
    space: Space = "blend",
    sound: bool = False,
) -> ExplanationModel:
    """Explain why two tracks match: listeners, neighbours, tags, tempo and key.

    With ``sound``, also by the time spans and bands that carry the match in the network; this takes
    seconds, one such request at a time.
    """
    state = state_of(request)

    def answer(library: Library) -> tuple[dict[str, Any], list[Track]]:
        found = explain_pair(library, a, b, space=space)
        listeners = found.listeners and found.listeners._asdict()
        table = {**found._asdict(), "listeners": listeners}
        return table, [library.track(id_) for id_ in (found.first, found.second)]

    found, tracks = await state.library.call(answer)
    if sound:
        pair = TrackPair(str(state.workspace.root), *tracks)
        with state.worker.place():
            parts = await state.worker.call(occluded_pair, pair)
        if isinstance(parts, AudiorecError):
            raise parts
        found["sound"] = [occlusion_table(each) for each in parts]
    return ExplanationModel(**jsonable_encoder(found))


class TrackPair(NamedTuple):
    """Two tracks of a workspace, for the worker."""

    workspace: str
    first: Track
    second: Track

    def __str__(self) -> str:
        return f"the match of {self.first.track_id} and {self.second.track_id}"


def occluded_pair(pair: TrackPair) -> tuple[Occlusion, ...] | AudiorecError:
    """Compute the occlusion maps of two tracks. Runs in a worker.

    An error of audiorec is returned: raised in a worker, it would lose its type.
    """
    try:
        return occlude(Workspace(Path(pair.workspace)), pair.first, pair.second)
    except AudiorecError as error:
        return error
