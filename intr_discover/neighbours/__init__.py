"""Other ways to explain a classifier beside INTR, trained and measured alike."""
