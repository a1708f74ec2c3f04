"""The figures of a paper on a trained model: one module a figure, found by the registry."""
