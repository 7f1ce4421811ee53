"""Names of music: normalised for comparison, guessed from paths, and matched to tracks."""
