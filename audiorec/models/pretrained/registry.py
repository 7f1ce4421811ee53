"""Registry of the pretrained networks that can be downloaded, and their sources."""

from __future__ import annotations

from typing import NamedTuple

from audiorec.exceptions import NotFoundError

MTT_TAGS = (
    "guitar", "classical", "slow", "techno", "strings", "drums", "electronic", "rock", "fast",
    "piano", "ambient", "beat", "violin", "vocal", "synth", "female", "indian", "opera", "male",
    "singing", "vocals", "no vocals", "harpsichord", "loud", "quiet", "flute", "woman",
    "male vocal", "no vocal", "pop", "soft", "sitar", "solo", "man", "classic", "choir", "voice",
    "new age", "dance", "male voice", "female vocal", "beats", "harp", "cello", "no voice",
    "weird", "country", "metal", "female voice", "choral",
)  # fmt: skip
MSD_TAGS = (
    "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "dance", "00s",
    "alternative rock", "jazz", "beautiful", "metal", "chillout", "male vocalists",
    "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "90s", "chill",
    "instrumental", "punk", "oldies", "blues", "hard rock", "ambient", "acoustic", "experimental",
    "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country", "easy listening", "sexy",
    "catchy", "funk", "electro", "heavy metal", "Progressive rock", "60s", "rnb", "indie pop",
    "sad", "House", "happy",
)  # fmt: skip


# The published wheel with all weights, and the path of its licence in it.
PACKAGE, VERSION = "musicnn", "0.1.0"
REQUIREMENT = f"{PACKAGE}=={VERSION}"
SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
SIZE = 29_292_476  # bytes
LICENCE, LICENCE_FILE = "ISC", "musicnn-0.1.0.dist-info/LICENSE.md"

# Constants shared by the converted weights and their networks.
EPSILON = 1e-3  # of batch normalisation in training
TIMBRE = ((38, 7, 204), (67, 7, 204))  # bands, frames, filters
RHYTHM = ((128, 51), (64, 51), (32, 51))  # frames, filters


class Pretrained(NamedTuple):
    """Name, checkpoint and tags of a pretrained network.

    Attributes
    ----------
    name : str
    folder : str
        Folder of its checkpoint in the wheel.
    architecture : str
        Key of `audiorec.models.encoders.musicnn.NETWORKS`.
    tags : tuple of str
        In the order of its outputs.
    trained_on : str
    """

    name: str
    folder: str
    architecture: str
    tags: tuple[str, ...]
    trained_on: str


_MSD = "Million Song Dataset, 50 Last.fm tags"
_MTT = "MagnaTagATune, 50 tags"
PAPER = (
    "Pons & Serra, musicnn: Pre-trained convolutional neural networks for music audio tagging, "
    "ISMIR 2019 late-breaking demo"
)
PRETRAINED = {
    one.name: one
    for one in (
        Pretrained("musicnn-msd", "MSD_musicnn", "musicnn", MSD_TAGS, _MSD),
        Pretrained("musicnn-mtt", "MTT_musicnn", "musicnn", MTT_TAGS, _MTT),
        Pretrained("vgg-msd", "MSD_vgg", "vgg", MSD_TAGS, _MSD),
        Pretrained("vgg-mtt", "MTT_vgg", "vgg", MTT_TAGS, _MTT),
    )
}
# Network of the short name: the variant trained on the most music.
ALIASES = {"musicnn": "musicnn-msd"}


def find(name: str) -> Pretrained:
    """Get the network of a name.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    try:
        return PRETRAINED[ALIASES.get(name, name)]
    except KeyError:
        known = ", ".join([*ALIASES, *PRETRAINED])
        raise NotFoundError(
            f"there is no pretrained network {name!r}; take one of {known}"
        ) from None
