"""Blending of examples."""

import torch

from audiorec.training.module import mix


def test_sound_and_target_are_blended_alike():
    torch.manual_seed(0)
    target = torch.eye(6)
    mel = target[:, :, None].expand(6, 6, 4).contiguous()  # the sound spells the target
    before = mel.clone()
    sound, vector = mix(mel, target, alpha=0.5)
    assert torch.allclose(sound[..., 0], vector)
    assert torch.allclose(vector.sum(dim=1), torch.ones(6))
    assert (vector.diagonal() >= 0.5).all()
    assert (vector.diagonal() < 1).any()
    assert torch.equal(mel, before)
