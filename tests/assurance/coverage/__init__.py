"""Which lines and branches of the contracts the Python tests execute."""
