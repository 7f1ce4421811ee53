"""Names of music: as they are compared, guessed from paths, and matched to tracks."""
