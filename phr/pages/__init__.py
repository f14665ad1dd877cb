"""The pages people see, one module to a kind of page."""
