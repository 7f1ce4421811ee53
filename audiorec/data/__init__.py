"""What is known about tracks and listening: the catalogue, the plays, and how to split them."""
