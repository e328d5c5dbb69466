//! The synthesized templates of every variant, as `npm run variants` in `cdk/` wrote them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use local_cloudformation::Template;

/// What a template is synthesized from, from the project's root.
const SOURCES: [&str; 8] = [
    "cdk/bin",
    "cdk/cdk.json",
    "cdk/lib",
    "cdk/package-lock.json",
    "cdk/resolvers",
    "cdk/scripts/templates.ts",
    "cdk/scripts/variants.ts",
    "schema.graphql",
];

/// The `Streaming` template of one of the variants in `cdk/scripts/variants.ts`.
pub fn streaming(variant: &str) -> Template {
    Template::open(&path(variant, "Streaming")).expect("a template")
}

/// Where a stack's template is.
///
/// It fails the test if it isn't there, or older than what it is made from.
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

/// The project's folder.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("this package is in a folder of the project")
}

/// When a file, or the latest one of a folder, was last changed.
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
