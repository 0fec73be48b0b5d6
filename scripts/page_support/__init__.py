"""What scripts/check_page is made of: `part_*` hold the checks, `serving` starts podferry, `tab` looks at the page as a person would."""
