"""What experience must be like, row by row: docs/accessibility.md lists the rows and where each is held."""
