"""The slices that workflows are made of; none knows another."""
