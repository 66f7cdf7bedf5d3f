"""The study of the market: five questions, asked of the contract's bytecode by simulation.

    python -m benchmarks.evaluation

It writes tables, figures and plots into docs/evaluation, and from these alone docs/evaluation.md.
"""
