"""What the hub is told: settings, feeds and collections as frozen, typed values. Imports nothing of the product."""
