"""Reading delivered files: the bytes, the records in them, and what every row must keep to."""
