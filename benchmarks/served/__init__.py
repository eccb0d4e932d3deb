"""What runs inside a target: the yardsticks' applications, and OpenTAXII's preparation in its own environment."""
