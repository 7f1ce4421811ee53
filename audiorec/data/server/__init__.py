"""What the server keeps of its listeners, and how it becomes plays."""
