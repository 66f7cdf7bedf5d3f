"""Run the study, and write its page.

python -m benchmarks.evaluation                  # as it is committed: about five minutes on a core
python -m benchmarks.evaluation --replicates 40  # surer
python -m benchmarks.evaluation --page           # the page alone, from the files that are there
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.evaluation import cost, grid, page, robust, whom, works
from benchmarks.evaluation.drawing import draw
from benchmarks.evaluation.material import ETHER_EUR, SEED, Answer, Laboratory

QUESTIONS = {"works": works, "whom": whom, "cost": cost, "robust": robust, "grid": grid}
REPLICATES = 8


def main() -> None:
    """Ask every question, or those that are named."""
    parser = argparse.ArgumentParser(description="Run the study, and write docs/evaluation.")
    parser.add_argument("questions", nargs="*", help=f"of {', '.join(QUESTIONS)}; all by default")
    parser.add_argument("--replicates", type=int, default=REPLICATES, help="runs of each variant")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--out", type=Path, default=page.FOLDER, help="where the files go")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    chosen = parser.parse_args()
    if unknown := sorted(set(chosen.questions) - set(QUESTIONS)):
        parser.error(f"there is no question {unknown[0]!r}: choose {', '.join(QUESTIONS)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    if not chosen.page:
        laboratory = Laboratory(chosen.replicates, chosen.jobs)
        for name in chosen.questions or QUESTIONS:
            began = time.monotonic()
            answer = QUESTIONS[name].ask(laboratory)
            answer.write(chosen.out)
            draw(answer, chosen.out)
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)
        about = Answer(
            "about", {"replicates": chosen.replicates, "seed": SEED, "ether_eur": ETHER_EUR}
        )
        about.write(chosen.out)
    target = page.PAGE if chosen.out == page.FOLDER else chosen.out / "evaluation.md"
    target.write_text(page.written(chosen.out), "utf-8")
    print(f"written: {target}")


if __name__ == "__main__":
    main()
