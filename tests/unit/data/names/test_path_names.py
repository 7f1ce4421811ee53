"""Names that a path says of a recording, and those that it does not."""

from __future__ import annotations

import pytest

from audiorec.data.names import names_from_path


@pytest.mark.parametrize(
    ("path", "artist", "album", "number", "title"),
    [
        ("/m/UB40/Labour of Love/10-Red_Red_Wine.mp3", "UB40", "Labour of Love", 10,
         "Red Red Wine"),
        ("/home/x/Music/10-Red_Red_Wine.mp3", None, None, 10, "Red Red Wine"),
        ("/music/Sade/[1984] Diamond Life [FLAC]/CD1/02. Smooth Operator.flac",
         "Sade", "Diamond Life", 2, "Smooth Operator"),
        ("/music/Sade - Diamond Life (1984)/1-02 Smooth Operator.flac",
         "Sade", "Diamond Life", 2, "Smooth Operator"),
        ("/x/Sade - Diamond Life - 02 - Smooth Operator.ogg",
         "Sade", "Diamond Life", 2, "Smooth Operator"),
        ("/Music/Björk - Jóga.mp3", "Björk", None, None, "Jóga"),
        ("/Music/Hits/(07) Song.mp3", None, "Hits", 7, "Song"),
        ("/Music/Various Artists/Hits/07 - Blur - Song 2.mp3", "Blur", "Hits", 7, "Song 2"),
        ("/Music/LP/A2 - Song.mp3", None, "LP", 2, "Song"),
        # No number stands in front of these.
        ("/m/1999.mp3", None, None, None, "1999"),
        ("/m/99 Luftballons.mp3", None, None, None, "99 Luftballons"),
        ("/m/7 Seconds.mp3", None, None, None, "7 Seconds"),
        ("/m/2-4-6-8 Motorway.mp3", None, None, None, "2-4-6-8 Motorway"),
        ("/m/01.flac", None, None, None, "01"),
        ("/m/t000001.mp3", None, None, None, "t000001"),
        ("/m/AC-DC.mp3", None, None, None, "AC-DC"),
    ],
)  # fmt: skip
def test_common_patterns(path, artist, album, number, title):
    expected = {"artist": artist, "album": album, "number": number, "title": title}
    assert names_from_path(path) == {key: value for key, value in expected.items() if value}
