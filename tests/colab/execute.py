"""Execute a notebook with this Python's own nbclient and kernel, and print it with its outputs."""

import re
import sys

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

book = nbformat.read(sys.argv[1], as_version=4)
try:
    NotebookClient(book, kernel_name="python3", timeout=60).execute()
except CellExecutionError as error:
    sys.exit(re.sub(r"\x1b\[[\d;]*m", "", str(error)))  # the cell and its traceback, without colours
print(nbformat.writes(book))
