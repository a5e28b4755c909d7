"""run.py RESULT.xml RUNS TARGET SEEDS: a fuzz target for so many runs, the same in each run.

Writes its result as JUnit XML: one test, which passed if the target came to the end of its runs.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def run(runs: str, target: str, seeds: str) -> tuple[bool, str]:
    """What it finds on the way is kept for the time of the run only."""
    with tempfile.TemporaryDirectory(prefix="inlay-fuzz-") as corpus:
        result = subprocess.run(
            [
                Path(target).resolve(),
                f"-runs={runs}",
                "-seed=1",
                "-timeout=10",
                "-max_len=1024",
                corpus,
                seeds,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=corpus,
        )
    text = result.stdout.decode(errors="replace")
    done = re.search(r"^Done (\d+) runs", text, re.MULTILINE)
    return result.returncode == 0 and done is not None and int(done[1]) >= int(runs), text


def write_result(path: Path, name: str, passed: bool, text: str) -> None:
    suite = ElementTree.Element("testsuite", name="fuzz")
    case = ElementTree.SubElement(suite, "testcase", classname="fuzz", name=name)
    if not passed:
        # XML has no place for most control characters.
        failure = ElementTree.SubElement(case, "failure")
        failure.text = re.sub(r"[^\t\n -~]", "?", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(suite).write(path, encoding="utf-8")


def main(result: str, runs: str, target: str, seeds: str) -> int:
    passed, text = run(runs, target, seeds)
    write_result(Path(result), Path(target).name, passed, text)
    print(text)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
