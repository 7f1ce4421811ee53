"""Content models: an encoder from log-mel to features, and a head from features to factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiorec.lazy import lazy_attributes

if TYPE_CHECKING:
    from audiorec.models.checkpoint import load_model, save_model
    from audiorec.models.config import MUSICNN_MEL, ModelConfig
    from audiorec.models.content_model import (
        ContentModel,
        ContentNetwork,
        InputScale,
        blocks_of,
        build_network,
        clips_of,
        crop_mel,
        crops_of,
        prediction_crop,
        track_vector,
        training_crop,
    )
    from audiorec.models.devices import pick_device
    from audiorec.models.encoder_names import FIXED_ENCODER, PRETRAINED_ENCODERS, TRAINED_ENCODERS
    from audiorec.models.frozen_features import (
        FeatureStore,
        compute_features,
        encode_clips,
        kept_features,
    )
    from audiorec.models.heads import MlpHead, build_head, linear_head, standardizing_head
    from audiorec.models.ridge import Ridge, fit_ridge
    from audiorec.models.train_config import TrainConfig, check_crop

__all__ = [
    "FIXED_ENCODER",
    "MUSICNN_MEL",
    "PRETRAINED_ENCODERS",
    "TRAINED_ENCODERS",
    "ContentModel",
    "ContentNetwork",
    "FeatureStore",
    "InputScale",
    "MlpHead",
    "ModelConfig",
    "Ridge",
    "TrainConfig",
    "blocks_of",
    "build_head",
    "build_network",
    "check_crop",
    "clips_of",
    "compute_features",
    "crop_mel",
    "crops_of",
    "encode_clips",
    "fit_ridge",
    "kept_features",
    "linear_head",
    "load_model",
    "pick_device",
    "prediction_crop",
    "save_model",
    "standardizing_head",
    "track_vector",
    "training_crop",
]

# Imported when asked for: settings and names of encoders are read without torch.
__getattr__ = lazy_attributes(
    __name__,
    {
        "checkpoint": ("load_model", "save_model"),
        "config": ("MUSICNN_MEL", "ModelConfig"),
        "content_model": (
            "ContentModel",
            "ContentNetwork",
            "InputScale",
            "blocks_of",
            "build_network",
            "clips_of",
            "crop_mel",
            "crops_of",
            "prediction_crop",
            "track_vector",
            "training_crop",
        ),
        "devices": ("pick_device",),
        "encoder_names": ("FIXED_ENCODER", "PRETRAINED_ENCODERS", "TRAINED_ENCODERS"),
        "frozen_features": ("FeatureStore", "compute_features", "encode_clips", "kept_features"),
        "heads": ("MlpHead", "build_head", "linear_head", "standardizing_head"),
        "ridge": ("Ridge", "fit_ridge"),
        "train_config": ("TrainConfig", "check_crop"),
    },
)
