"""ProtoPFormer and Concept Transformer, of our own after their papers."""
