"""What scripts/check_template.py is made of."""
