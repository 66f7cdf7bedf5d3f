"""EVMs to run contracts on: in this process, or a node of one's own."""
