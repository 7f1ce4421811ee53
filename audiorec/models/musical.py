"""What a musician would tell of a recording: how loud, what beat, which pitches, how they ring."""

from __future__ import annotations

import math
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from audiorec.audio.config import MelConfig
from audiorec.audio.mel_scale import band_edges
from audiorec.models import pitches, pulse
from audiorec.models.predict import InputScale

N_GROUPS = 32  # of neighbouring bands, where there are so many
QUANTILES = (0.02, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 1.0)  # of the loudness of frames
LAGS = (1, 2, 4, 8, 16, 32, 64)  # frames over which rises are told from falls
STEEPEST = 20.0  # a skewness beyond it is not followed
SILENT = 1e-9  # of power
USUAL_LEVEL = InputScale(np.array(-30.0), np.array(15.0))  # dB, before anything was heard


class Musical(nn.Module):
    """Loudness and dynamics, rises and falls, beat, tonality and leading voice.

    Takes [batch, n_mels, n_frames], standardised; gives [batch, size]. Unlike other descriptors
    these must know how loud a band is and which frequencies it holds: `tune` says so, and the
    checkpoint keeps it.

    Parameters
    ----------
    n_mels : int
    """

    mean: Tensor
    std: Tensor
    gain: Tensor
    frame_rate: Tensor
    logarithmic: Tensor
    contrast: Tensor
    overtones: Tensor
    places: Tensor

    def __init__(self, n_mels: int) -> None:
        super().__init__()
        self.n_groups = min(N_GROUPS, n_mels)
        for name in ("mean", "std", "gain"):
            self.register_buffer(name, torch.zeros(n_mels))
        self.register_buffer("frame_rate", torch.zeros(()))
        self.register_buffer("logarithmic", torch.zeros(()))
        self.register_buffer("overtones", torch.zeros(pitches.N_PITCHES, n_mels))
        self.register_buffer("places", torch.zeros(pitches.N_PITCHES, 2 * pitches.N_PARTIALS))
        contrast = torch.from_numpy(pitches.contrast(n_mels))
        self.register_buffer("contrast", contrast, persistent=False)  # follows from n_mels
        self.blocks = (
            4 * self.n_groups + 3 + 2 * len(QUANTILES) + 2,
            3 * len(LAGS) * self.n_groups,
            pulse.SIZE,
            pitches.N_TONAL,
            pitches.N_VOICE,
        )
        self.size = sum(self.blocks)
        self.tune(MelConfig(n_mels=n_mels), scale=USUAL_LEVEL)

    def tune(self, mel: MelConfig, *, scale: InputScale) -> None:
        """Take what the bands are, and what the input was standardised by."""
        edges = band_edges(mel)
        values = {
            "mean": scale.mean,
            "std": scale.std,
            "gain": (edges[2:] - edges[:-2]) / 2,  # filters are of unit area
            "frame_rate": mel.sr / mel.hop_length,
            "logarithmic": float(mel.compression == "log10"),
            "overtones": pitches.templates(edges[1:-1]),
            "places": pitches.partials(edges[1:-1]),
        }
        with torch.no_grad():
            for name, value in values.items():
                buffer = cast(Tensor, getattr(self, name))
                buffer.copy_(torch.as_tensor(np.asarray(value, dtype=np.float32)))

    @torch.no_grad()
    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast(x.device.type, enabled=False):
            x = x.float()
            rate = float(self.frame_rate)
            # Pitches are told from frames joined in pairs: half the work, and steadier.
            even = x.shape[2] // 2 * 2
            pairs = (x[:, :, 0:even:2] + x[:, :, 1:even:2]) / 2
            heard = pitches.salience(pairs, overtones=self.overtones, contrast=self.contrast)
            level = self._level(pairs)
            return torch.cat(
                [
                    self._dynamics(self._power(x)),
                    self._rises(x),
                    pulse.beat_pattern(x, frame_rate=rate),
                    pitches.tonality(heard, frame_rate=rate / 2),
                    pitches.leading_voice(level, heard, places=self.places, frame_rate=rate / 2),
                ],
                dim=1,
            )

    def _power(self, x: Tensor) -> Tensor:
        """Power of each band : [batch, n_mels, n_frames]."""
        gain = self.gain[:, None]
        if self.logarithmic:
            return self._squeezed(x) * gain
        bel = math.log(10) / 10
        return torch.addcmul(
            bel * self.mean[:, None] + gain.log(), x, bel * self.std[:, None]
        ).exp()

    def _level(self, x: Tensor) -> Tensor:
        """Logarithm of the power in each band, to base 10 : [batch, n_mels, n_frames]."""
        if self.logarithmic:
            return (self._squeezed(x) + SILENT).log10()
        return torch.addcmul(self.mean[:, None] / 10, x, self.std[:, None] / 10)

    def _squeezed(self, x: Tensor) -> Tensor:
        """What `MelConfig.compression` "log10" squeezed."""
        value = x * self.std[:, None] + self.mean[:, None]
        return (10**value - 1).clamp(min=0) / 10_000

    def _grouped(self, x: Tensor) -> Tensor:
        """The mean of neighbouring bands : [batch, n_groups, n_frames]."""
        if x.shape[1] % self.n_groups:
            return F.adaptive_avg_pool2d(x, (self.n_groups, x.shape[2]))
        return x.unflatten(1, (self.n_groups, -1)).mean(dim=2)  # the same, several times faster

    def _dynamics(self, power: Tensor) -> Tensor:
        """Level of the mean power, of all and by group, and how peaks and silences depart from it.

        Means of decibels cannot tell it: a soft hour and a loud minute have another mean power.
        """
        groups = self._grouped(power)
        parts = torch.cat([power.sum(dim=1, keepdim=True), groups], dim=1)
        level = 10 * (parts.mean(dim=2) + SILENT).log10()
        peak = 10 * (parts.amax(dim=2) + SILENT).log10() - level
        usual = 10 * (parts + SILENT).log10().mean(dim=2) - level
        frames = 10 * (parts[:, 0] + SILENT).log10()
        ranks = [round(q * (frames.shape[1] - 1)) for q in QUANTILES]
        ordered = frames.sort(dim=1).values[:, ranks]
        change = frames.diff(dim=1)
        moves = torch.stack([change.std(dim=1), change.clamp(min=0).mean(dim=1)], dim=1)
        balance = level[:, 1:] - level[:, :1]
        told = [level, balance, peak, usual, ordered, ordered - level[:, :1], moves]
        return torch.cat(told, dim=1)

    def _rises(self, x: Tensor) -> Tensor:
        """How far groups of bands move over `LAGS`, and whether up or down at once.

        Notes set in at once and die away slowly, the slower the larger the room.
        """
        groups = self._grouped(x)
        told = []
        for frames in LAGS:
            lag = min(frames, x.shape[2] - 1)
            change = groups[:, :, lag:] - groups[:, :, : x.shape[2] - lag]
            size = change.square().mean(dim=2).sqrt() + 1e-2
            skewness = change.pow(3).mean(dim=2) / size.pow(3)
            told += [skewness.clamp(-STEEPEST, STEEPEST), size.log()]
            told.append(change.clamp(min=0).mean(dim=2))
        return torch.cat(told, dim=1)
