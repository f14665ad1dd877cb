"""The command `phr` as tests start it: all is as installed, but stretching costs little."""

import sys

from tests.stretching import costs_little

costs_little()  # worker processes are spawned, and read this file again

if __name__ == "__main__":
    from phr.cli import main

    sys.exit(main())
