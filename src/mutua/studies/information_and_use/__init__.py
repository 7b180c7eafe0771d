"""Is it really mutual information? Representations at constant information, critics, and bijections that spoil."""
