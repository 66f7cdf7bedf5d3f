"""A reverse-auction market in which electric vehicles sell energy to one another."""
