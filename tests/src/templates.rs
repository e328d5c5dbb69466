//! The synthesized templates of every variant, which `npm run variants` in `cdk/` writes.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use local_cloudformation::Template;

/// The files that templates are synthesized from, from the project's root.
const SOURCES: [&str; 10] = [
    "cdk/assistants.schema.json",
    "cdk/bin",
    "cdk/cdk.json",
    "cdk/lib",
    "cdk/package-lock.json",
    "cdk/resolvers",
    "cdk/scripts/assistants.json",
    "cdk/scripts/templates.ts",
    "cdk/scripts/variants.ts",
    "schema.graphql",
];

/// Reads the `Streaming` template of one of the variants in `cdk/scripts/variants.ts`.
pub fn streaming(variant: &str) -> Template {
    Template::open(&path(variant, "Streaming")).expect("a template")
}

/// Returns the path of a stack's template.
///
/// Fails the test if the template isn't there, or is older than its sources.
pub fn path(variant: &str, stack: &str) -> PathBuf {
    const HOW: &str = "run `cargo xtask test`, or `npm ci && npm run variants` in cdk/";
    let path = root().join(format!(
        "cdk/build/templates/{variant}/{stack}.template.json"
    ));
    let Some(written) = modified(&path) else {
        panic!("there is no {}: {HOW}", path.display());
    };
    for source in SOURCES {
        let newer = newest(&root().join(source)).is_some_and(|changed| changed > written);
        assert!(!newer, "{} is older than {source}: {HOW}", path.display());
    }
    path
}

/// Returns the project's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package is in a folder of the project")
}

/// Returns when a file, or the newest file of a folder, was last changed.
fn newest(path: &Path) -> Option<SystemTime> {
    let Ok(entries) = std::fs::read_dir(path) else {
        return modified(path);
    };
    entries
        .filter_map(|entry| newest(&entry.ok()?.path()))
        .max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|file| file.modified()).ok()
}
