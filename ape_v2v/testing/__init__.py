"""What tests of the market share, and tests of programs that use it may share too."""
