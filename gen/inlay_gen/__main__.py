"""python -m inlay_gen"""

import sys

from .main import main

sys.exit(main(sys.argv[1:]))
