"""REST of what exists and where it is deployed."""
