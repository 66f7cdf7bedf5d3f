"""The vehicles of a simulation: who comes, what each sees, and how it behaves."""
