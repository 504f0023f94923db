"""A bounded part of benchmarks/faults.py: cheap verbs, each kind of fault once, in processes of their own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "faults.py"


@pytest.mark.slow
def test_what_disturbed_verbs_leave_is_as_promised(tmp_path):
    verbs = ["simulate", "data yaml", "data stats", "predict"]
    command = [sys.executable, str(PROGRAM), *verbs, "--seed", "3", "--json", str(tmp_path / "faults.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    cases = [
        case
        for case in json.loads((tmp_path / "faults.json").read_text())["cases"]
        if case["ended"] != "ended before the fault"
    ]
    tried = {(case["verb"], case["fault"]) for case in cases}
    assert len(cases) > 25 and {verb for verb, _ in tried} == set(verbs)
    assert {"killed", "interrupted", "refused"} <= {case["ended"] for case in cases}
