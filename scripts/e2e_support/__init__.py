"""What scripts/e2e is made of: `part_*` hold the checks, the other modules what they need."""
