//! What stands still in the scene, in the light of the moment.

use std::time::Duration;

use super::noise::NOISE_BIAS;
use super::script::Script;

/// Time in which daylight comes and goes once, and how much of it.
const DRIFT_SECONDS: f32 = 90.0;
const DRIFT: f32 = 0.06;

/// The garden, and how it looks in the light.
pub(super) struct Ground {
    garden: Vec<u8>,
    /// In the light of the frame drawn last; empty where the light never changes, and the garden is painted in it.
    lit: Vec<u8>,
    light: [u8; 256],
}

impl Ground {
    pub(super) fn new(mut garden: Vec<u8>, script: &Script) -> Ground {
        let light = light_at(script, Duration::ZERO);
        let changes = script.drift || !script.lights.is_empty();
        if !changes {
            garden.iter_mut().for_each(|pixel| *pixel = light[*pixel as usize]);
        }
        let mut ground = Ground {
            lit: vec![0; if changes { garden.len() } else { 0 }],
            garden,
            light,
        };
        ground.shine();
        ground
    }

    /// Luma, and what becomes of each grey level of whatever else is drawn. Worked out anew when the light has changed by a grey level.
    pub(super) fn lit(&mut self, script: &Script, at: Duration) -> (&[u8], &[u8; 256]) {
        if self.lit.is_empty() {
            return (&self.garden, &self.light);
        }
        let light = light_at(script, at);
        if light != self.light {
            self.light = light;
            self.shine();
        }
        (&self.lit, &self.light)
    }

    fn shine(&mut self) {
        let pixels = self.lit.iter_mut().zip(&self.garden);
        pixels.for_each(|(lit, pixel)| *lit = self.light[*pixel as usize]);
    }

    pub(super) fn footprint(&self) -> usize {
        self.garden.capacity() + self.lit.capacity()
    }
}

/// What becomes of each grey level at a time. White is capped so that noise can be added.
fn light_at(script: &Script, at: Duration) -> [u8; 256] {
    let (mut gain, mut offset) = (1.0, 0.0);
    if script.drift {
        gain += DRIFT * (std::f32::consts::TAU * at.as_secs_f32() / DRIFT_SECONDS).sin();
    }
    for (factor, levels) in script.lights.iter().map(|light| light.at(at)) {
        gain *= factor;
        offset += levels;
    }
    std::array::from_fn(|level| (level as f32 * gain + offset).clamp(0.0, f32::from(u8::MAX - NOISE_BIAS)) as u8)
}
