"""Drawing only: arrays and tables come in, matplotlib figures go out; no torch, no pyplot."""
