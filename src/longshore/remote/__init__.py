"""The gate: all talk with the outside world; foreign exceptions are turned here. I/O."""
