"""What bench/run does, one job a module: see docs/performance.md."""
