"""ECR lifecycle policies: grammar, validation, presets. Pure."""
