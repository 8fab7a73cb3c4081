//! Sets controls of vivid's camera in the guest of the firmware tests, which has no program for it: `vivid NAME VALUE...`.

#[allow(dead_code)] // the driver tests use the rest
#[path = "../drivers/kernel.rs"]
mod kernel;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    for pair in arguments.chunks(2) {
        let value = pair.get(1).and_then(|value| value.parse().ok());
        kernel::set(&pair[0], value.expect("a control and its value, in turn"));
    }
}
