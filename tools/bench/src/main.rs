//! Benchmarks of each stage, as ratios against a reference in the same run, and the soak: `tools/bench/run STAGE`.

mod commit;
mod detector;
mod fanout;
mod frames;
mod jpeg;
mod memory;
mod netcam;
mod peers;
mod process;
mod quality;
mod service;
mod soak;

fn main() {
    let stages: [(&str, fn()); 7] = [
        ("detector", detector::run),
        ("jpeg", jpeg::run),
        ("quality", quality::run),
        ("commit", commit::run),
        ("fanout", fanout::run),
        ("memory", memory::run),
        ("peers", peers::run),
    ];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if asked.first().is_some_and(|stage| stage == "soak") {
        return soak::run(&asked[1..]);
    }
    if asked.first().is_some_and(|stage| stage == "frames") {
        return frames::run(&asked[1..]);
    }
    if let Some(unknown) = asked.iter().find(|name| stages.iter().all(|(stage, _)| stage != name)) {
        let known = stages.map(|(stage, _)| stage).join(", ");
        eprintln!("unknown stage {unknown}; there are: {known}, soak");
        std::process::exit(2);
    }
    for (stage, run) in stages {
        if asked.is_empty() || asked.iter().any(|name| name == stage) {
            run();
        }
    }
}
