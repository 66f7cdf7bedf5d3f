"""What measures this project. Not in the package that users install."""
