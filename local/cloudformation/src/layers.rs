//! Reads `AWS::Lambda::LayerVersion`: the folder that a layer lays below `/opt`.
//!
//! A synthesis leaves that folder beside the template, as `asset.` and the archive's name. Here nothing is laid below
//! `/opt`; a variable that names a file there gets the file's path in the folder.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Problem;
use super::document::Resource;
use super::properties::Properties;
use super::value::{Scope, target};

const KIND: &str = "AWS::Lambda::LayerVersion";

/// Where Lambda lays layers.
const LAID_BELOW: &str = "/opt/";

/// Refuses what the layers of the template have that is not read here.
pub(super) fn refuse_unknown(scope: &Scope<'_>, problems: &mut Vec<Problem>) {
    for resource in scope.document.resources_of(KIND) {
        let mut properties = Properties::of(scope, resource);
        properties.nested("Content", |content| {
            // `folder` reads the key. The archive is in the bucket on AWS only.
            for property in ["S3Bucket", "S3Key", "S3ObjectVersion"] {
                content.raw(property);
            }
        });
        problems.extend(properties.finish());
    }
}

/// Returns the folders of a function's layers, the one that hides files of the others first. A layer that the template
/// doesn't make has none.
pub(super) fn folders(scope: &Scope<'_>, properties: &mut Properties<'_>) -> Vec<PathBuf> {
    let layers = properties.raw("Layers").and_then(Value::as_array);
    let made_here = layers.into_iter().flatten().rev().filter_map(|layer| {
        let layer = scope.document.resource(target(layer)?)?;
        folder(scope.folder?, layer).filter(|_| layer.kind == KIND)
    });
    made_here.collect()
}

/// What a variable's value says of the folder `/opt`, where Lambda lays a function's layers.
pub(super) enum Laid {
    /// It names nothing there.
    Elsewhere,
    /// A file of a layer.
    At(PathBuf),
    /// A file that no layer has.
    Missing,
}

/// Returns where the file is that a variable names below `/opt`.
pub(super) fn laid_file(folders: &[PathBuf], value: &str) -> Laid {
    let Some(within) = value.strip_prefix(LAID_BELOW) else {
        return Laid::Elsewhere;
    };
    let mut files = folders.iter().map(|folder| folder.join(within));
    files
        .find(|file| file.exists())
        .map_or(Laid::Missing, Laid::At)
}

fn folder(beside: &Path, layer: Resource<'_>) -> Option<PathBuf> {
    let key = layer.property("Content")?.get("S3Key")?.as_str()?;
    let name = key.strip_suffix(".zip").unwrap_or(key);
    // An archive's name, and not a path that leads elsewhere.
    let is_name = !name.contains(['/', '\\']);
    is_name.then(|| beside.join(format!("asset.{name}")))
}
