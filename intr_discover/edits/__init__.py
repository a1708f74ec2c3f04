"""Changing photographs: pure functions of an image and a mask. No torch here."""
