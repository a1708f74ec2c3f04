"""Photographs made ready: masks, crops, backgrounds, colours, near duplicates. No torch.

Every step is a pure function of arrays; ``prepare`` goes over a collection and writes a new one.
"""
