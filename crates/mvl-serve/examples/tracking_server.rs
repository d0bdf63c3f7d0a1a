//! A tracking server that MLflow's client works with, for this machine alone: a database, a folder for artifacts, an address.
//!
//!     cargo run --release -p mvl-serve --example tracking_server -- sqlite:///runs.db artifacts 127.0.0.1:5000
//!     MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python train.py
//!
//! It prints where it listens, and ends when its standard input does. `mvl track serve` is the same with keys and logs.

use std::io::Read;

use mvl_serve::mlflow::{Log, ServeOptions, Server};
use mvl_store::StoreUrl;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [database, artifacts, address] = arguments.as_slice() else {
        return Err("usage: tracking_server DATABASE ARTIFACTS ADDRESS".into());
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = ServeOptions::open(database, &StoreUrl::parse(artifacts)?).await?;
        let options = options.at(address.parse()?).with_log(Log::new(|line| eprintln!("{line}")));
        let server = Server::bind(options).await?;
        println!("http://{}", server.address());
        let (end, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            let _ = end.send(());
        });
        server
            .run(async {
                let _ = ended.await;
            })
            .await;
        Ok(())
    })
}
