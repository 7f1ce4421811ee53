"""The networks that hear, what they minimise, and how they are kept."""
