"""The command `phr` as tests start it: all is as installed, but it does not wait for what `tests.hurry` tells."""

import sys

from tests.hurry import hurry

hurry()  # worker processes are spawned, and read this file again

if __name__ == "__main__":
    from phr.cli import main

    sys.exit(main())
