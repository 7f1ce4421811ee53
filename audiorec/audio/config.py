"""Settings of clips and log-mel spectrograms."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from audiorec.config_base import Section


class MelConfig(Section):
    """Settings of clips and their log-mel spectrograms, with mel bands from 0 Hz to `sr` / 2.

    Attributes
    ----------
    sr : int
        Sampling rate, Hz.
    n_fft, hop_length : int
        Window and hop of the short-time Fourier transform, samples.
    n_mels : int
        Mel bands.
    compression : {"db", "log10"}
        Of the power S: dB, 10 log10 S from -100 on; or log10(1 + 10000 S) as musicnn takes it
        (Pons & Serra 2019), S in half precision and the clip mirrored at its ends.
    clip_seconds : float
        Length of a clip, s.
    n_clips : int
        Clips per track, spread evenly over the recording; one lies in its middle.
    """

    sr: int = Field(default=22050, ge=4000, le=192000)
    n_fft: int = Field(default=1024, ge=64, le=65536)
    hop_length: int = Field(default=512, ge=16, le=65536)
    n_mels: int = Field(default=128, ge=4, le=512)
    compression: Literal["db", "log10"] = "db"
    clip_seconds: float = Field(default=30.0, ge=1.0, le=600.0)
    n_clips: int = Field(default=1, ge=1, le=64)
    former: ClassVar[frozenset[str]] = frozenset(
        {"clip", "clip_position", "fmin", "fmax", "pad_mode", "seed"}
    )

    @model_validator(mode="after")
    def _bands_fit_the_spectrum(self) -> Self:
        if self.hop_length > self.n_fft:
            raise ValueError(f"hop_length={self.hop_length} must be at most n_fft={self.n_fft}")
        return self

    @property
    def pad_mode(self) -> Literal["constant", "reflect"]:
        """Padding of the first and last frames: silence, or the mirrored clip."""
        return "reflect" if self.compression == "log10" else "constant"

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


IDENTITY_CLIP = MelConfig(clip_seconds=30.0, n_clips=1)
"""Part of a recording from which its id is computed. Never change it: every id would change."""
