"""One module per way of grouping customers: GROUPS, FEATURES, Thresholds, assign."""
