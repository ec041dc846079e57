"""Networks' numbers to keypoints: pure decoding, no sessions."""
