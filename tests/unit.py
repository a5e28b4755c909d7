"""unit.py RESULT.xml PROGRAM: runs a cmocka program so that it writes its results as JUnit XML.

It becomes the program, so that whoever waits sees the signal of a crash; or what INLAY_UNDER says
that it is to run under: valgrind.
"""

import os
import pathlib
import shlex
import sys

_, result, program = sys.argv
path = pathlib.Path(result)
path.parent.mkdir(parents=True, exist_ok=True)
path.unlink(missing_ok=True)  # cmocka does not write over a file
os.environ.update(CMOCKA_MESSAGE_OUTPUT="XML", CMOCKA_XML_FILE=result)
command = [*shlex.split(os.environ.get("INLAY_UNDER", "")), program]
os.execvp(command[0], command)
