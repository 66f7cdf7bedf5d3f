"""What the topics' commands have in common: options and arguments, tables and lines, failures."""
