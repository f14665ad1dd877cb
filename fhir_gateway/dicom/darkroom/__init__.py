"""The child process in which pictures from outside are decoded; nothing here knows a key, a row or a person."""
