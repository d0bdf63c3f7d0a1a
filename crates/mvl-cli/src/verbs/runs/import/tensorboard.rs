//! Runs of TensorBoard's event files: scalars as figures, pictures as files, the HParams plugin's settings.

use std::path::Path;

use anyhow::Context;
use mvl::core::RunStatus;
use mvl::track::{ArtifactOwner, PortablePoint, PortableRun, Workspace};
use mvl::train::{EventPicture, EventRun};

use crate::output::{count, say, thousands};
use crate::workspace::{block, open};

/// The folder of pictures among a run's files.
const PICTURES: &str = "pictures";

pub(super) fn import(root: &Path, experiment: Option<&str>, with_files: bool) -> anyhow::Result<Vec<String>> {
    let root = std::path::absolute(root).with_context(|| format!("cannot find {}", root.display()))?;
    let unreadable = |folder: &Path| format!("cannot read the event files in {}", folder.display());
    let folders = EventRun::find(&root).with_context(|| unreadable(&root))?;
    anyhow::ensure!(!folders.is_empty(), "no event files (events.out.tfevents.…) at or below {}", root.display());
    let named = root.file_name().map(|name| name.to_string_lossy().into_owned());
    let experiment = experiment.map(str::to_owned).or(named).unwrap_or_else(|| "TensorBoard".to_owned());
    let workspace = open()?;
    let mut ids = Vec::new();
    for folder in folders {
        let run = EventRun::read(&folder).with_context(|| unreadable(&folder))?;
        run.notes.iter().for_each(say);
        let name = match folder.strip_prefix(&root) {
            Ok(below) if below.as_os_str().is_empty() => experiment.clone(),
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) => folder.display().to_string(),
        };
        let portable = portable(&run, &name, &experiment);
        let points: usize = portable.metrics.values().map(Vec::len).sum();
        let (here, origin) = (workspace.clone(), format!("TensorBoard: {}", root.display()));
        let id = block(async move { here.import_run_once(&portable, &origin).await })
            .with_context(|| format!("cannot bring the run in {} here", folder.display()))?;
        let pictures = if with_files { run.pictures } else { Vec::new() };
        let files = count(pictures.len(), "picture");
        pictures.into_iter().try_for_each(|picture| keep(&workspace, &id, picture))?;
        say(format!("{name}: run {id} here, {} points, {files}", thousands(points)));
        ids.push(id);
    }
    Ok(ids)
}

fn portable(run: &EventRun, name: &str, experiment: &str) -> PortableRun {
    let milliseconds = |seconds: f64| (seconds * 1e3) as i64;
    let mut portable = PortableRun {
        start_time: run.times.map(|(first, _)| milliseconds(first)),
        end_time: run.times.map(|(_, last)| milliseconds(last)),
        status: run.status.unwrap_or(RunStatus::Finished).word().to_owned(),
        ..PortableRun::empty(name, experiment, name)
    };
    for (tag, points) in &run.scalars {
        let point = |point: &mvl::train::EventPoint| PortablePoint {
            step: point.step,
            time: milliseconds(point.wall_time),
            value: point.value.into(),
        };
        portable.metrics.entry(key(tag)).or_default().extend(points.iter().map(point));
    }
    portable.params.extend(run.settings.iter().map(|(name, value)| (key(name), value.clone())));
    portable
}

fn keep(workspace: &Workspace, run_id: &str, picture: EventPicture) -> anyhow::Result<()> {
    let EventPicture { tag, step, index, extension, encoded } = picture;
    let index = if index == 0 { String::new() } else { format!("-{index}") };
    let path = format!("{PICTURES}/{}/{step}{index}.{extension}", key(&tag));
    let (here, owner) = (workspace.clone(), ArtifactOwner::Run(run_id.to_owned()));
    block(async move { here.tracker().put_artifact(&owner, &path, encoded.into()).await.map(drop) })
}

/// A tag as a name that the tracker takes: words of a path without odd characters.
fn key(tag: &str) -> String {
    let plain = |char: char| if char.is_alphanumeric() || "_-. /".contains(char) { char } else { '_' };
    let plain: String = tag.chars().map(plain).take(250).collect();
    let words = plain.split('/').map(|word| word.trim_matches([' ', '.'])).filter(|word| !word.is_empty());
    let key = words.collect::<Vec<_>>().join("/");
    if key.is_empty() { "_".to_owned() } else { key }
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn tags_become_names_that_stay_inside() {
        for (tag, name) in [
            ("train/loss", "train/loss"),
            ("../../etc/passwd", "etc/passwd"),
            ("/a//b/", "a/b"),
            ("loss (%)", "loss (%)".replace(['(', '%', ')'], "_").as_str()),
            ("..", "_"),
            ("a\0b", "a_b"),
        ] {
            assert_eq!(key(tag), name, "{tag:?}");
        }
    }
}
