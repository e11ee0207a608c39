"""Sequences of unequal lengths."""

from cnnpy.utils import pad_sequences

__all__ = ["pad_sequences"]
