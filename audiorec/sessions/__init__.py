"""What to play next: answers from the session so far, for listeners nobody knows."""
