"""The commands, each with its options. main.py lists them."""
