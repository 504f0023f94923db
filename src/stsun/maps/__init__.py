"""What is made from finished maps: areas, transitions, polygons, descriptions."""
