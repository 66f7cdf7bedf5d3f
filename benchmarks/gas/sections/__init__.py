"""The sections of the report: each compares some of what was measured, and returns a table."""
