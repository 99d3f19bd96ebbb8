"""agent.toml and store.toml: one model, all errors at once, each with its file and line."""
