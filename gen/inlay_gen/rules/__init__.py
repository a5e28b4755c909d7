"""What is right and wrong with a directory of migrations."""
