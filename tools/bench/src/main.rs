//! Benchmarks of each stage, as ratios against a reference in the same run: `cargo run --release -p bench -- STAGE`.

mod commit;
mod detector;
mod fanout;

fn main() {
    let stages: [(&str, fn()); 3] = [("detector", detector::run), ("commit", commit::run), ("fanout", fanout::run)];
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = asked.iter().find(|name| stages.iter().all(|(stage, _)| stage != name)) {
        eprintln!("unknown stage {unknown}; there are: {}", stages.map(|(stage, _)| stage).join(", "));
        std::process::exit(2);
    }
    for (stage, run) in stages {
        if asked.is_empty() || asked.iter().any(|name| name == stage) {
            run();
        }
    }
}
