"""Joint coordinates from markers on an OpenSim body model, without OpenSim."""
