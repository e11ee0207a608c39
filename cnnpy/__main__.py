"""`python -m cnnpy` is the command `cnnpy`."""

import sys

from cnnpy.cli import main

sys.exit(main())
