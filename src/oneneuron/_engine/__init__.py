"""The compiled kernel and the Python that feeds it; its callers have checked every argument."""
