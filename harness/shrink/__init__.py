"""Shrinking: from a case that fails to the smallest that fails in the same way, with proof."""
