"""The compiled kernel and the Python code around it. Callers have checked every argument."""
