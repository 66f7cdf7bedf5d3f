"""Energy meters: what a charging session needs of one, and three kinds to begin with.

`meter` is the interface, `simulated` plays both sides' meters on one simulated `cable`, and `ocmf`
reads the signed records of a real one.
"""
