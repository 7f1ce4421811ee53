"""Recommend music nobody has played yet, by listening to it.

audiorec learns, from the tracks that do have listeners, to predict from 30 seconds of sound where
a track lies in the space of listeners' tastes, and answers with its neighbours, its listeners and
its place in playlists.
"""

from __future__ import annotations

__version__ = "0.2.0"
