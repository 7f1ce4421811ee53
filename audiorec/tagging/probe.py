"""Genre probe: a linear classifier on frozen features, trained on the library's genre tags.

Multinomial logistic regression on features of a frozen network (Alain & Bengio 2016, "Understanding
intermediate layers using linear classifier probes"). Its penalty is chosen on held-out artists, and
its confidences are calibrated on the same (Platt 1999, "Probabilistic outputs for support vector
machines"): one slope and one offset for all genres, as small libraries allow no more. Its accuracy
is measured on artists used in neither the regression nor the calibration.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from audiorec.data.catalog import Track, given_tags
from audiorec.data.names import normalize_text
from audiorec.embeddings import Embeddings
from audiorec.exceptions import ParameterError
from audiorec.metrics import calibration_error, interval, reliability, resampled_means

# Imports in functions: scikit-learn takes seconds to load, and few commands train a probe.

MIN_TRACKS = 8  # of a genre, for it to be used
MIN_ARTISTS = 3  # of a genre: some for training, one for calibration, one for testing
MAX_TRACKS = 20_000  # for training, drawn at random if there are more
FOLDS = 5
INNER_FOLDS = 8  # few artists fewer than there are: models trained on fewer are less certain
PENALTIES = (1e-3, 1e-2, 1e-1)  # inverse: scikit-learn's C, on standardised features
DIRECTIONS = 64  # of the features' largest variance, used for training
N_SHUFFLES = 3
SURE = 1e-6  # least distance of probabilities from 0 and 1


class Probe(NamedTuple):
    """A fitted probe.

    Attributes
    ----------
    genres : tuple of str
    centre, scale : np.ndarray [shape=(n_features,)]
        Mean and deviation used to standardise features.
    weights : np.ndarray [shape=(n_genres, n_features)]
    offsets : np.ndarray [shape=(n_genres,)]
    slope, shift : float
        Calibrated log-odds are ``slope * log-odds + shift``.
    penalty : float
        The chosen inverse penalty.

    Examples
    --------
    >>> weights = np.array([[1.0], [-1.0]])
    >>> probe = Probe(("Folk", "Rock"), np.zeros(1), np.ones(1), weights, np.zeros(2), 1, 0, 1)
    >>> probe.predict(np.array([[1.0]])).round(2)
    array([[0.88, 0.12]])
    """

    genres: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray
    offsets: np.ndarray
    slope: float
    shift: float
    penalty: float

    def raw(self, features: np.ndarray) -> np.ndarray:
        """Uncalibrated probabilities of the regression [shape=(n, n_genres)], rows summing to 1."""
        if features.shape[1] != len(self.centre):
            raise ParameterError(
                f"features of {features.shape[1]} numbers do not fit the probe, which takes "
                f"{len(self.centre)}; run 'audiorec tags --all' again"
            )
        scores = ((features - self.centre) / self.scale) @ self.weights.T + self.offsets
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Calibrated confidence of each genre [shape=(n, n_genres)], independently."""
        return calibrated(self.raw(features), slope=self.slope, shift=self.shift)


class ProbeReport(NamedTuple):
    """Accuracy and calibration of a probe on held-out artists.

    Attributes
    ----------
    n_tracks, n_artists : int
        Number used for training and testing.
    n_left_out : int
        Tracks of genres with too few tracks or artists.
    genres : dict of str to int
        Tracks of each.
    accuracy : float
        Fraction of the tracks whose genre is the most confident one.
    low, high : float
        95 % interval over artists.
    chance : float
        Fraction of the most frequent genre.
    shuffled : float
        Accuracy with the artists' genres shuffled before training.
    error_before, error_after : float
        Expected calibration error of the most confident genre, before and after calibration.
    calibrated : bool
        Whether calibration reduced it: otherwise confidences are left as they are. With few
        artists a calibration is poorly estimated.
    reliability : list of list
        For each bin of the stored confidence: its mean, the fraction that was right, tracks.
    """

    n_tracks: int
    n_artists: int
    n_left_out: int
    genres: dict[str, int]
    accuracy: float
    low: float
    high: float
    chance: float
    shuffled: float
    error_before: float
    error_after: float
    calibrated: bool
    reliability: list[list[float]]

    @property
    def reliable(self) -> bool:
        """Whether it is clearly better than chance and than the shuffled control."""
        return self.low > max(self.chance, self.shuffled)


class FittedProbe(NamedTuple):
    """A probe, its report, and its held-out predictions for each training track.

    Attributes
    ----------
    probe : Probe
    report : ProbeReport
    held_out : dict of str to np.ndarray [shape=(n_genres,)]
        Calibrated confidences by track, from a probe trained without the track's artist.
    """

    probe: Probe
    report: ProbeReport
    held_out: dict[str, np.ndarray]


class LabelledTracks(NamedTuple):
    """Tracks with a genre that is frequent enough for training.

    Attributes
    ----------
    track_ids, artists : tuple of str
        Of each; a track without an artist has one of its own.
    labels : np.ndarray [shape=(n,)], int64
        Position in `genres`.
    genres : tuple of str
        Ascending, each in its most frequent spelling.
    n_left_out : int
        Tracks whose genre is too rare.
    """

    track_ids: tuple[str, ...]
    artists: tuple[str, ...]
    labels: np.ndarray
    genres: tuple[str, ...]
    n_left_out: int


def labelled(tracks: Sequence[Track], *, seed: int = 0) -> LabelledTracks | None:
    """Select tracks whose first genre is frequent enough; None without two such genres."""
    genre_of = {t.track_id: given_tags(t.genre)[0] for t in tracks if given_tags(t.genre)}
    artist_of = {track.track_id: track.artist_key for track in tracks}
    by_genre: dict[str, list[str]] = {}
    for track_id, genre in genre_of.items():
        by_genre.setdefault(normalize_text(genre), []).append(track_id)
    learned = {
        key: ids
        for key, ids in by_genre.items()
        if len(ids) >= MIN_TRACKS and len({artist_of[id_] for id_ in ids}) >= MIN_ARTISTS
    }
    if len(learned) < 2:
        return None
    spelled = {
        key: Counter(genre_of[i] for i in ids).most_common(1)[0][0] for key, ids in learned.items()
    }
    order = sorted(learned, key=lambda key: spelled[key])
    chosen = sorted(id_ for ids in learned.values() for id_ in ids)
    if len(chosen) > MAX_TRACKS:
        rng = np.random.default_rng(seed)
        chosen = sorted(rng.choice(chosen, MAX_TRACKS, replace=False).tolist())
    place = {key: number for number, key in enumerate(order)}
    return LabelledTracks(
        tuple(chosen),
        tuple(artist_of[id_] for id_ in chosen),
        np.array([place[normalize_text(genre_of[id_])] for id_ in chosen], dtype=np.int64),
        tuple(spelled[key] for key in order),
        len(genre_of) - sum(map(len, learned.values())),
    )


def learn_probe(features: Embeddings, known: LabelledTracks, *, seed: int = 0) -> FittedProbe:
    """Train a probe and evaluate it.

    Parameters
    ----------
    features : Embeddings
        At least of the labelled tracks; see `audiorec.data.catalog.tags.Autotags`.
    known : LabelledTracks
    seed : int

    Returns
    -------
    learned : FittedProbe
        The probe is trained on all labelled tracks; its report, and its predictions for these
        tracks, come from probes trained without their artists.
    """
    x = features.take(known.track_ids).vectors.astype(np.float64)
    artists = np.unique(known.artists, return_inverse=True)[1]
    n_genres = len(known.genres)
    raw, sure = _held_out(x, known.labels, artists, n_genres, seed=seed)
    rng = np.random.default_rng(seed)
    probe = _fit(x, known.labels, artists, n_genres, seed=seed)._replace(genres=known.genres)
    shuffled = []
    for _ in range(N_SHUFFLES):
        dealt = _with_genres_exchanged(known.labels, artists, rng)
        right = np.zeros(len(dealt), dtype=bool)
        for train, test in _folds(dealt, artists, FOLDS, seed=seed):
            scores = _regression(x[train], dealt[train], n_genres, probe.penalty).raw(x[test])
            right[test] = scores.argmax(axis=1) == dealt[test]
        shuffled.append(float(right.mean()))
    report = _probe_report(known, artists, raw, sure, shuffled=float(np.mean(shuffled)), seed=seed)
    if not report.calibrated:
        probe, sure = probe._replace(slope=1.0, shift=0.0), raw
    return FittedProbe(probe, report, dict(zip(known.track_ids, sure, strict=True)))


def calibrated(raw: np.ndarray, *, slope: float, shift: float) -> np.ndarray:
    """Scale and shift the log-odds of probabilities, of the same shape.

    Examples
    --------
    >>> calibrated(np.array([0.5, 0.9]), slope=0.5, shift=0.0).round(2)
    array([0.5 , 0.75])
    """
    return np.asarray(1 / (1 + np.exp(-(slope * _log_odds(raw) + shift))))


def _probe_report(
    known: LabelledTracks,
    artists: np.ndarray,
    raw: np.ndarray,
    sure: np.ndarray,
    *,
    shuffled: float,
    seed: int,
) -> ProbeReport:
    correct = raw.argmax(axis=1) == known.labels
    per_artist = np.stack(
        [np.bincount(artists, weights=correct), np.bincount(artists).astype(np.float64)], axis=1
    )
    means = resampled_means(per_artist, seed=seed)
    low, high = interval(means[:, 0] / means[:, 1])
    counts = np.bincount(known.labels, minlength=len(known.genres))
    right = sure.argmax(axis=1) == known.labels
    before = calibration_error(raw.max(axis=1), correct)
    after = calibration_error(sure.max(axis=1), right)
    used, hit = (sure, right) if after < before else (raw, correct)
    return ProbeReport(
        n_tracks=len(correct),
        n_artists=len(per_artist),
        n_left_out=known.n_left_out,
        genres=dict(zip(known.genres, counts.tolist(), strict=True)),
        accuracy=float(correct.mean()),
        low=low,
        high=high,
        chance=float(counts.max() / counts.sum()),
        shuffled=shuffled,
        error_before=before,
        error_after=after,
        calibrated=after < before,
        reliability=[list(each) for each in reliability(used.max(axis=1), hit)],
    )


def _held_out(
    x: np.ndarray, labels: np.ndarray, artists: np.ndarray, n_genres: int, *, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Raw and calibrated probabilities of each track, by a probe trained without its artist.

    The penalty and the calibration are chosen within the training artists.
    """
    raw = np.zeros((len(x), n_genres))
    sure = np.zeros_like(raw)
    for train, test in _folds(labels, artists, FOLDS, seed=seed):
        probe = _fit(x[train], labels[train], artists[train], n_genres, seed=seed)
        raw[test], sure[test] = probe.raw(x[test]), probe.predict(x[test])
    return raw, sure


def _fit(
    x: np.ndarray, labels: np.ndarray, artists: np.ndarray, n_genres: int, *, seed: int
) -> Probe:
    """Fit a probe whose penalty and calibration are chosen on artists held out in turn."""
    from sklearn.linear_model import LogisticRegression

    folds = list(_folds(labels, artists, INNER_FOLDS, seed=seed))
    left_out: dict[float, np.ndarray] = {}
    for penalty in PENALTIES:
        left_out[penalty] = np.zeros((len(x), n_genres))
        for train, test in folds:
            part = _regression(x[train], labels[train], n_genres, penalty)
            left_out[penalty][test] = part.raw(x[test])
    rows = np.arange(len(labels))
    loss = {c: -np.log(np.maximum(p[rows, labels], SURE)).mean() for c, p in left_out.items()}
    penalty = min(loss, key=lambda c: loss[c])
    truth = np.zeros((len(x), n_genres), dtype=np.int64)
    truth[rows, labels] = 1
    platt = LogisticRegression(C=1e6).fit(
        _log_odds(left_out[penalty]).reshape(-1, 1), truth.reshape(-1)
    )
    # A slope below 0 would reverse the order: the probe is useless, and predicts the base rates.
    slope = max(0.0, float(platt.coef_[0, 0]))
    whole = _regression(x, labels, n_genres, penalty)
    return whole._replace(slope=slope, shift=float(platt.intercept_[0]))


def _regression(x: np.ndarray, labels: np.ndarray, n_genres: int, penalty: float) -> Probe:
    """Logistic regression on the directions of largest variance of these tracks, not calibrated.

    A genre that is not among the labels is never predicted.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    centre, spread = x.mean(axis=0), x.std(axis=0)
    scale = np.where(spread > 1e-9, spread, 1.0)
    weights, offsets = np.zeros((n_genres, x.shape[1])), np.full(n_genres, -50.0)
    present = np.unique(labels)
    if len(present) == 1:
        offsets[present] = 0.0
        return Probe((), centre, scale, weights, offsets, 1.0, 0.0, penalty)
    standard = (x - centre) / scale
    with threadpool_limits(1):  # the problems are too small for several threads
        axes = np.linalg.eigh(standard.T @ standard)[1][:, ::-1][:, :DIRECTIONS]
        fitted = LogisticRegression(C=penalty, max_iter=2000).fit(standard @ axes, labels)
    weight, offset = fitted.coef_, fitted.intercept_
    if len(present) == 2:  # one row of weights separates two classes
        weight, offset = np.stack([-weight[0], weight[0]]) / 2, np.array([-1, 1]) * offset / 2
    weights[present], offsets[present] = weight @ axes.T, offset
    return Probe((), centre, scale, weights, offsets, 1.0, 0.0, penalty)


def _folds(
    labels: np.ndarray, artists: np.ndarray, n_folds: int, *, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows for training and rows for testing, no artist in both, genres spread evenly."""
    from sklearn.model_selection import StratifiedGroupKFold

    n_splits = min(n_folds, len(np.unique(artists)))
    splitter: Any = StratifiedGroupKFold(n_splits, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        # Genres with fewer tracks than folds are missing in some; that is accounted for.
        warnings.simplefilter("ignore", UserWarning)
        yield from list(splitter.split(labels[:, None], labels, artists))


def _with_genres_exchanged(
    labels: np.ndarray, artists: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Assign to every artist's tracks the genres of another artist's, drawn at random."""
    given = rng.permutation(int(artists.max()) + 1)
    rows = [np.flatnonzero(artists == artist) for artist in range(len(given))]
    dealt = np.empty_like(labels)
    for artist, other in enumerate(given):
        own = rows[artist]
        dealt[own] = np.resize(labels[rows[other]], len(own))
    return dealt


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    kept = np.clip(probabilities, SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)))


def as_tags(probe: Probe, confidences: Mapping[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Confidence of every genre, by track."""
    return {
        track_id: dict(zip(probe.genres, row.tolist(), strict=True))
        for track_id, row in confidences.items()
    }
