"""Peers of the detector on one clip (YUV4MPEG2, mono): events as JSON, and CPU per frame.

* mog2: OpenCV's BackgroundSubtractorMOG2 at its defaults, opened by 3x3, contours of 0.2 % of the picture.
* absdiff: the tutorial's: frame difference, blur, threshold 25, dilated twice, contours of 0.2 % of the picture.
* frigate: Frigate's improved motion detector as published (frigate/motion/improved_motion.py): 100 rows, contrast stretched
  between its percentiles, blur, difference to a running average, threshold 30, dilated, contours of 10 pixels; recalibrated
  where 80 % of the picture moves.

Each is turned into events the same way: two moving frames of three begin one, two seconds without end it.
"""

import json
import sys
import time

import cv2
import numpy as np


def frames(path):
    """Frames of a mono YUV4MPEG2 clip, and its rate."""
    with open(path, "rb") as file:
        words = file.readline().split()
        size = {word[:1]: word[1:] for word in words[1:]}
        width, height = int(size[b"W"]), int(size[b"H"])
        rate, base = map(int, size[b"F"].split(b":"))
        yield rate / base
        while file.readline():
            yield np.frombuffer(file.read(width * height), np.uint8).reshape(height, width)


def large(mask, area):
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return any(cv2.contourArea(contour) >= area for contour in contours)


def mog2():
    model = cv2.createBackgroundSubtractorMOG2()
    kernel = np.ones((3, 3), np.uint8)

    def moves(frame):
        mask = cv2.threshold(model.apply(frame), 200, 255, cv2.THRESH_BINARY)[1]
        return large(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), frame.size * 0.002)

    return moves


def absdiff():
    before = None

    def moves(frame):
        nonlocal before
        now = cv2.GaussianBlur(frame, (21, 21), 0)
        last, before = before, now
        if last is None:
            return False
        mask = cv2.threshold(cv2.absdiff(last, now), 25, 255, cv2.THRESH_BINARY)[1]
        return large(cv2.dilate(mask, None, iterations=2), frame.size * 0.002)

    return moves


def frigate():
    average, values, calibrating, count = None, np.zeros((50, 2), np.uint8), True, 0

    def moves(frame):
        nonlocal average, calibrating, count
        height, width = 100, frame.shape[1] * 100 // frame.shape[0]
        now = cv2.resize(frame, (width, height), interpolation=cv2.INTER_NEAREST)
        low, high = np.percentile(now, [4, 96])
        values[count % 50] = (low, high)
        count += 1
        low, high = values[: min(count, 50)].mean(axis=0)
        if high > low:
            now = np.clip((now.astype(np.float32) - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
        now = cv2.GaussianBlur(now, (3, 3), 1)
        if average is None:
            average = now.astype(np.float32)
        mask = cv2.threshold(cv2.absdiff(now, cv2.convertScaleAbs(average)), 30, 255, cv2.THRESH_BINARY)[1]
        mask = cv2.dilate(mask, None, iterations=1)
        part = cv2.countNonZero(mask) / mask.size
        found = large(mask, 10) and not calibrating
        calibrating = part > 0.8 or (calibrating and part >= 0.05)
        cv2.accumulateWeighted(now, average, 0.2 if calibrating or part > 0.8 else 0.01)
        return found

    return moves


def events(flags, rate):
    """First and last frame of each run of moving frames."""
    found, last, gap = [], None, int(2 * rate)
    for number, flag in enumerate(flags):
        if not flag:
            continue
        if last is not None and number - last <= gap:
            found[-1][1] = number
        elif sum(flags[max(0, number - 2) : number + 1]) >= 2:
            found.append([number, number])
        else:
            continue
        last = number
    return found


def main():
    for name, make in (("mog2", mog2), ("absdiff", absdiff), ("frigate", frigate)):
        clip = frames(sys.argv[1])
        rate, moves, flags, spent = next(clip), make(), [], 0
        for frame in clip:
            begin = time.process_time_ns()
            flags.append(bool(moves(frame)))
            spent += time.process_time_ns() - begin
        print(json.dumps({"peer": name, "events": events(flags, rate), "us": spent / 1000 / max(1, len(flags))}), flush=True)


cv2.setNumThreads(1)
main()
