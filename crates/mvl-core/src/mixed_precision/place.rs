//! Where in a model a parameter is, and what kind of layer bears it.

/// What kind of layer a parameter belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    /// A normalisation or another layer that always computes in `f32`.
    Norm,
    /// A layer that runs in the type of its weights, see [`MixedForward`](super::MixedForward).
    Layer,
    /// No layer: the parameter meets what flows through the net as it is, such as a table of positions.
    Raw,
}

/// burn's layers that `MixedForward` runs, beside normalisations.
const LAYERS: [&str; 7] =
    ["Linear", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"];
/// Structs that stay in `f32` though their names are not those of normalisations: a scale of residuals, and means of powers.
const SENSITIVE: [&str; 2] = ["LayerScale", "GeM"];

/// The path that a visitor or a mapper has come to.
#[derive(Debug, Default)]
pub(super) struct Place {
    path: String,
    steps: Vec<Step>,
}

/// A field on the way.
#[derive(Debug)]
struct Step {
    /// How long the path was before it.
    before: usize,
    container: Container,
}

/// What the field is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Container {
    Struct(Bearer),
    /// What burn puts beside a layer's own weight, such as a LoRA adapter: it belongs to the layer.
    Reparameterization,
    /// Lists, arrays, enums.
    Other,
}

impl Place {
    pub(super) fn enter(&mut self, name: &str, container: &str) {
        let container = match container.split_once(':') {
            Some(("Struct", name)) => Container::Struct(bearer(name)),
            _ if container == "Reparameterization" => Container::Reparameterization,
            _ => Container::Other,
        };
        self.steps.push(Step { before: self.path.len(), container });
        if !self.path.is_empty() {
            self.path.push('.');
        }
        self.path.push_str(name);
    }

    pub(super) fn exit(&mut self) {
        if let Some(step) = self.steps.pop() {
            self.path.truncate(step.before);
        }
    }

    /// The path of the parameter.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The name of the parameter's field.
    pub(super) fn field(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    /// The layer that bears the parameter, by its path, and its kind. A parameter without a layer stands for itself.
    pub(super) fn bearer(&self) -> (&str, Bearer) {
        let own = self.steps.iter().take_while(|step| step.container != Container::Reparameterization);
        let structs = own.filter_map(|step| match step.container {
            Container::Struct(bearer) => Some((&self.path[..step.before], bearer)),
            _ => None,
        });
        match structs.last() {
            Some((_, Bearer::Raw)) | None => (&self.path, Bearer::Raw),
            Some(layer) => layer,
        }
    }
}

/// The kind of a struct of this name. Normalisations are told by it: it ends in `Norm`, or `Norm1d` to `Norm3d`.
fn bearer(name: &str) -> Bearer {
    let stem = ["1d", "2d", "3d"].iter().find_map(|rank| name.strip_suffix(rank)).unwrap_or(name);
    if stem.ends_with("Norm") || SENSITIVE.contains(&name) {
        Bearer::Norm
    } else if LAYERS.contains(&name) {
        Bearer::Layer
    } else {
        Bearer::Raw
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_told_by_their_names() {
        for name in ["BatchNorm", "LayerNorm", "LayerNorm2d", "GlobalResponseNorm", "LayerScale", "GeM"] {
            assert_eq!(bearer(name), Bearer::Norm, "{name}");
        }
        for name in ["Linear", "Conv2d", "ConvTranspose2d"] {
            assert_eq!(bearer(name), Bearer::Layer, "{name}");
        }
        for name in ["VisionTransformer", "ConvNormAct", "Normal", "2d"] {
            assert_eq!(bearer(name), Bearer::Raw, "{name}");
        }
    }

    #[test]
    fn a_layer_bears_all_that_is_in_it() {
        let mut place = Place::default();
        place.enter("backbone", "Struct:Network");
        place.enter("blocks", "Struct:Net");
        place.enter("1", "Vec");
        place.enter("weight", "Struct:Linear");
        assert_eq!(place.bearer(), ("backbone.blocks.1", Bearer::Layer));
        place.enter("lora", "Reparameterization");
        place.enter("a", "Struct:LoraAdapter");
        assert_eq!(place.bearer(), ("backbone.blocks.1", Bearer::Layer));
        assert_eq!((place.path(), place.field()), ("backbone.blocks.1.weight.lora.a", "a"));
        (0..5).for_each(|_| place.exit());
        place.enter("pos_embed", "Struct:Net");
        assert_eq!(place.bearer(), ("backbone.pos_embed", Bearer::Raw));
    }

    #[test]
    fn a_layer_may_be_the_whole_model() {
        let mut place = Place::default();
        place.enter("weight", "Struct:Linear");
        assert_eq!(place.bearer(), ("", Bearer::Layer));
    }
}
