"""Reading values from texts."""
