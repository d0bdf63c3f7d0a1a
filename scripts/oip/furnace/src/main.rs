//! furnace-server with identity models of its three types: `furnace-identity HTTP_PORT GRPC_PORT`.

use furnace::{DataType, HostTensor, IoSpec, Model, Server, TensorModel};

#[derive(Debug)]
struct Identity {
    name: &'static str,
    types: &'static [DataType],
}

impl Identity {
    fn specs(&self, name: &str) -> Vec<IoSpec> {
        let spec = |(place, &kind): (usize, &DataType)| IoSpec::new(&format!("{name}{place}"), kind, &[None]);
        self.types.iter().enumerate().map(spec).collect()
    }
}

impl TensorModel for Identity {
    fn name(&self) -> &str {
        self.name
    }

    fn backend(&self) -> &str {
        "cpu"
    }

    fn inputs(&self) -> Vec<IoSpec> {
        self.specs("INPUT")
    }

    fn outputs(&self) -> Vec<IoSpec> {
        self.specs("OUTPUT")
    }

    fn run(&self, inputs: Vec<HostTensor>) -> furnace::Result<Vec<HostTensor>> {
        Ok(inputs)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let ports: Vec<u16> = std::env::args().skip(1).map(|port| port.parse()).collect::<Result<_, _>>()?;
    let [http, grpc] = ports[..] else { return Err("expected HTTP_PORT GRPC_PORT".into()) };
    let models: [(&str, &[DataType]); 5] = [
        ("fp32", &[DataType::Fp32]),
        ("int32", &[DataType::Int32]),
        ("int64", &[DataType::Int64]),
        ("pair", &[DataType::Int64, DataType::Fp32]),
        ("spare", &[DataType::Fp32]),
    ];
    let mut server = Server::new().host("127.0.0.1").port(http).configure(|config| config.grpc_port = Some(grpc));
    for (name, types) in models {
        server = server.model(Model::custom(Identity { name, types }));
    }
    Ok(server.serve().await?)
}
