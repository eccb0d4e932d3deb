"""The benchmark: the same work on the hub, on its peers and on the least code that could do it. See __main__.py."""
