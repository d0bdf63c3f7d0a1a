//! How long does a prediction take, from the JPEG's bytes to the top five, and from a prepared tensor?
//! Random weights: time does not depend on them. Run: `cargo bench --workspace --bench predict`

use anyhow::Result;
use mvl::core::Backend;
use mvl::infer::{Input, Predictor};
use mvl_benches::{heading, measure, on_every_backend, photographs, report_latency, save_random_classifier};

const CLASSES: usize = 1000;

on_every_backend!(run);

fn run<B: Backend>() -> Result<()> {
    heading::<B>("prediction");
    let photo = photographs::jpeg(0)?;
    for name in ["mobilenet_v2", "resnet18", "resnet50"] {
        let folder = tempfile::tempdir()?;
        save_random_classifier::<B>(name, CLASSES, folder.path())?;
        let predictor = Predictor::<B>::load(folder.path())?;

        let from_bytes = measure(|| {
            predictor.predict(Input::Bytes(&photo)).expect("a photo").top(5);
        });
        report_latency(&format!("{name}, JPEG 500x375 to top 5"), from_bytes);
        for count in [1, 8] {
            let image = predictor.prepare(Input::Bytes(&photo))?;
            let images = vec![&image; count];
            let timing = measure(|| {
                assert!(predictor.predict_prepared(&images).iter().all(Result::is_ok), "the right shape");
            });
            report_latency(&format!("{name}, 3x224x224, batch {count}"), timing);
        }
    }
    Ok(())
}
