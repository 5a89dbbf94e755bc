"""What runs a model file, one module a library. Each is imported only when a model needs it."""
