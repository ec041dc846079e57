"""Cameras: drivers, the frame ring, and the loop of one capture process. Knows no sockets."""
