"""What is done to the examples of a batch, so that few tracks are not learned by heart.

Every function gives new tensors and draws from torch's random state of the CPU, whatever the
device: with the seed that the state had, the same examples come out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from audiorec.audio.config import MelConfig
from audiorec.audio.mel_scale import band_edges
from audiorec.exceptions import ParameterError
from audiorec.models.config import TrainConfig
from audiorec.models.losses import Form, Targets
from audiorec.models.predict import standardize

FILTER_BANDS = (3, 6)  # fewest and most stretches of a filter's curve (Nam et al. 2022)
FILTER_WIDTH = 6  # mel bands that a stretch has at least, where there are so many
STEPS = 4  # shifts to a semitone that are drawn from


def check_augmentation(mel: MelConfig, train: TrainConfig) -> None:
    """Raise `ParameterError` where gains in dB are asked for and the spectrograms are not in dB."""
    asked = next((key for key in ("gain_db", "filter_db") if getattr(train, key)), None)
    if asked is not None and mel.compression != "db":
        raise ParameterError(
            f"{asked}={getattr(train, asked):g} needs spectrograms in dB, and these have "
            f"compression={mel.compression!r}; write {asked} = 0 under [train]"
        )


def heard(
    mel: Tensor,
    *,
    config: TrainConfig,
    mean: Tensor,
    std: Tensor,
    shifts: Tensor | None = None,
) -> Tensor:
    """Crops as the network is shown them in training.

    Parameters
    ----------
    mel : Tensor [shape=(batch, n_mels, n_frames)], of any float type, dB
    config : TrainConfig
    mean, std : Tensor [shape=(n_mels,)], dB
    shifts : Tensor [shape=(n, n_mels, n_mels)], optional
        `pitch_shifts` to draw from.

    Returns
    -------
    shown : Tensor [shape=(batch, n_mels, n_frames)], float32
        Standardised.
    """
    mel = mel.float()
    if shifts is not None:
        mel = shifts[torch.randint(len(shifts), (len(mel),)).to(shifts.device)] @ mel
    if config.gain_db:
        mel = change_gain(mel, most=config.gain_db)
    if config.filter_db:
        mel = change_filter(mel, most=config.filter_db)
    mel = standardize(mel, mean=mean, std=std)
    if config.time_mask or config.band_mask:
        mel = blank(mel, time=config.time_mask, bands=config.band_mask)
    return mel


def steps_between(most: float) -> list[float]:
    """Semitones from `-most` to `most` that shifts are drawn from, evenly spaced."""
    n = max(1, round(STEPS * most))
    return np.linspace(-most, most, 2 * n + 1).tolist()


def pitch_shifts(mel: MelConfig, semitones: Sequence[float]) -> Tensor:
    """What makes of the bands of a spectrogram those of the same music, higher or lower.

    Parameters
    ----------
    mel : MelConfig
    semitones : sequence of float
        Upwards.

    Returns
    -------
    shifts : Tensor [shape=(len(semitones), n_mels, n_mels)], float32
        To be multiplied by spectrograms [..., n_mels, n_frames]. Levels between bands lie on a
        cubic spline; what comes from beyond the lowest and the highest band has their level.
    """
    from scipy.interpolate import CubicSpline

    centres = band_edges(mel)[1:-1]
    bands = np.arange(len(centres))
    levels = CubicSpline(bands, np.eye(len(centres)))
    shifts = [levels(np.interp(centres / 2 ** (s / 12), centres, bands)) for s in semitones]
    return torch.from_numpy(np.stack(shifts).astype(np.float32))


def change_gain(mel: Tensor, *, most: float) -> Tensor:
    """Make each example louder or softer.

    Parameters
    ----------
    mel : Tensor [shape=(batch, n_mels, n_frames)], dB
    most : float
        Largest change, dB; each is drawn evenly from -`most` to `most`.
    """
    gain = most * (2 * torch.rand(len(mel), 1, 1) - 1)
    return mel + gain.to(mel)


def change_filter(mel: Tensor, *, most: float) -> Tensor:
    """Colour each example, as other microphones, rooms and masters would.

    Parameters
    ----------
    mel : Tensor [shape=(batch, n_mels, n_frames)], dB
    most : float
        Largest change of a mel band, dB.

    Notes
    -----
    Nam, Kim & Park, "FilterAugment: an acoustic environmental data augmentation method", ICASSP
    2022, of type linear: gains at a few random bands, joined by straight lines.
    """
    n, n_mels = mel.shape[:2]
    low, high = FILTER_BANDS
    n_stretches = int(torch.randint(low, high + 1, ()))
    width = min(float(FILTER_WIDTH), (n_mels - 1) / n_stretches)
    room = n_mels - 1 - n_stretches * width
    inner = torch.rand(n, n_stretches - 1).sort(dim=1).values * room
    inner = inner + width * torch.arange(1, n_stretches)
    ends = torch.tensor([0.0, n_mels - 1.0]).expand(n, 2)
    knots = torch.cat([ends[:, :1], inner, ends[:, 1:]], dim=1)
    gains = most * (2 * torch.rand(n, n_stretches + 1) - 1)
    curve = _joined(torch.arange(n_mels, dtype=torch.float32), knots, gains)
    return mel + curve[:, :, None].to(mel)


def _joined(grid: Tensor, knots: Tensor, values: Tensor) -> Tensor:
    """Straight lines between knots, a row at a time; numpy's `interp` for a batch.

    Parameters
    ----------
    grid : Tensor [shape=(n,)]
        From the first to the last knot.
    knots, values : Tensor [shape=(batch, n_knots)]
        Knots ascending.

    Returns
    -------
    curve : Tensor [shape=(batch, n)]
    """
    places = grid.expand(len(knots), len(grid)).contiguous()
    right = torch.searchsorted(knots.contiguous(), places).clamp(1, knots.shape[1] - 1)
    start, end = knots.gather(1, right - 1), knots.gather(1, right)
    share = (places - start) / (end - start).clamp_min(1e-6)
    return torch.lerp(values.gather(1, right - 1), values.gather(1, right), share.clamp(0, 1))


def blank(mel: Tensor, *, time: float, bands: float) -> Tensor:
    """Put the mean in place of a stretch of frames and of a stretch of mel bands of each example.

    Parameters
    ----------
    mel : Tensor [shape=(batch, n_mels, n_frames)]
        Standardised, so that the mean is 0.
    time, bands : float
        Longest stretch, as a share of all; each length is drawn evenly from 0 on.

    Notes
    -----
    Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition",
    2019, one mask of either kind.
    """
    from torchaudio.functional import mask_along_axis_iid

    for axis, share in ((2, time), (1, bands)):
        size = mel.shape[axis]
        longest = round(share * size)
        if longest:
            # A row of ones is masked on the CPU, not the batch where it lies: see the module.
            kept = mask_along_axis_iid(torch.ones(len(mel), 1, 1, size), longest, 0.0, axis=3)
            mel = mel * (kept[:, 0] if axis == 2 else kept[:, 0].transpose(1, 2)).to(mel)
    return mel


def mix(mel: Tensor, targets: Targets, *, alpha: float) -> tuple[Tensor, Targets]:
    """Blend each example with another of the batch, sound and target alike.

    Parameters
    ----------
    mel : Tensor [shape=(batch, n_mels, n_frames)]
    targets : Targets
    alpha : float
        Of the beta distribution of the shares; each example keeps the larger share.

    Notes
    -----
    Zhang et al., "mixup: beyond empirical risk minimization", 2018, eq. 1.
    """
    share = torch.distributions.Beta(alpha, alpha).sample((len(mel),)).to(mel.device)
    share = torch.maximum(share, 1 - share)
    other = torch.randperm(len(mel)).to(mel.device)

    def blend(values: Tensor) -> Tensor:
        part = share.reshape(-1, *(1,) * (values.ndim - 1))
        return torch.lerp(values.index_select(0, other), values, part)

    rows, shares, form = targets.rows, targets.shares, targets.form
    if rows is not None and shares is not None:
        part = share[:, None]
        rows = torch.cat([rows, rows[other]], dim=1)
        shares = torch.cat([part * shares, (1 - part) * shares[other]], dim=1)
    return blend(mel), targets._replace(
        factors=blend(targets.factors),
        rows=rows,
        shares=shares,
        form=None if form is None else Form(*map(blend, form)),
    )
