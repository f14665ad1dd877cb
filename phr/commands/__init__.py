"""The words one can type after `phr`. Each module says its arguments (`add_arguments`) and does one thing (`run`).

`run` answers the exit code: 0 done, 1 not done, with a sentence on standard error. argparse answers 2 for a wrong call.
"""

import json
import sys
from typing import Any


class CommandFailed(Exception):
    """The command could not be done; the text is a sentence for whoever typed it and holds no secret."""


def say(*lines: str) -> None:
    """Lines on standard output, seen at once."""
    for line in lines:
        print(line)
    sys.stdout.flush()


def say_json(answer: dict[str, Any]) -> None:
    """The answer as JSON on standard output, for people and for scripts."""
    print(json.dumps(answer, indent=2, ensure_ascii=False))
    sys.stdout.flush()


def complain(sentence: str) -> None:
    """A sentence on standard error."""
    print(f"phr: {sentence}", file=sys.stderr, flush=True)
