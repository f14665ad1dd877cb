"""Languages: everything people read goes through translation, and every language has all of it."""
