"""What of the documentation is written by the code that it is about."""
