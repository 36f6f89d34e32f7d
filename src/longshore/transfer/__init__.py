"""Copy images between registries: plan, schedule and verify are pure; journal and run act. I/O."""
