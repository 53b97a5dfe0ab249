"""The lecture's three files, under their own names."""
