"""Studies on public data sets: each a command of its own."""
