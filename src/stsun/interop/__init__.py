"""Other libraries met half way, by the shape of their objects: none of them is imported. One file a partner."""
