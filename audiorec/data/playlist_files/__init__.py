"""Playlists in files (M3U, PLS, XSPF, JSPF): their entries, and the tracks that these name."""
