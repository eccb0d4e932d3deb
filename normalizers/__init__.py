"""What feeds mean: documents become claims, claims become STIX 2.1. Pure: no network, clock, disk or database."""
