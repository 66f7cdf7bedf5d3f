"""The paper's Table III, done again with what is known today."""
