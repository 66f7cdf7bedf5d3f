"""The contract as Python sees it: its ABI, calls, events, records, numbers and refusals."""
