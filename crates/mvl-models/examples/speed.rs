use burn::module::Module;
use burn::optim::*;
use burn::tensor::*;
use mvl_core::*;
use mvl_models::*;
use std::time::Instant;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let name = a[1].clone();
    let bs: usize = a[2].parse().unwrap();
    let device = Cpu::device(0).unwrap();
    let ad = device.clone().autodiff();
    let mut cfg = ModelConfig::new(name, 10).with_in_channels(1);
    for kv in &a[3..] {
        let (k, v) = kv.split_once('=').unwrap();
        let v: serde_json::Value = serde_json::from_str(v).unwrap_or(serde_json::Value::String(v.to_string()));
        cfg = cfg.with_option(k, v);
    }
    let mut model = zoo().create_classifier(&cfg, &ad).unwrap();
    println!("params {}", count_parameters(&model));
    let mut optim =
        SgdConfig::new().with_momentum(Some(burn::optim::momentum::MomentumConfig::new().with_dampening(0.0))).init();
    let x = Tensor::<4>::random([bs, 1, 28, 28], Distribution::Normal(0., 1.), &ad);
    for i in 0..4 {
        let t = Instant::now();
        let y = model.forward(x.clone());
        let l = y.powi_scalar(2).mean();
        let _ = l.clone().into_scalar::<f32>();
        let tf = t.elapsed();
        let g = l.backward();
        let tb = t.elapsed();
        let g = GradientsParams::from_grads(g, &model);
        model = optim.step(0.01, model, g);
        println!(
            "{i}: fwd {:?} bwd {:?} step {:?} total {:?} => {:.0} img/s",
            tf,
            tb - tf,
            t.elapsed() - tb,
            t.elapsed(),
            bs as f64 / t.elapsed().as_secs_f64()
        );
    }
    let m = model.valid();
    let x = Tensor::<4>::random([bs, 1, 28, 28], Distribution::Normal(0., 1.), &device);
    let t = Instant::now();
    let _ = m.forward(x).into_data();
    println!("eval {:?}", t.elapsed());
}
