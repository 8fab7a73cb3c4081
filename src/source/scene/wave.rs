//! Sine, cosine and length, for what sways: the same on every processor, so that the same seed gives the same pictures everywhere; and
//! nothing else in the service needs the C library's mathematics, half a megabyte when it is loaded.

use std::f32::consts::FRAC_PI_2;
use std::f32::consts::PI;
use std::f32::consts::TAU;

/// Sine of `x` in radians, within 5e-6 of it for arguments of a few turns: Taylor's series about 0 on a quarter of a turn.
pub(super) fn sin(x: f32) -> f32 {
    let turns = x / TAU;
    let nearest = (turns + 0.5f32.copysign(turns)) as i64 as f32;
    let x = (turns - nearest) * TAU; // -PI to PI
    let x = if x.abs() > FRAC_PI_2 { PI.copysign(x) - x } else { x };
    let square = x * x;
    let series = [1.0 / 362_880.0, -1.0 / 5_040.0, 1.0 / 120.0, -1.0 / 6.0, 1.0];
    x * series.iter().fold(0.0, |sum, factor| sum * square + factor)
}

/// Cosine of `x` in radians, as [`sin`].
pub(super) fn cos(x: f32) -> f32 {
    sin(x + FRAC_PI_2)
}

/// Length of the vector `(x, y)`, which is no longer than a picture.
pub(super) fn hypotenuse(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sine_and_cosine_are_those_of_the_library() {
        let far = |own: fn(f32) -> f32, library: fn(f32) -> f32| {
            let off = |n: i32| (own(n as f32 * 1e-3) - library(n as f32 * 1e-3)).abs();
            (-40_000..40_000).map(off).fold(0.0, f32::max)
        };
        assert!(far(sin, f32::sin) < 1e-5, "{}", far(sin, f32::sin));
        assert!(far(cos, f32::cos) < 1e-5, "{}", far(cos, f32::cos));
    }
}
