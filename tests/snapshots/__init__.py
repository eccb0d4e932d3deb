"""Real snapshots of feeds, taken through the whole pipeline; ``make feeds-report`` prints what became of each."""
