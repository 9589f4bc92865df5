"""What it costs that people look: the live values and the history."""
