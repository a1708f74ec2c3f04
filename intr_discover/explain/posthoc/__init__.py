"""Explanations made after the fact, for any classifier: Grad-CAM and RISE."""
