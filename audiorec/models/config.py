"""Settings of the model and of its training."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, StrictBool, ValidationInfo, field_validator, model_validator

from audiorec.audio.config import MelConfig
from audiorec.config import Section, Seed
from audiorec.exceptions import ParameterError
from audiorec.front_ends import FRONT_ENDS, EncoderName

MOST_SHIFT = 12  # semitones


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


def check_crop(mel: MelConfig, train: TrainConfig) -> None:
    """Raise `ParameterError` if a training crop is to be longer than the clip that it is cut from.

    Recordings that are shorter than the clip are another matter: they are what they are.
    """
    if train.crop_seconds > mel.clip_seconds:
        raise ParameterError(
            f"crop_seconds={train.crop_seconds:g} must be at most clip_seconds="
            f"{mel.clip_seconds:g}; lower [train] crop_seconds or raise [mel] clip_seconds"
        )
