"""What is written: the C file, its dependencies, findings, lists, new migrations."""
