"""Rasters: reading to physical values with a valid mask, and writing maps. No torch."""
