"""Whether to believe the components: what is identified, how stably, with how much interference."""
