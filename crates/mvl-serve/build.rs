//! Makes Rust of the protocol's proto files, without `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["inference.proto", "mvl/v1/model_service.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::grpc_codec::GrpcCodec")
        .bytes(".")
        .compile_fds(files)?;
    Ok(())
}
