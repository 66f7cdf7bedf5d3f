"""What a write will do, and what became of it: forecast, sent, looked up, replaced."""
