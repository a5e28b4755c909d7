"""inlay's generator: a directory of migrations becomes one C file of constant data."""

VERSION = "0.1.0"

# The layout of the tables in inlay-set.h that this generator writes.
ABI = 3
