"""The line to a node: how it is asked, what goes wrong on it, and how long that is borne."""
