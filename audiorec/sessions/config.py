"""Settings of the session models."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from audiorec.config_base import Section, Seed

ModelChoice = Literal["auto", "gru4rec", "vsknn", "sknn", "rules", "popularity"]


class SessionsConfig(Section):
    """Settings of the session models for the next track.

    Attributes
    ----------
    session_gap_minutes : float
        Longest pause within a session, from the start of a play to that of the next.
    model : {"auto", "gru4rec", "vsknn", "sknn", "rules", "popularity"}
        The model that answers: auto is the best one on the last days. GRU4Rec, which takes the
        longest to train, is trained under "auto" and "gru4rec" only.
    epochs : int
        Most passes of GRU4Rec over the sessions: fewer if its score stops rising, and with many
        events.
    """

    session_gap_minutes: float = Field(default=30.0, gt=0, le=100_000)
    model: ModelChoice = "auto"
    epochs: int = Field(default=10, ge=1, le=10_000)
    former: ClassVar[frozenset[str]] = frozenset(
        {
            "min_support", "seed", "layers", "loss", "batch_size", "n_epochs", "learning_rate",
            "momentum", "dropout_p_embed", "dropout_p_hidden", "n_sample", "sample_alpha", "logq",
            "bpreg", "elu_param", "content_half_plays", "item_dropout", "k", "sample_size",
            "validation_days",
        }
    )  # fmt: skip


class GRU4RecConfig(Section):
    """Settings of GRU4Rec, with the names of the papers (Hidasi et al. 2016; Hidasi &
    Karatzoglou 2018).

    Attributes
    ----------
    layers : tuple of int
        Units of each GRU layer; the last layer has the width of the item embedding.
    loss : {"cross-entropy", "bpr-max"}
    batch_size : int
        Sessions in parallel: at least this many, and more if there are so many events that an
        epoch would take more than 4,000 steps.
    n_epochs : int
    learning_rate, momentum : float
        Of Adagrad.
    dropout_p_embed, dropout_p_hidden : float
        Of the input's embedding, and of each layer's output (not of the state it keeps).
    n_sample : int
        Negatives in addition to those of the batch.
    sample_alpha : float
        Exponent of popularity in the draw of negatives.
    logq : float
        Of the cross-entropy: fraction of the log-probability of its draw subtracted from each
        score.
    bpreg, elu_param : float
        Of BPR-max: weight of the squared scores, and the final ELU of the network.
    seed : int
    """

    layers: tuple[int, ...] = (100,)
    loss: Literal["cross-entropy", "bpr-max"] = "cross-entropy"
    batch_size: int = Field(default=32, ge=2, le=65536)
    n_epochs: int = Field(default=10, ge=1, le=10_000)
    learning_rate: float = Field(default=0.07, gt=0, le=10)
    momentum: float = Field(default=0.0, ge=0, lt=1)
    dropout_p_embed: float = Field(default=0.2, ge=0, lt=1)
    dropout_p_hidden: float = Field(default=0.4, ge=0, lt=1)
    n_sample: int = Field(default=512, ge=0, le=10**6)
    sample_alpha: float = Field(default=0.5, ge=0, le=1)
    logq: float = Field(default=1.0, ge=0, le=1)
    bpreg: float = Field(default=1.0, ge=0)
    elu_param: float = Field(default=0.5, ge=0, le=1)
    seed: int = Seed
