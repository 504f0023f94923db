"""What a data set is like, and what may be wrong with it: statistics, leaks between splits, splits by area, doubts."""
