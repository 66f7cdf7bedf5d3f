"""What runs come to: metrics, comparisons, plots, reports, and the check against theory."""
