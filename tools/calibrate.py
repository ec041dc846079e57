"""``kinelive calibrate``: the commands of calibration. Each is a module of this folder."""

COMMANDS = ("convert", "refine", "intrinsics", "extrinsics")


def calibrate() -> int:
    """Calibrate cameras, or bring a calibration here: `kinelive calibrate --help` lists the ways.

    convert = read what other programs write, and write it for others; refine = make the cameras
    agree with what they see of people, or find them from that alone; intrinsics = lenses from
    pictures of a board; extrinsics = where cameras are, from a board, measured points or a wand.
    """
    return 0  # the command line goes on to one of COMMANDS
