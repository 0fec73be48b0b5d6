"""What scripts/dist and scripts/check_dist are made of."""
