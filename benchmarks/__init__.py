"""Speed as ratios: each figure beside its goal and its floor, measured in one run. `make bench` prints them."""
