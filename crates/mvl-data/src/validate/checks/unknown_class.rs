//! Class indices without a name: of the image, of an object, or of a pixel.

use mvl_core::ClassMap;

use super::Look;
use crate::validate::check::Check;
use crate::validate::finding::Fault;

pub(super) fn find(look: &Look<'_>) -> Vec<Fault> {
    let known = look.labels.len();
    let say = |what: &str, class: usize| format!("{what}: expected a class below {known}, got {class}");
    let of_image = look.annotations.classes().map(|weight| weight.class).filter(|&class| class >= known);
    let mut faults: Vec<_> =
        of_image.map(|class| Fault::of_sample(Check::UnknownClass, say("the image", class))).collect();
    for (number, object) in look.objects().filter(|(_, object)| object.class >= known) {
        let message = say(&format!("object {number}"), object.class);
        faults.push(Fault::of_object(Check::UnknownClass, number, message));
    }
    let pixels = look.annotations.class_map.iter().flat_map(|map| map.classes());
    let highest = pixels.filter(|&&class| class != ClassMap::IGNORE).max().map(|&class| usize::from(class));
    if let Some(class) = highest.filter(|&class| class >= known) {
        faults.push(Fault::of_sample(Check::UnknownClass, say("the map of classes", class)));
    }
    faults
}
