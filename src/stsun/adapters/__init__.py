"""Public data sets as they are downloaded: one file of facts each, in ``sets``; nothing is copied or converted."""
