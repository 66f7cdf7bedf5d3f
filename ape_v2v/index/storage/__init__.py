"""Where a history is kept: the tables, what is written to them, and when."""
