//! The project's claims, each a row: what it says, what it needs, how long it takes, how it is measured.

mod accuracy;
mod build;
mod clients;
mod data;
mod export;
mod fine_tune;
mod killed;
mod monitoring;
mod oip;
mod photos;
mod pipelines;
mod serve_speed;
mod service;
mod suites;
mod trackers;
mod tracking_server;
mod zoo;

use std::fmt;

use anyhow::{Result, bail};

/// A claim of README or docs.
pub(crate) struct Claim {
    name: &'static str,
    says: &'static str,
    needs: &'static str,
    takes: &'static str,
    /// Whether it takes seconds, once built.
    quick: bool,
    measure: fn() -> Result<Verdict>,
}

/// What a measurement came to.
pub(crate) enum Verdict {
    /// A figure against its goal.
    Measured { figure: String, goal: &'static str, holds: bool },
    /// Nothing: what it needs is not on this machine.
    Skipped { needs: String },
}

impl Verdict {
    pub(crate) fn new(figure: impl fmt::Display, goal: &'static str, holds: bool) -> Self {
        Self::Measured { figure: figure.to_string(), goal, holds }
    }

    pub(crate) fn skipped(needs: impl fmt::Display) -> Self {
        Self::Skipped { needs: needs.to_string() }
    }
}

/// What a claim that cannot be measured here means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhenSkipped {
    /// It was asked for by name, so somebody wants to know.
    Fail,
    /// It was one of many.
    Pass,
}

const CLAIMS: &[Claim] = &[
    Claim {
        name: "demo",
        says: "the demo reaches 87 % on its held-out part in at most 3 minutes of training on two cores",
        needs: "nothing",
        takes: "3 minutes",
        quick: false,
        measure: accuracy::demo,
    },
    Claim {
        name: "demo-repeats",
        says: "the demo with the same seed twice gives the same accuracy to the last digit",
        needs: "nothing",
        takes: "6 minutes",
        quick: false,
        measure: accuracy::demo_repeats,
    },
    Claim {
        name: "fashion-mnist",
        says: "recipes/fashion_mnist.toml reaches 92 % on the test set of the full Fashion-MNIST",
        needs: "Debian's dataset-fashion-mnist, or its four files in the folder $FASHION_MNIST",
        takes: "a quarter of an hour on two cores",
        quick: false,
        measure: accuracy::fashion_mnist,
    },
    Claim {
        name: "tracking-killed",
        says: "the tracking server and its clients are killed fifty times each while they write: what was acknowledged is there, nothing is \
               there by half; of two processes that promote one alias one succeeds",
        needs: "Postgres (Debian: apt-get install postgresql)",
        takes: "3 minutes",
        quick: false,
        measure: trackers::killed,
    },
    Claim {
        name: "fine-tune",
        says: "recipes/fine_tune_trees.toml tells trees from ground on a photo never trained on; the head alone beats guessing",
        needs: "../shared/assets or $MVL_ASSETS",
        takes: "4 minutes on two cores",
        quick: false,
        measure: fine_tune::fine_tune,
    },
    Claim {
        name: "predict-photos",
        says: "MobileNetV2 with torchvision's weights names photos from the file up as torchvision does, within 0.01",
        needs: "../shared/assets",
        takes: "10 seconds",
        quick: true,
        measure: photos::predict,
    },
    Claim {
        name: "golden-logits",
        says: "MobileNetV2 with the real weights gives its golden logits within 1e-4, from .pth and .safetensors",
        needs: "../shared/assets",
        takes: "10 seconds",
        quick: true,
        measure: suites::golden_logits,
    },
    Claim {
        name: "torchvision-logits",
        says: "ResNet-18 to 152 and MobileNetV2 agree with torchvision at two input sizes, taps too",
        needs: "nothing",
        takes: "a minute",
        quick: false,
        measure: suites::torchvision_logits,
    },
    Claim {
        name: "resize",
        says: "resizing gives the bytes that Pillow gives, for each filter",
        needs: "nothing",
        takes: "5 seconds",
        quick: true,
        measure: suites::resize,
    },
    Claim {
        name: "workers",
        says: "one seed gives the same batches for any number of workers",
        needs: "nothing",
        takes: "5 seconds",
        quick: true,
        measure: suites::workers,
    },
    Claim {
        name: "transforms",
        says: "transforms agree with torchvision v2: coordinates exactly, pixels within one level",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::transforms,
    },
    Claim {
        name: "strategies",
        says: "every strategy yields its plan for 0 to 8 workers and 1, 2 and 4 ranks, and resumes at any step to the byte",
        needs: "nothing",
        takes: "a minute",
        quick: false,
        measure: suites::strategies,
    },
    Claim {
        name: "formats",
        says: "COCO, VOC and YOLO are read and written without loss, the real trees too",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::formats,
    },
    Claim {
        name: "trees",
        says: "the four photos with 951 trees (VOC) ingest, validate and preview",
        needs: "../shared/assets",
        takes: "10 seconds",
        quick: true,
        measure: data::trees,
    },
    Claim {
        name: "ingest-kill",
        says: "an ingestion that was killed is completed by the same command, to the same bytes",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::ingest_kill,
    },
    Claim {
        name: "webdataset",
        says: "PyPI's webdataset reads our shards unchanged",
        needs: "Python 3 with venv, and PyPI",
        takes: "a minute",
        quick: false,
        measure: data::webdataset,
    },
    Claim {
        name: "stores",
        says: "disk, S3 and Azure pass one suite; a store that fails, is slow or cuts bodies loses no sample and doubles none",
        needs: "Python 3 with venv, npm, and their registries",
        takes: "2 minutes",
        quick: false,
        measure: data::stores,
    },
    Claim {
        name: "pipelines",
        says: "loading beside torchvision, OpenCV, simplejpeg and the bare decoders; docs/performance.md says what is short",
        needs: "../shared/assets, an idle machine, and Python with torch, torchvision, OpenCV and simplejpeg ($MVL_PYTHON)",
        takes: "4 minutes",
        quick: false,
        measure: pipelines::pipelines,
    },
    Claim {
        name: "fuzz",
        says: "every parser of bytes from outside is fuzzed for ten minutes without a crash",
        needs: "nightly Rust and cargo-fuzz",
        takes: "two hours and a half",
        quick: false,
        measure: data::fuzz,
    },
    Claim {
        name: "losses",
        says: "every loss and its gradient equal PyTorch's, torchvision's, timm's or the paper's within 1e-5",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::losses,
    },
    Claim {
        name: "metrics",
        says: "every figure of merit equals torchmetrics', pycocotools' or the paper's in 1,000 random cases, in any split",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::metrics,
    },
    Claim {
        name: "optimization",
        says: "schedules, optimisers, clipping and 50 updates of a small ResNet in each way follow PyTorch and timm; accumulated batches equal the big one",
        needs: "nothing",
        takes: "20 seconds",
        quick: true,
        measure: suites::optimization,
    },
    Claim {
        name: "exact-resume",
        says: "a run that is interrupted and resumed ends with the weights of one that was not, bit for bit",
        needs: "nothing",
        takes: "10 seconds",
        quick: true,
        measure: suites::exact_resume,
    },
    Claim {
        name: "killed",
        says: "twenty runs killed with SIGKILL at random moments and resumed end with the weights of one that was left alone",
        needs: "nothing",
        takes: "10 minutes",
        quick: false,
        measure: killed::killed,
    },
    Claim {
        name: "faults",
        says: "SIGTERM and a full disk leave whole checkpoints, and the run goes on to the same weights",
        needs: "a Unix shell",
        takes: "2 minutes",
        quick: false,
        measure: killed::faults,
    },
    Claim {
        name: "mlflow",
        says: "MLflow's own client reads back what a run records on a real server; a server that fails or is away loses no epoch",
        needs: "Python 3 with venv, and PyPI",
        takes: "2 minutes",
        quick: false,
        measure: trackers::mlflow,
    },
    Claim {
        name: "mlflow-server",
        says: "MLflow's own client and the suite of its REST reference pass on our tracking server as on `mlflow server`",
        needs: "Python 3 with venv, and PyPI",
        takes: "3 minutes",
        quick: false,
        measure: tracking_server::suite,
    },
    Claim {
        name: "mlflow-server-speed",
        says: "our tracking server takes 20 times as many batches of metrics as `mlflow server`, searches 5 times as fast in a tenth of the memory",
        needs: "Python 3 with venv, and PyPI",
        takes: "10 minutes",
        quick: false,
        measure: tracking_server::speed,
    },
    Claim {
        name: "runs-plot",
        says: "mvl runs plot draws a run of a million points in less than a second, the whole command",
        needs: "nothing",
        takes: "half a minute",
        quick: false,
        measure: tracking_server::plot,
    },
    Claim {
        name: "prometheus",
        says: "a real Prometheus reads a running job's figures, and promtool has nothing to say against the page",
        needs: "Debian's prometheus, Python 3 with venv, and PyPI",
        takes: "2 minutes",
        quick: false,
        measure: trackers::prometheus,
    },
    Claim {
        name: "own-backbone",
        says: "a user's own backbone trains, checkpoints, resumes and predicts like a built-in",
        needs: "nothing",
        takes: "20 seconds",
        quick: true,
        measure: suites::own_backbone,
    },
    Claim {
        name: "own-family",
        says: "a crate with a family of its own has the whole command line by a main of five lines: trained, saved, loaded",
        needs: "nothing",
        takes: "20 seconds",
        quick: true,
        measure: zoo::own_family,
    },
    Claim {
        name: "zoo",
        says: "every name loads its reference's weights strictly, agrees in logits and taps at two sizes, and writes them back",
        needs: "Python with torch, torchvision, timm and safetensors ($MVL_PYTHON)",
        takes: "two hours and a half",
        quick: false,
        measure: zoo::zoo,
    },
    Claim {
        name: "zoo-conformance",
        says: "every name at its full size keeps the contract of a backbone: taps, gradients, saving, fusing, capture",
        needs: "nothing",
        takes: "an hour",
        quick: false,
        measure: zoo::zoo_conformance,
    },
    Claim {
        name: "onnx-export",
        says: "every name of the zoo, exported to ONNX, answers in onnxruntime as here, for any number of pictures",
        needs: "Python with onnxruntime and numpy ($MVL_PYTHON); $MVL_NAMES chooses names by patterns",
        takes: "two hours",
        quick: false,
        measure: export::every_name,
    },
    Claim {
        name: "onnx-export-quick",
        says: "one of each kind of net, exported to ONNX, answers in onnxruntime as here, for any number of pictures",
        needs: "Python with onnxruntime and numpy ($MVL_PYTHON)",
        takes: "20 seconds",
        quick: true,
        measure: export::some_names,
    },
    Claim {
        name: "oip",
        says: "unmodified tritonclient and kserve clients pass every case of the Open Inference Protocol's suite",
        needs: "Python with venv and PyPI",
        takes: "a minute",
        quick: false,
        measure: oip::ours,
    },
    Claim {
        name: "oip-servers",
        says: "the table of servers in docs/protocol.md: mvl, mlserver and furnace-server by the same cases",
        needs: "Python with venv, PyPI and crates.io",
        takes: "5 minutes",
        quick: false,
        measure: oip::servers,
    },
    Claim {
        name: "clients",
        says: "the OpenAPI document is valid, and the Python and the TypeScript client that public generators make of it work with a running \
               `mvl serve`",
        needs: "Python 3 with venv, node, npm, and their registries",
        takes: "a minute",
        quick: false,
        measure: clients::clients,
    },
    Claim {
        name: "serve-chaos",
        says: "of 100,000 requests none is answered wrong or lost while versions, canaries and replicas come and go and the store fails",
        needs: "Linux",
        takes: "5 minutes",
        quick: false,
        measure: service::chaos,
    },
    Claim {
        name: "serve-overload",
        says: "at five times what a server can do, what is taken is in time, and the rest is refused within 10 ms",
        needs: "nothing else to do on the machine",
        takes: "a minute",
        quick: false,
        measure: service::overload,
    },
    Claim {
        name: "monitoring",
        says: "a real Prometheus counts every request of a running `mvl serve`; promtool is content with its page and the alert rules, which are \
               tested; the dashboard parses; dark pictures are seen as drift",
        needs: "Debian's prometheus; PyPI for Grafana's own library",
        takes: "20 seconds",
        quick: true,
        measure: monitoring::monitoring,
    },
    Claim {
        name: "serve-speed",
        says: "MobileNetV2 from JPEGs: 1.5 times the answers of LitServe and MLServer with onnxruntime on the same cores",
        needs: "../shared/assets or $MVL_ASSETS, an idle machine, Python with venv, and PyPI",
        takes: "8 minutes",
        quick: false,
        measure: serve_speed::speed,
    },
    Claim {
        name: "serve-overhead",
        says: "to the time of MobileNetV2 on burn the service adds at most 3 %, beyond what a route written by hand needs too",
        needs: "an idle machine",
        takes: "4 minutes",
        quick: false,
        measure: serve_speed::overhead,
    },
    Claim {
        name: "serve-identity",
        says: "of an identity model the service gives 80 % of the answers of a route written by hand, and more than furnace-server",
        needs: "an idle machine",
        takes: "5 minutes",
        quick: false,
        measure: serve_speed::identity,
    },
    Claim {
        name: "bad-input",
        says: "bad input has a message that names the place and the way out",
        needs: "nothing",
        takes: "20 seconds",
        quick: true,
        measure: suites::bad_input,
    },
    Claim {
        name: "capture",
        says: "every model's forward pass is recorded as a graph without a read-back to the host",
        needs: "nothing",
        takes: "a minute",
        quick: false,
        measure: suites::capture,
    },
    Claim {
        name: "vit-memory",
        says: "creating vit_base_patch16_224 and loading its safetensors takes at most 1.3 times the file's size in memory",
        needs: "Linux",
        takes: "20 seconds",
        quick: true,
        measure: suites::vit_memory,
    },
    Claim {
        name: "cuda-checks",
        says: "everything type-checks with the CUDA backend, without a GPU, a toolkit or a download",
        needs: "nothing",
        takes: "5 minutes",
        quick: false,
        measure: build::cuda_checks,
    },
    Claim {
        name: "benches",
        says: "the benches print the figures of docs/performance.md: loading, resizing, training, predicting",
        needs: "nothing",
        takes: "5 minutes",
        quick: false,
        measure: build::benches,
    },
    Claim {
        name: "cold-build",
        says: "README's first command builds from nothing on two cores; six minutes are aimed at",
        needs: "the crates' sources already fetched",
        takes: "6 minutes",
        quick: false,
        measure: build::cold_build,
    },
];

/// Prints the claims.
pub(crate) fn list() {
    for Claim { name, says, needs, takes, quick, .. } in CLAIMS {
        println!("{name}{}\n    {says}\n    needs {needs}; takes {takes}", if *quick { " (quick)" } else { "" });
    }
}

/// Measures the quick ones.
pub(crate) fn prove_quick() -> Result<bool> {
    let names: Vec<_> = CLAIMS.iter().filter(|claim| claim.quick).map(|claim| claim.name).collect();
    measure(&names, WhenSkipped::Pass)
}

/// Measures claims by name; false when one is short of its goal or cannot be measured here.
pub(crate) fn prove(names: &[&str]) -> Result<bool> {
    measure(names, WhenSkipped::Fail)
}

fn measure(names: &[&str], when_skipped: WhenSkipped) -> Result<bool> {
    let mut lines = Vec::new();
    let mut all_hold = true;
    for name in names {
        let Some(claim) = CLAIMS.iter().find(|claim| claim.name == *name) else {
            bail!("unknown claim {name:?}; `cargo xtask prove` lists them");
        };
        let (line, holds) = match (claim.measure)() {
            Ok(Verdict::Measured { figure, goal, holds }) => {
                (format!("{name}: {figure} ({goal}) {}", if holds { "ok" } else { "short" }), holds)
            }
            Ok(Verdict::Skipped { needs }) => {
                (format!("{name}: skipped (needs {needs})"), when_skipped == WhenSkipped::Pass)
            }
            Err(error) => (format!("{name}: {error:#} (a measurement) short"), false),
        };
        all_hold &= holds;
        lines.push(line);
        println!("{}", lines[lines.len() - 1]);
    }
    if lines.len() > 1 {
        println!("\n{}", lines.join("\n"));
    }
    Ok(all_hold)
}
