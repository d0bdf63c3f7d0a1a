//! `mvl registry keygen`, `sign` and `verify`.

use std::path::{Path, PathBuf};

use clap::Args;
use mvl::track::manifest::{SignaturePolicy, SigningKey, TrustedKeys};
use serde_json::json;

use super::address;
use crate::output::{Output, count, thousands};
use crate::workspace::{TRUSTED_KEYS_VARIABLE, block, existing, policy};

#[derive(Debug, Args)]
pub(crate) struct KeygenArguments {
    /// The file to write the private key to; it must not be there yet.
    file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// The version: NAME/3, NAME@champion.
    model: String,
    /// The file of the private key.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The version: NAME/3, NAME@champion.
    model: String,
    /// A file of public keys, a line each; the version must be signed by one of them [env: MVL_TRUSTED_KEYS].
    #[arg(long, value_name = "FILE")]
    trusted: Option<PathBuf>,
}

pub(super) fn generate(arguments: KeygenArguments, output: &Output) -> anyhow::Result<()> {
    let key = SigningKey::generate()?;
    key.write(&arguments.file)?;
    let public = key.verifying_key();
    output.result(&json!({"file": arguments.file, "id": public.id(), "public": public.to_string()}), || {
        format!(
            "wrote the private key {} to {}\nthe public one, for a file that {TRUSTED_KEYS_VARIABLE} names:\n{public}",
            public.id(),
            arguments.file.display()
        )
    })
}

pub(super) fn sign(arguments: SignArguments, output: &Output) -> anyhow::Result<()> {
    let (workspace, key, address) = (existing()?, SigningKey::read(&arguments.key)?, address(&arguments.model));
    let (version, signature) = block(async move {
        let version = workspace.registry().resolve(&address).await?;
        // What is signed is what is there.
        workspace.verify_model(&version, &SignaturePolicy::ChecksumsOnly).await?;
        let signature = workspace.sign_model(&version.name, version.version, &key).await?;
        Ok((version, signature))
    })?;
    let told = json!({"name": version.name, "version": version.version, "key": signature.key});
    output.result(&told, || {
        format!("signed version {} of {} with the key {}", version.version, version.name, signature.key)
    })
}

pub(super) fn verify(arguments: VerifyArguments, output: &Output) -> anyhow::Result<()> {
    let policy = match arguments.trusted.as_deref() {
        Some(file) => SignaturePolicy::Signed(TrustedKeys::read(Path::new(file))?),
        None => policy()?,
    };
    let signed = matches!(policy, SignaturePolicy::Signed(_));
    let (workspace, address) = (existing()?, address(&arguments.model));
    let (version, manifest) = block(async move {
        let version = workspace.registry().resolve(&address).await?;
        let manifest = workspace.verify_model(&version, &policy).await?;
        Ok((version, manifest))
    })?;
    let (files, bytes) = (manifest.files.len(), manifest.total_bytes());
    let told =
        json!({"name": version.name, "version": version.version, "files": files, "bytes": bytes, "signed": signed});
    output.result(&told, || {
        let by = if signed { ", and signed by a trusted key" } else { "" };
        let (name, version, bytes) = (&version.name, version.version, thousands(bytes as usize));
        format!("version {version} of {name} is whole: {}, {bytes} bytes, as registered{by}", count(files, "file"))
    })
}
