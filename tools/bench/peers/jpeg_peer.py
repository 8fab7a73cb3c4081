"""libjpeg-turbo's full decode to gray, by PyPI's simplejpeg: answers each line with the microseconds of one decode."""

import pathlib
import sys
import time

import simplejpeg

pictures = [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
for number, _ in enumerate(sys.stdin):
    begin = time.perf_counter_ns()
    for picture in pictures:
        simplejpeg.decode_jpeg(picture, colorspace="GRAY", fastdct=True)
    print((time.perf_counter_ns() - begin) / 1000 / len(pictures), flush=True)
