"""The discovery report: every study of a model and its photographs on one page."""
