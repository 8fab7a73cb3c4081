//! A clip in place of a camera: YUV4MPEG2, MJPEG, AVI, a folder of pictures, or a recording.
