"""One frozen, validated model per stage, and the recipe that holds them all.

A recipe is a TOML file with a table per stage. A key that no stage knows is an error, so that a
misspelt setting never passes for the default in silence.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import tomli_w
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from audiorec.exceptions import DataError, ParameterError, system_reason
from audiorec.front_ends import FRONT_ENDS, EncoderName

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
MIN_MEMORY = 10**6
MAX_SEED = 2**31 - 1
MOST_SHIFT = 12  # semitones
Seed = Field(default=0, ge=0, le=MAX_SEED)


class Section(BaseModel):
    """What the configuration of every stage has in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def __init__(self, **settings: Any) -> None:
        try:
            super().__init__(**settings)
        except ValidationError as error:
            raise ParameterError(_one_line(error)) from None


class MelConfig(Section):
    """Which part of a recording is heard, and as what spectrogram.

    Attributes
    ----------
    sr : int
        Sampling rate, Hz.
    n_fft, hop_length : int
        Window and hop of the short-time Fourier transform, samples.
    n_mels : int
        Mel bands.
    fmin, fmax : float
        Lowest and highest frequency of the bands, Hz; `fmax` None is half of `sr`.
    pad_mode : {"constant", "reflect"}
        What the first and last frames hear beyond the clip: silence, or the clip mirrored.
    compression : {"db", "log10"}
        Of the power S: dB, 10 log10 S from -100 on; or log10(1 + 10000 S) as musicnn hears it
        (Pons & Serra 2019), S in half precision.
    clip_seconds : float
        Length of a clip, s.
    clip : {"middle", "start", "random"}
        Where in the recording the clip lies. Random is drawn from `seed` and the track.
    n_clips : int
        Clips per track, spread evenly over the recording when more than one.
    """

    sr: int = Field(default=22050, ge=4000, le=192000)
    n_fft: int = Field(default=1024, ge=64, le=65536)
    hop_length: int = Field(default=512, ge=16, le=65536)
    n_mels: int = Field(default=128, ge=4, le=512)
    fmin: float = Field(default=0.0, ge=0)
    fmax: float | None = Field(default=None, gt=0)
    pad_mode: Literal["constant", "reflect"] = "constant"
    compression: Literal["db", "log10"] = "db"
    clip_seconds: float = Field(default=30.0, ge=1.0, le=600.0)
    clip: Literal["middle", "start", "random"] = "middle"
    n_clips: int = Field(default=1, ge=1, le=64)
    seed: int = Seed

    @model_validator(mode="after")
    def _bands_fit_the_spectrum(self) -> Self:
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length={self.hop_length} must be at most n_fft={self.n_fft}")
        if self.fmax is not None and self.fmax > self.sr / 2:
            raise ValueError(f"fmax={self.fmax} must be at most half of sr={self.sr}")
        if self.fmin >= (self.fmax or self.sr / 2):
            raise ValueError(f"fmin={self.fmin} must be below fmax={self.fmax or self.sr / 2}")
        return self

    @property
    def n_samples(self) -> int:
        """Samples in a clip."""
        return round(self.clip_seconds * self.sr)

    @property
    def n_frames(self) -> int:
        """Frames in a clip's spectrogram, whose frames are centred as librosa's are."""
        return 1 + self.n_samples // self.hop_length

    def frames(self, seconds: float) -> int:
        """Frames that `seconds` of sound take, at least 1."""
        return max(1, round(seconds * self.sr / self.hop_length))


Rule = Literal["daily", "repeat", "identical"]


class ListeningConfig(Section):
    """Which listening is believed, and what skips and ratings say.

    Attributes
    ----------
    rules : tuple of {"daily", "repeat", "identical"}
        What makes a listener suspect; see `audiorec.data.bot_filter`. No rules believe everybody.
    keep : tuple of str
        Listeners who are believed, whatever the rules say.
    plays_per_day : int
        More plays in one day (UTC) are no person's. Songs of 3.5 minutes fill a day with 411.
    repeat_per_day : int
        More plays of one track in one day are no person's.
    repeat_share, repeat_plays : float, int
        A listener is suspect of whose plays at least this share, and at least so many, are of one
        track. The count must also be 20 times that of the median listener's favourite: in some
        data a count is years of an artist.
    identical_listeners, identical_tracks : int
        So many listeners with the same plays of the same tracks, at least so many tracks, are one
        script. Where counts differ between listeners, or are all alike, twice as many tracks are
        asked for, and these at most half of the catalogue: hearing one album through makes nobody
        suspect.
    rating_plays : float
        A full rating (-1 or 1) counts as much as so many skips or plays.
    """

    rules: tuple[Rule, ...] = ("daily", "repeat", "identical")
    keep: tuple[str, ...] = ()
    plays_per_day: int = Field(default=1000, ge=1)
    repeat_per_day: int = Field(default=500, ge=1)
    repeat_share: float = Field(default=0.99, gt=0, le=1)
    repeat_plays: int = Field(default=1000, ge=1)
    identical_listeners: int = Field(default=3, ge=2)
    identical_tracks: int = Field(default=8, ge=1)
    rating_plays: float = Field(default=10.0, gt=0)


class FactorsConfig(Section):
    """Weighted matrix factorisation of the plays (Hu, Koren & Volinsky 2008).

    Attributes
    ----------
    factors : int
        Dimensions of the listeners' space.
    alpha, epsilon : float
        Confidence 1 + alpha * log(1 + plays / epsilon) (van den Oord et al. 2013, section 3).
    dislike_alpha : float
        In place of alpha where skips and dislikes outweigh the plays: the confidence that there
        is no preference. 0 takes a dislike for silence.
    regularization : float
        Weight of the squared norms of the factors.
    iterations : int
        Sweeps of alternating least squares.
    min_tracks_per_user, min_users_per_track : int
        Listeners and tracks with fewer are left out, and counted.
    """

    factors: int = Field(default=48, ge=1, le=2048)
    alpha: float = Field(default=2.0, gt=0)
    epsilon: float = Field(default=1e-6, gt=0)
    dislike_alpha: float = Field(default=1.0, ge=0)
    regularization: float = Field(default=70.0, ge=0)
    iterations: int = Field(default=15, ge=1, le=1000)
    min_tracks_per_user: int = Field(default=3, ge=1)
    min_users_per_track: int = Field(default=3, ge=1)
    seed: int = Seed


class ModelConfig(Section):
    """What hears, and what it places tracks among.

    Attributes
    ----------
    encoder : str
        "cnn" is trained here, from nothing. The others were trained on tags and are kept as they
        are: "musicnn" (its variant "musicnn-msd"), "musicnn-mtt", "vgg-msd" and "vgg-mtt". Where
        [mel] is silent it follows from them.
    target : {"listeners", "sound"}
        Where tracks are placed: in the space of listeners' tastes, or, for libraries without
        listening, in one of sound alone, drawn towards artists where that holds for unseen ones.
    head : {"linear", "dense"}
        From what a pretrained encoder hears to the listeners' space: ridge regression, or a small
        network.
    finetune : int
        Last layers of a musicnn encoder that go on learning, from 0 to 5: the dense one, the
        three of its middle, its front end. They start from the published weights.
    architecture : {"described", "small1d", "dieleman2014", "paper2013", "shortchunk"}
        Of the cnn: descriptors and a dictionary of sounds, which need no listening to be found,
        with one hidden layer, which does; convolutions in time beside fewer descriptors;
        Dieleman's four convolutions in time with dense layers; two of them, as in van den Oord et
        al. 2013; or Won et al.'s residual network in time and frequency.
    words : int
        Sounds in the dictionary of the described network; 0 does without.
    musical : bool
        Whether the described network is told of loudness, beat, pitches and the leading voice.
    discriminants : int
        Of the described network: directions in which artists differ, found in all tracks with
        sound, whoever has heard them; the heads hear these alone. 0: they hear all that is told.
        Where few tracks have listeners they help, where many have they cost.
    heads : int
        Of the described network: each is stopped by other artists, and their mean is what it says.
    landmarks : int
        Of the described network: so many tracks at most that others are compared with, for one
        more of the committee: kernel ridge regression on discriminants of artists, its own where
        heads hear none. 0 leaves it out; it is silent where fewer than two artists have several
        tracks, or where lengths are learned (losses mse and wpe).
    channels : int
        Filters of each convolution of the cnn; of the first ones in shortchunk, which grows to
        four times.
    hidden : int
        Units of each dense layer, of the cnn or of a dense head.
    dropout : float
        Share of the dense units left out in training.
    """

    encoder: EncoderName = "cnn"
    target: Literal["listeners", "sound"] = "listeners"
    head: Literal["linear", "dense"] = "linear"
    finetune: int = Field(default=0, ge=0, le=5)
    architecture: Literal["described", "small1d", "dieleman2014", "paper2013", "shortchunk"] = (
        "described"
    )
    words: int = Field(default=128, ge=0, le=65536)
    musical: StrictBool = True
    discriminants: int = Field(default=0, ge=0, le=4096)
    heads: int = Field(default=3, ge=1, le=1000)
    landmarks: int = Field(default=2048, ge=0, le=16384)
    channels: int = Field(default=128, ge=4, le=4096)
    hidden: int = Field(default=512, ge=4, le=16384)
    dropout: float = Field(default=0.5, ge=0, lt=1)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.encoder == "cnn" and self.target == "sound":
            raise ValueError(
                'target="sound" needs a pretrained encoder, and "cnn" learns from listeners; '
                'write encoder = "musicnn"'
            )
        if self.finetune and not self.encoder.startswith("musicnn"):
            raise ValueError(
                f'finetune={self.finetune} is for musicnn, not for "{self.encoder}"; '
                'write encoder = "musicnn", or finetune = 0'
            )
        if self.finetune and (self.target == "sound" or self.head == "dense"):
            raise ValueError(
                f"finetune={self.finetune} learns with a linear head from listeners; "
                "leave out target and head, or write finetune = 0"
            )
        return self

    @property
    def pretrained(self) -> bool:
        """Whether the encoder is one that others trained."""
        return self.encoder in FRONT_ENDS

    @property
    def described(self) -> bool:
        """Whether it hears by an ear that listeners do not teach, and only its head learns."""
        return not self.pretrained and self.architecture == "described"

    @property
    def frozen(self) -> bool:
        """Whether the encoder stays as others trained it, and only what follows it learns."""
        return self.pretrained and not self.finetune


class TrainConfig(Section):
    """How the network learns.

    Attributes
    ----------
    loss : {"mse", "cosine", "contrastive", "contrastive-all", "wpe"}
        Squared error, or one minus the cosine, to the track's factors; the cross-entropy of
        telling the track's factors from those of the batch's other tracks, or of all training
        tracks; or the factorisation's own weighted error with the predicted factors.
    unit_norm : bool
        Scale target factors to length 1: a factor's norm follows popularity, which no audio tells.
        With the loss wpe, which looks at the plays themselves, it has no effect.
    level_popularity : bool or "auto"
        Set how far predictions lie along the mean factor, which follows popularity as well, to
        what it is on average: for listening in which popularity cannot be heard. Auto does so
        where artists that were not learned from tell for sure that they are nearer to it then.
        Where lengths are learned (losses mse and wpe) it has no effect.
    shrinkage : bool or "auto"
        Shrink predictions along each direction in which listeners differ, as far as artists that
        were not learned from tell that it is not heard. Auto does so where these tell for sure that
        predictions are nearer to their factors then. Where lengths are learned, and beside a
        pretrained encoder, it has no effect.
    crop_seconds : float
        Length of the random crop that each example shows, s.
    batch_size, max_epochs, patience : int
        Patience is in epochs without a better validation loss. Under torchrun a batch is dealt out
        to the processes.
    min_steps : int
        Where tracks are so few that `max_epochs` make fewer steps, there are more epochs.
    accumulate : int
        Batches whose gradients make one step: a batch of so many times the size in the memory of
        one. Where examples bear on each other (mixup, batch normalisation, the loss contrastive)
        it is within a batch.
    learning_rate, weight_decay : float
        Of AdamW.
    validation_share : float
        Share of the artists kept for early stopping.
    mixup : float
        How much examples are blended with others, sound and target alike (alpha of the beta
        distribution); 0 blends none.
    time_mask, band_mask : float
        Longest stretch of frames, and of mel bands, that is blanked in an example, as a share of
        all; 0 blanks none.
    gain_db, filter_db : float
        An example is made louder or softer by at most so many dB, as a whole, and by a random
        smooth curve over the mel bands; 0 changes nothing. Both need spectrograms in dB.
    pitch_shift : float or "auto"
        An example is heard up to so many semitones higher or lower, drawn anew each time; 0 leaves
        it where it is. An ear that hears each example once (architecture described) hears it at
        each whole semitone too, and what it tells of all of them is kept in memory. Auto is 2 for
        such an ear, less where the tracks are too many to keep so much of them, and 0 for others.
    ema_decay : float
        How much of the running mean of the weights each step keeps; 0 takes the weights as they
        are.
    gradient_clip : float
        Longest gradient, as a norm over all weights; 0 clips none.
    precision : {"auto", "fastest", "32-true", "bf16-mixed", "16-mixed"}
        Auto is mixed precision on CUDA, full precision elsewhere. Fastest is measured on this
        machine before the first step, and logged; so it is for the next two.
    layout : {"plain", "channels-last", "fastest"}
        How two-dimensional convolutions (shortchunk, musicnn) lie in memory.
    compile : {"no", "yes", "fastest"}
        Whether torch compiles the network for training by one process; it needs a C++ compiler,
        and minutes for large networks. Fastest does so where the steps to come save more time than
        it took.
    device : str
        "auto", "cpu", "cuda" or "mps".
    """

    loss: Literal["mse", "cosine", "contrastive", "contrastive-all", "wpe"] = "cosine"
    unit_norm: StrictBool = True
    level_popularity: Literal[True, False, "auto"] = "auto"
    shrinkage: Literal[True, False, "auto"] = "auto"
    crop_seconds: float = Field(default=10.0, gt=0, le=600)
    batch_size: int = Field(default=32, ge=1, le=65536)
    accumulate: int = Field(default=1, ge=1, le=65536)
    max_epochs: int = Field(default=60, ge=1, le=100000)
    min_steps: int = Field(default=0, ge=0, le=10**9)
    patience: int = Field(default=12, ge=1, le=100000)
    learning_rate: float = Field(default=1e-3, gt=0, le=10)
    weight_decay: float = Field(default=1e-2, ge=0, le=10)
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    mixup: float = Field(default=1.0, ge=0, le=10)
    time_mask: float = Field(default=0.0, ge=0, lt=1)
    band_mask: float = Field(default=0.0, ge=0, lt=1)
    gain_db: float = Field(default=0.0, ge=0, le=60)
    filter_db: float = Field(default=0.0, ge=0, le=60)
    pitch_shift: float | Literal["auto"] = "auto"
    ema_decay: float = Field(default=0.99, ge=0, lt=1)
    gradient_clip: float = Field(default=1.0, ge=0)
    precision: Literal["auto", "fastest", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    layout: Literal["plain", "channels-last", "fastest"] = "plain"
    compile: Literal["no", "yes", "fastest"] = "no"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    seed: int = Seed

    @field_validator("level_popularity", "shrinkage", mode="before")
    @classmethod
    def _is_a_choice(cls, choice: object, info: ValidationInfo) -> bool | str:
        if choice == "auto" or isinstance(choice, bool):
            return choice  # type: ignore[return-value]
        raise ValueError(f'{info.field_name}={choice!r} must be true, false or "auto"')

    @field_validator("pitch_shift", mode="before")
    @classmethod
    def _is_a_shift(cls, shift: object) -> float | str:
        if shift == "auto":
            return "auto"
        if isinstance(shift, int | float) and shift is not True and 0 <= shift <= MOST_SHIFT:
            return float(shift)
        raise ValueError(f'pitch_shift={shift!r} must be from 0 to {MOST_SHIFT}, or "auto"')


class IndexConfig(Section):
    """What is served for each track, and how neighbours are found.

    Attributes
    ----------
    half_listeners : float
        So many listeners of a track halve what its sound says in where it is placed: with none
        it is where its sound alone places it, with many it is the factor.
    hubs : {"none", "csls", "reach"}
        What is done so that every track comes up somewhere. Csls holds back what is near to
        everything (Conneau et al. 2018); reach lifts what is near to nothing, just enough.
    metric : {"cosine", "inner_product"}
    kind : {"auto", "exact", "ivf", "hnsw"}
        Auto is exact below `exact_below` vectors, then HNSW while it fits in `memory`, then IVF.
    memory : str
        What the index may take beside its memory-mapped vectors, while it is built and while it
        is asked: bytes, or "500M", "2G". Inverted lists that need more stay on disk.
    duplicate_similarity : float
        Two recordings whose prints correlate at least so much are the same recording.
    """

    half_listeners: float = Field(default=7.0, gt=0)
    hubs: Literal["none", "csls", "reach"] = "none"
    metric: Literal["cosine", "inner_product"] = "cosine"
    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto"
    exact_below: int = Field(default=500_000, ge=1)
    memory: str = "4G"
    duplicate_similarity: float = Field(default=0.95, gt=0, le=1)

    @field_validator("memory", mode="before")
    @classmethod
    def _is_a_size(cls, memory: object) -> str:
        text = str(memory).strip().upper()
        if not re.fullmatch(r"\d+(\.\d+)?[KMGT]?B?", text) or _bytes(text) < MIN_MEMORY:
            raise ValueError(f'memory={memory!r} must be a size of at least 1M, such as "2G"')
        return text

    @property
    def memory_bytes(self) -> int:
        """`memory` in bytes."""
        return _bytes(self.memory)


class GRU4RecConfig(Section):
    """GRU4Rec, with the names of the papers (Hidasi et al. 2016; Hidasi &
    Karatzoglou 2018).

    Attributes
    ----------
    layers : tuple of int
        Units of each GRU layer; the last must be as wide as the item embedding, which it is.
    loss : {"cross-entropy", "bpr-max"}
    batch_size : int
        Sessions that go on side by side.
    n_epochs : int
    learning_rate, momentum : float
        Of Adagrad.
    dropout_p_embed, dropout_p_hidden : float
        Of the input's embedding, and of what each layer hands on (not of the state it keeps).
    n_sample : int
        Negatives beside those of the batch.
    sample_alpha : float
        They are drawn by popularity to this power.
    logq : float
        Of the cross-entropy: how much of the log-probability of its draw is taken off each score.
    bpreg, elu_param : float
        Of BPR-max: weight of the squared scores, and the ELU that ends the network.
    content_half_plays : float
        Where items have content: so many plays halve what it says beside the item's own residual.
    item_dropout : float
        Where items have content: share of items whose residual is left out of a step.
    seed : int
    """

    layers: tuple[int, ...] = (100,)
    loss: Literal["cross-entropy", "bpr-max"] = "cross-entropy"
    batch_size: int = Field(default=64, ge=2, le=65536)
    n_epochs: int = Field(default=10, ge=1, le=10_000)
    learning_rate: float = Field(default=0.07, gt=0, le=10)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    dropout_p_embed: float = Field(default=0.0, ge=0, lt=1)
    dropout_p_hidden: float = Field(default=0.2, ge=0, lt=1)
    n_sample: int = Field(default=2048, ge=0, le=10**6)
    sample_alpha: float = Field(default=0.5, ge=0, le=1)
    logq: float = Field(default=1.0, ge=0, le=1)
    bpreg: float = Field(default=1.0, ge=0)
    elu_param: float = Field(default=0.5, ge=0, le=1)
    content_half_plays: float = Field(default=10.0, gt=0)
    item_dropout: float = Field(default=0.25, ge=0, lt=1)
    seed: int = Seed


class SessionsConfig(GRU4RecConfig):
    """What to play next, by the session so far; and GRU4Rec's settings.

    Attributes
    ----------
    session_gap_minutes : float
        Longest pause within a session, from the start of a play to that of the next.
    min_support : int
        Tracks with fewer plays in sessions are left out of them, and counted.
    k, sample_size : int
        Session neighbours that are asked, and the latest sessions among which they are sought.
    validation_days : float
        The models are compared on the sessions of so many last days, a fifth of all at most.
    """

    session_gap_minutes: float = Field(default=30.0, gt=0, le=100_000)
    min_support: int = Field(default=3, ge=1)
    k: int = Field(default=500, ge=1)
    sample_size: int = Field(default=5000, ge=1)
    validation_days: float = Field(default=7.0, gt=0)


class EvaluateConfig(Section):
    """The held-out evaluation.

    Attributes
    ----------
    splits : tuple of {"artist-cold", "track-cold", "time-cold"}
        Time-cold holds out the tracks that were first played last.
    rank : {"tracks", "artists"}
        What is ranked. Artists, each scored by the mean over their cold tracks, are for listening
        that is known by artist only.
    test_share : float
        Share of the artists (or tracks) held out.
    folds : int
        0 holds out `test_share` once per seed. Otherwise the artists (or tracks) are dealt into so
        many folds per seed, and each is held out in turn: for small catalogues, where one split
        says little.
    seeds : tuple of int
        One split, one set of factors and one network per seed (and fold).
    n_bootstrap : int
        Resamples of the listeners behind the 95 % intervals.
    """

    splits: tuple[Literal["artist-cold", "track-cold", "time-cold"], ...] = ("artist-cold",)
    rank: Literal["tracks", "artists"] = "tracks"
    test_share: float = Field(default=0.2, gt=0, lt=1)
    folds: int = Field(default=0, ge=0, le=1000)
    seeds: tuple[Annotated[int, Field(ge=0, le=MAX_SEED)], ...] = (0, 1, 2)
    n_bootstrap: int = Field(default=1000, ge=10, le=100_000)

    @model_validator(mode="after")
    def _something_to_do(self) -> Self:
        if not self.seeds or not self.splits:
            raise ValueError("seeds and splits must each name at least one")
        for name, values in (("seeds", self.seeds), ("splits", self.splits)):
            if len(set(values)) < len(values):
                raise ValueError(f"{name}={list(values)} names one twice; name each once")
        if self.folds == 1:
            raise ValueError("folds=1 would leave nothing to learn from; take 0, or 2 or more")
        return self


class Recipe(Section):
    """Every stage's settings: what a recipe file holds."""

    mel: MelConfig = MelConfig()
    listening: ListeningConfig = ListeningConfig()
    factors: FactorsConfig = FactorsConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    index: IndexConfig = IndexConfig()
    sessions: SessionsConfig = SessionsConfig()
    evaluate: EvaluateConfig = EvaluateConfig()

    @model_validator(mode="before")
    @classmethod
    def _mel_follows_the_encoder(cls, given: Any) -> Any:
        """Fill in the spectrograms that a pretrained encoder needs, unless others are stated."""
        if not isinstance(given, dict):
            return given
        model, mel = (_stated(given.get(name, {})) for name in ("model", "mel"))
        needed = FRONT_ENDS.get(str(model.get("encoder")))
        if needed is None:
            return given
        other = [k for k, value in needed.items() if mel.get(k, value) != value]
        if other:
            wanted = ", ".join(
                f"{k} = {json.dumps(value)}" for k, value in needed.items() if value is not None
            )
            raise ValueError(
                f"{other[0]}={mel[other[0]]!r} under [mel] is not what encoder "
                f"{model['encoder']!r} hears; leave such settings out, or write: {wanted}"
            )
        return {**given, "mel": {**mel, **needed}}

    @model_validator(mode="after")
    def _crops_fit_the_clip(self) -> Self:
        if not self.model.pretrained:  # which hear windows of their own
            check_crop(self.mel, self.train)
        return self

    @classmethod
    def load(cls, path: Path) -> Recipe:
        """Read a recipe from TOML.

        Raises
        ------
        DataError
            If the file cannot be read, is not TOML, has an unknown key or an impossible value.
        """
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
            return cls(**settings)
        except OSError as error:
            raise DataError(
                f"recipe {path} cannot be read: {system_reason(error).lower()}; "
                "check its path and permissions"
            ) from None
        except UnicodeDecodeError:
            raise DataError(f"recipe {path} is not UTF-8 text; save it as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            reason = str(error)
            raise DataError(
                f"recipe {path} is not TOML: {reason[:1].lower()}{reason[1:]}; correct it there"
            ) from None
        except ParameterError as error:
            raise DataError(f"recipe {path}: {error}") from None

    def to_toml(self) -> str:
        """The recipe as TOML that `load` reads back to an equal recipe."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def _bytes(size: str) -> int:
    number = size.rstrip("B")
    return int(float(number.rstrip("KMGT")) * UNITS[number[-1] if number[-1] in UNITS else ""])


def check_crop(mel: MelConfig, train: TrainConfig) -> None:
    """Raise `ParameterError` if a training crop is to be longer than the clip that it is cut from.

    Recordings that are shorter than the clip are another matter: they are what they are.
    """
    if train.crop_seconds > mel.clip_seconds:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds:g} must be at most clip_seconds="
            f"{mel.clip_seconds:g}; lower [train] crop_seconds or raise [mel] clip_seconds"
        )


def _stated(section: Any) -> dict[str, Any]:
    """What was said of a section, without the defaults."""
    if isinstance(section, Section):
        return section.model_dump(exclude_unset=True)
    return dict(section) if isinstance(section, dict) else {}


def _one_line(error: ValidationError) -> str:
    """Say the first thing wrong, with its key, its value and what would be right."""
    first = error.errors()[0]
    kind, value = first["type"], first["input"]
    key = ".".join(part for part in first["loc"] if isinstance(part, str))
    if kind == "extra_forbidden":
        return f"unknown key {key}; remove it or correct its spelling"
    if kind == "value_error":
        said = str(first["ctx"]["error"])
        section, _, name = key.rpartition(".")
        section = section if said.startswith(f"{name}=") else key
        return f"[{section}] {said}" if section else said
    if kind in ("model_type", "model_attributes_type"):
        return f"{key}={value!r} must be a table: put settings under [{key}]"
    # What pydantic adds after a comma is how it tried to read the value, but for choices.
    allowed = first["msg"] if kind == "literal_error" else first["msg"].partition(",")[0]
    allowed = allowed.replace("Input should be", "must be", 1).replace("a valid tuple", "a list")
    inside = any(isinstance(part, int) for part in first["loc"])
    return f"{value!r} in {key} {allowed}" if inside else f"{key}={value!r} {allowed}"
