"""Looks at the registry and never changes it: gather (inventory), then judge (the rest). Pure."""
