//! `fluentbit/` holds what `podferry generate logging` prints, one file a preset.

use std::process::Command;

#[test]
fn the_files_are_what_is_generated() {
    for preset in ["standard", "compact", "lean", "merged", "seed"] {
        let arguments = ["generate", "logging", "--cluster", "my-cluster", "--region", "us-east-1", "--preset", preset];
        let generated = Command::new(super::PODFERRY).args(arguments).current_dir("/").output().unwrap();
        let path = format!("{}/fluentbit/{preset}.yaml", testkit::ROOT);
        let kept = std::fs::read_to_string(&path).unwrap();
        assert_eq!(
            String::from_utf8(generated.stdout).unwrap(),
            kept,
            "{path} is not what `podferry {}` prints",
            arguments.join(" ")
        );
    }
}
