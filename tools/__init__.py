"""What makes files that this repository ships; no part of the product."""
