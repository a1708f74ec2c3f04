"""Questions about many images, one module each; every answer is a ``StudyResult``."""
