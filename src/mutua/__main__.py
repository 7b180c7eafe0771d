"""`python -m mutua`, which `torchrun -m mutua` needs."""

import sys

from mutua.cli import main

if __name__ == "__main__":
    sys.exit(main())
