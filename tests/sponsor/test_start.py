"""What an EV's commands load of a sponsor."""

import subprocess
import sys


def test_who_signs_for_a_sponsor_does_not_load_its_service():
    program = "import sys, ape_v2v.sponsor; print({'fastapi', 'uvicorn'} & set(sys.modules))"
    answer = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert answer.stdout == "set()\n"
