"""Archives: images as archives deliver them (SAFE, Landsat, HLS, STAC), told as acquisitions. No pixels are read."""
