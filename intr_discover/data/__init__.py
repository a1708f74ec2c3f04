"""Specimens in, batches out.

``specimens`` reads collections, ``images`` reads photographs and masks, ``defects`` reports what is
wrong, ``splits`` cuts validation; ``tables``, ``specimen_tables``, ``folders``, ``decoding`` and
``threads`` are what these are made of. Nothing is imported here: the command line stays quick.
"""
