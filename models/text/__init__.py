"""What customers say in their own words: what it is about, and whether they are content."""
