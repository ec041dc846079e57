"""From keypoints in the world to anatomical markers and joint angles, without OpenSim."""
