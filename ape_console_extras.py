"""What `ape console` knows in this project: `market`, `Market`, `Energy`, `Rate` and more."""

from ape_v2v.console import ape_init_extras

__all__ = ["ape_init_extras"]
