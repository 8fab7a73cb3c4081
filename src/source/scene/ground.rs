//! What stands still in the scene, in the light of the moment.

use std::time::Duration;

use super::noise::NOISE_BIAS;
use super::script::Script;
use super::wave::sin;

/// Time in which daylight comes and goes once, and how much of it.
const DRIFT_SECONDS: f32 = 90.0;
const DRIFT: f32 = 0.06;

/// The garden, as it is painted where the light changes, and lit already where it never does.
pub(super) struct Ground {
    garden: Vec<u8>,
    changes: bool,
    light: [u8; 256],
}

impl Ground {
    pub(super) fn new(mut garden: Vec<u8>, script: &Script) -> Ground {
        let light = light_at(script, Duration::ZERO);
        let changes = script.drift || !script.lights.is_empty();
        if !changes {
            garden.iter_mut().for_each(|pixel| *pixel = light[*pixel as usize]);
        }
        Ground { garden, changes, light }
    }

    /// Draws it into `luma`; gives what becomes of each grey level of whatever else is drawn.
    pub(super) fn draw(&mut self, script: &Script, at: Duration, luma: &mut [u8]) -> &[u8; 256] {
        if self.changes {
            self.light = light_at(script, at);
            let pixels = luma.iter_mut().zip(&self.garden);
            pixels.for_each(|(lit, pixel)| *lit = self.light[*pixel as usize]);
        } else {
            luma.copy_from_slice(&self.garden);
        }
        &self.light
    }

    /// Luma of the picture, in bytes.
    pub(super) fn len(&self) -> usize {
        self.garden.len()
    }

    /// Bytes held.
    pub(super) fn footprint(&self) -> usize {
        self.garden.capacity()
    }
}

/// What becomes of each grey level at a time. White is capped so that noise can be added.
fn light_at(script: &Script, at: Duration) -> [u8; 256] {
    let (mut gain, mut offset) = (1.0, 0.0);
    if script.drift {
        gain += DRIFT * sin(std::f32::consts::TAU * at.as_secs_f32() / DRIFT_SECONDS);
    }
    for (factor, levels) in script.lights.iter().map(|light| light.at(at)) {
        gain *= factor;
        offset += levels;
    }
    std::array::from_fn(|level| (level as f32 * gain + offset).clamp(0.0, f32::from(u8::MAX - NOISE_BIAS)) as u8)
}
