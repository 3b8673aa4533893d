"""HOW Drydock runs and judges. Knows no venue; meets a model through :mod:`drydock.harness.port`."""
