"""Playlist files (M3U, PLS, XSPF, JSPF): their entries, and the tracks of these."""
