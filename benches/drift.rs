//! What does looking for drift add to a request? A picture of 3×224×224 and its 1,000 probabilities, looked at again and again.
//!
//! `cargo bench --workspace --bench drift`

use std::time::Instant;

use mvl::core::SampleRng;
use mvl::infer::HostTensor;
use mvl::infer::drift::{DriftGatherer, DriftWatch};

const SHAPE: [usize; 4] = [1, 3, 224, 224];
const CLASSES: usize = 1000;
const WARM_UP: usize = 200;
const ROUNDS: usize = 7;
const LOOKS: usize = 2000;

fn main() {
    let mut rng = SampleRng::new([1, 2, 3, 4]);
    let mut values = |count: usize| -> Vec<f32> { (0..count).map(|_| rng.unit() as f32).collect() };
    let mut gatherer = DriftGatherer::new(SHAPE[1]);
    for _ in 0..100 {
        gatherer.add(&values(SHAPE.iter().product()), &values(CLASSES));
    }
    let watch = DriftWatch::new(gatherer.finish());
    let pictures: Vec<(HostTensor, HostTensor)> = (0..16)
        .map(|_| {
            let picture = HostTensor::from_f32(SHAPE.to_vec(), &values(SHAPE.iter().product()));
            (picture, HostTensor::from_f32(vec![1, CLASSES], &values(CLASSES)))
        })
        .collect();
    let look = |count: usize| {
        for (picture, probabilities) in pictures.iter().cycle().take(count) {
            watch.look(picture, probabilities);
        }
    };
    look(WARM_UP);
    let mut micros: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            look(LOOKS);
            begun.elapsed().as_secs_f64() * 1e6 / LOOKS as f64
        })
        .collect();
    micros.sort_by(f64::total_cmp);
    let [first, .., last] = &micros[..] else { unreachable!("several rounds") };
    println!("drift of a 3×224×224 picture: {:.1} µs a request ({first:.1} to {last:.1})", micros[ROUNDS / 2]);
    assert_eq!(watch.rows(), 1000);
}
