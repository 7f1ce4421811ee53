"""Content models: an encoder from log-mel to features, and a head from features to factors."""
