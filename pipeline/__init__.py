"""How a step is put together: settings, steps, summary, the demo and the commands."""
