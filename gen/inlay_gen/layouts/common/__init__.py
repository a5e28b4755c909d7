"""What layouts share: names, versions, both directions in one file."""
